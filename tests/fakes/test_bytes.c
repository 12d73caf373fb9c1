#include "tests/fakes/test_bytes.h"

#include "common/base/encoding.h"

#include <stdlib.h>
#include <string.h>

size_t
test_bytes(const char *hex, uint8_t *out, size_t room)
{
    size_t len = strlen(hex) / 2;
    if (len > room || encoding_unhex(hex, out, len) != 0)
        abort();
    return len;
}

int
test_bytes_equal(const void *data, size_t len, const char *hex)
{
    uint8_t expected[8192];
    return test_bytes(hex, expected, sizeof(expected)) == len && memcmp(data, expected, len) == 0;
}
