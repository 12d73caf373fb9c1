#include "common/rpc/rpc_frame.h"

#include "common/base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static int
read_one(struct rpc_frame_reader *reader, const void *bytes, size_t size, struct rpc_message **message,
         struct error *err)
{
    const uint8_t *data = bytes;
    return rpc_frame_read(reader, &data, &size, message, err);
}

static void
messages_are_cut_out_of_the_stream(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct rpc_frame_reader reader;
    struct rpc_message *message = NULL;
    const uint8_t bytes[] = "\0\0\0\0\3abc\0\0\0\0\0\0\0\0\0\2d";
    const uint8_t *data = bytes;
    size_t len = sizeof(bytes) - 1;
    rpc_frame_reader_init(&reader, 10);
    assert_int_equal(rpc_frame_read(&reader, &data, &len, &message, &err), 1);
    assert_int_equal(message->len, 3);
    assert_memory_equal(message->data, "abc", 3);
    rpc_frame_message_free(message);
    assert_int_equal(rpc_frame_read(&reader, &data, &len, &message, &err), 1);
    assert_int_equal(message->len, 0);
    assert_true(rpc_frame_at_boundary(&reader));
    rpc_frame_message_free(message);
    assert_int_equal(rpc_frame_read(&reader, &data, &len, &message, &err), 0);
    assert_false(rpc_frame_at_boundary(&reader));
    assert_int_equal(read_one(&reader, "e", 1, &message, &err), 1);
    assert_memory_equal(message->data, "de", 2);
    rpc_frame_message_free(message);
    rpc_frame_reader_clear(&reader);
}

static void
a_length_over_the_limit_is_refused_before_its_bytes(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct rpc_frame_reader reader;
    struct rpc_message *message = NULL;
    rpc_frame_reader_init(&reader, 10);
    assert_int_equal(read_one(&reader, "\0\0\0\0\xb", 5, &message, &err), -1);
    assert_int_equal(err.kind, ERROR_LIMIT);
    assert_string_equal(err.text, "a message of 11 bytes is over the limit of 10 bytes");
    rpc_frame_reader_clear(&reader);
}

static void
compressed_and_unknown_flags_are_refused(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct rpc_frame_reader reader;
    struct rpc_message *message = NULL;
    rpc_frame_reader_init(&reader, 10);
    assert_int_equal(read_one(&reader, "\1\0\0\0\1", 5, &message, &err), -1);
    assert_int_equal(err.kind, ERROR_UNSUPPORTED);
    rpc_frame_reader_clear(&reader);
    error_clear(&err);
    assert_int_equal(read_one(&reader, "\2\0\0\0\1", 5, &message, &err), -1);
    assert_int_equal(err.kind, ERROR_FORMAT);
    rpc_frame_reader_clear(&reader);
}

static void
a_long_message_grows_with_its_bytes(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct rpc_frame_reader reader;
    struct rpc_message *message = NULL;
    uint8_t head[RPC_FRAME_HEAD], piece[4096];
    const size_t len = 5000000;
    rpc_frame_reader_init(&reader, len);
    rpc_frame_write_head(head, (uint32_t)len);
    assert_int_equal(read_one(&reader, head, sizeof(head), &message, &err), 0);
    int rc = 0;
    for (size_t at = 0; at < len; at += sizeof(piece)) {
        memset(piece, (int)(at / sizeof(piece)), sizeof(piece));
        rc = read_one(&reader, piece, len - at < sizeof(piece) ? len - at : sizeof(piece), &message, &err);
    }
    assert_int_equal(rc, 1);
    assert_int_equal(message->len, len);
    assert_int_equal(message->data[3000000], (uint8_t)(3000000 / sizeof(piece)));
    rpc_frame_message_free(message);
    rpc_frame_reader_clear(&reader);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_cut_out_of_the_stream),
        cmocka_unit_test(a_length_over_the_limit_is_refused_before_its_bytes),
        cmocka_unit_test(compressed_and_unknown_flags_are_refused),
        cmocka_unit_test(a_long_message_grows_with_its_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
