#include "common/crypto/quickxor.h"

#include "common/base/encoding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void
assert_hash(const void *data, size_t len, const char *expected)
{
    /* Every way of cutting the input in two gives the same hash; for long inputs a few cuts do. */
    size_t step = len > 2000 ? len / 7 : 1;

    for (size_t cut = 0; cut <= len; cut += step) {
        struct quickxor hash = { .length = 0 };
        char text[QUICKXOR_TEXT];
        quickxor_update(&hash, data, cut);
        quickxor_update(&hash, (const uint8_t *)data + cut, len - cut);
        quickxor_text(&hash, text);
        assert_string_equal(text, expected);
    }
}

static void
published_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *base64, *expected;
    } vectors[] = {
        { "", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=" },
        { "Sg==", "SgAAAAAAAAAAAAAAAQAAAAAAAAA=" },
        { "tbQ=", "taAFAAAAAAAAAAAAAgAAAAAAAAA=" },
        { "0pZP", "0rDEEwAAAAAAAAAAAwAAAAAAAAA=" },
        { "eAV52qE=", "eChAHrQRCgAAAAAABQAAAAAAAAA=" },
        { "T6LYJIfDh81JrAK309H2JMJTXis=", "zBTHrspn3mEcohlJdIUAbjGNaNg=" },
    };
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        uint8_t raw[64];
        size_t len = sizeof(raw);
        assert_int_equal(encoding_unbase64(vectors[i].base64, strlen(vectors[i].base64), raw, &len, NULL), 0);
        assert_hash(raw, len, vectors[i].expected);
    }
    assert_hash("a", 1, "YQAAAAAAAAAAAAAAAQAAAAAAAAA=");
    assert_hash("abc", 3, "YRDDGAAAAAAAAAAAAwAAAAAAAAA=");
    assert_hash("hello world", 11, "aCgDG9jwBhDc4Q1yawMZAAAAAAA=");
}

static void
patterns_that_wrap(void **state)
{
    (void)state;
    uint8_t *data = malloc(1000000);
    assert_non_null(data);

    memset(data, 0xff, 161);
    assert_hash(data, 14, "//jHP/7xj3/84x//9sc//vGPfwA=");
    assert_hash(data, 15, "/PjHP/7xj3/84x//98c//vGPf/w=");
    assert_hash(data, 16, "HOfHP/7xj3/84x//6Mc//vGPf/w=");
    assert_hash(data, 161, "/wAAAAAAAAAAAAAAoQAAAAAAAAA=");
    memset(data, 0, 1024);
    assert_hash(data, 1024, "AAAAAAAAAAAAAAAAAAQAAAAAAAA=");
    memset(data, 'a', 1000000);
    assert_hash(data, 1000000, "AAAAAAAAAAAAAAAAQEIPAAAAAAA=");
    for (size_t i = 0; i < 327680; i++)
        data[i] = (uint8_t)i;
    assert_hash(data, 160, "/+EGLlnQi0dVs5OErXWhEnz5wg4=");
    assert_hash(data, 256, "QkGEfSisZcA7k+FCh71r2dbCayY=");
    assert_hash(data, 327680, "AAAAAAAAAAAAAAAAAAAFAAAAAAA=");
    free(data);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_vectors),
        cmocka_unit_test(patterns_that_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
