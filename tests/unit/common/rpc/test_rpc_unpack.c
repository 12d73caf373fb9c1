#include "common/base/arena.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/rpc/rpc_call.h"

#include "proto/vault.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static uint8_t *
packed_ranges(size_t count, size_t *len)
{
    Longhaul__V1__PackRange range;
    longhaul__v1__pack_range__init(&range);
    Longhaul__V1__GetRangesRequest request = LONGHAUL__V1__GET_RANGES_REQUEST__INIT;
    Longhaul__V1__PackRange **ranges = memory_new(count * sizeof(*ranges));
    for (size_t i = 0; i < count; i++)
        ranges[i] = &range;
    request.n_ranges = count;
    request.ranges = ranges;
    *len = protobuf_c_message_get_packed_size(&request.base);
    uint8_t *bytes = memory_new(*len);
    protobuf_c_message_pack(&request.base, bytes);
    free(ranges);
    return bytes;
}

static void
a_message_is_unpacked_into_the_arena(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    CLEANUP(arena_free_p) struct arena *arena = arena_new(65536);
    size_t len = 0;
    CLEANUP(memory_free_p) uint8_t *bytes = packed_ranges(100, &len);
    ProtobufCMessage *message = rpc_unpack(&longhaul__v1__get_ranges_request__descriptor, bytes, len, arena, &err);
    assert_non_null(message);
    assert_int_equal(((Longhaul__V1__GetRangesRequest *)message)->n_ranges, 100);
}

static void
a_small_message_that_needs_much_memory_is_refused(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    CLEANUP(arena_free_p) struct arena *arena = arena_new(65536);
    size_t len = 0;
    CLEANUP(memory_free_p) uint8_t *bytes = packed_ranges(20000, &len);
    assert_true(len < 65536);
    assert_null(rpc_unpack(&longhaul__v1__get_ranges_request__descriptor, bytes, len, arena, &err));
    assert_int_equal(err.kind, ERROR_LIMIT);
}

static void
bytes_that_are_no_message_are_refused(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    CLEANUP(arena_free_p) struct arena *arena = arena_new(65536);
    assert_null(rpc_unpack(&longhaul__v1__get_ranges_request__descriptor, "\x0a\x7f", 2, arena, &err));
    assert_int_equal(err.kind, ERROR_FORMAT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_unpacked_into_the_arena),
        cmocka_unit_test(a_small_message_that_needs_much_memory_is_refused),
        cmocka_unit_test(bytes_that_are_no_message_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
