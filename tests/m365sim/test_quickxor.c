#include "common/base/encoding.h"
#include "common/base/memory.h"
#include "tests/m365sim/quickxor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
assert_hash(const void *data, size_t len, size_t step, const char *want)
{
    struct quickxor q;
    uint8_t hash[QUICKXOR_LEN];
    char text[QUICKXOR_TEXT_LEN];
    quickxor_init(&q);
    for (size_t at = 0; at < len; at += step)
        quickxor_update(&q, (const uint8_t *)data + at, len - at < step ? len - at : step);
    quickxor_final(&q, hash);
    encoding_base64(hash, sizeof(hash), text);
    assert_string_equal(text, want);
}

static void
known_values(void **state)
{
    uint8_t bytes[1024] = { 0 };
    (void)state;
    assert_hash("", 0, 1, "AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    assert_hash("a", 1, 1, "YQAAAAAAAAAAAAAAAQAAAAAAAAA=");
    assert_hash("abc", 3, 3, "YRDDGAAAAAAAAAAAAwAAAAAAAAA=");
    assert_hash("hello world", 11, 4, "aCgDG9jwBhDc4Q1yawMZAAAAAAA=");
    assert_hash(bytes, 1024, 1024, "AAAAAAAAAAAAAAAAAAQAAAAAAAA=");
    memset(bytes, 0xff, sizeof(bytes));
    assert_hash(bytes, 14, 14, "//jHP/7xj3/84x//9sc//vGPfwA=");
    assert_hash(bytes, 15, 15, "/PjHP/7xj3/84x//98c//vGPf/w=");
    assert_hash(bytes, 161, 161, "/wAAAAAAAAAAAAAAoQAAAAAAAAA=");
    for (size_t i = 0; i < 256; i++)
        bytes[i] = (uint8_t)i;
    assert_hash(bytes, 160, 160, "/+EGLlnQi0dVs5OErXWhEnz5wg4=");
    assert_hash(bytes, 256, 256, "QkGEfSisZcA7k+FCh71r2dbCayY=");
}

static void
pieces_of_any_size_give_the_same(void **state)
{
    static const size_t steps[] = { 1, 7, 159, 160, 161, 4096, 327680 };
    uint8_t *bytes = memory_new(1000000);
    (void)state;
    for (size_t i = 0; i < 327680; i++)
        bytes[i] = (uint8_t)i;
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        assert_hash(bytes, 327680, steps[i], "AAAAAAAAAAAAAAAAAAAFAAAAAAA=");
    memset(bytes, 'a', 1000000);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        assert_hash(bytes, 1000000, steps[i], "AAAAAAAAAAAAAAAAQEIPAAAAAAA=");
    free(bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values),
        cmocka_unit_test(pieces_of_any_size_give_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
