#include "common/base/buffer.h"

#include "common/base/error.h"
#include "common/base/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void
a_buffer_refuses_to_grow_over_its_ceiling(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct buffer b;
    buffer_init(&b, 10);
    assert_int_equal(buffer_append(&b, "0123456789", 10, &err), 0);
    assert_int_equal(buffer_append(&b, "x", 1, &err), -1);
    assert_int_equal(err.kind, ERROR_LIMIT);
    assert_int_equal(b.len, 10);
    buffer_clear(&b);
}

static void
a_huge_request_does_not_overflow(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct buffer b;
    buffer_init(&b, 100);
    assert_int_equal(buffer_append(&b, "abc", 3, &err), 0);
    assert_int_equal(buffer_reserve(&b, SIZE_MAX - 1, &err), -1);
    buffer_clear(&b);
}

static void
numbers_are_little_endian_and_read_back(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct buffer b;
    buffer_init(&b, 100);
    buffer_append_u8(&b, 1, &err);
    buffer_append_u16(&b, 0x0203, &err);
    buffer_append_u32(&b, 0x04050607, &err);
    buffer_append_u64(&b, 0x08090a0b0c0d0e0f, &err);
    assert_int_equal(b.len, 15);
    assert_int_equal(b.data[1], 3);
    struct reader r = READER_INIT(b.data, b.len);
    assert_int_equal(reader_u8(&r), 1);
    assert_int_equal(reader_u16(&r), 0x0203);
    assert_int_equal(reader_u32(&r), 0x04050607);
    assert_true(reader_u64(&r) == 0x08090a0b0c0d0e0f);
    assert_false(r.failed);
    assert_int_equal(reader_u8(&r), 0);
    assert_true(r.failed);
    assert_int_equal(reader_left(&r), 0);
    buffer_clear(&b);
}

static void
text_consume_and_take(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct buffer b;
    buffer_init(&b, 1000);
    assert_int_equal(buffer_printf(&b, &err, "%d-%s", 42, "abc"), 0);
    assert_string_equal(buffer_text(&b, &err), "42-abc");
    buffer_consume(&b, 3);
    assert_string_equal(buffer_text(&b, &err), "abc");
    size_t len;
    uint8_t *data = buffer_take(&b, &len);
    assert_int_equal(len, 3);
    assert_null(b.data);
    free(data);
    buffer_clear(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_refuses_to_grow_over_its_ceiling),
        cmocka_unit_test(a_huge_request_does_not_overflow),
        cmocka_unit_test(numbers_are_little_endian_and_read_back),
        cmocka_unit_test(text_consume_and_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
