#include "transporter/restore/spool.h"

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/fakes/scratch_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void
round_trip(struct spool *spool, size_t size)
{
    struct error err = ERROR_INIT;
    CLEANUP(memory_free_p) uint8_t *bytes = memory_new(size + 1);
    CLEANUP(memory_free_p) uint8_t *back = memory_new(size + 1);
    clock_random(clock_system(), bytes, size);
    spool_reset(spool);
    for (size_t at = 0; at < size;) {
        size_t part = size - at < 70001 ? size - at : 70001;
        assert_int_equal(spool_write(spool, bytes + at, part, &err), 0);
        at += part;
    }
    assert_int_equal(spool_len(spool), size);
    size_t len = 0;
    assert_int_equal(spool_read(spool, 0, back, size + 1, &len, &err), 0);
    assert_int_equal(len, size);
    assert_memory_equal(back, bytes, size);
    for (size_t at = size; at > 0; at -= at < 99991 ? at : 99991) {
        size_t from = at < 99991 ? 0 : at - 99991;
        assert_int_equal(spool_read(spool, from, back, at - from, &len, &err), 0);
        assert_int_equal(len, at - from);
        assert_memory_equal(back, bytes + from, len);
    }
    assert_int_equal(spool_read(spool, size, back, 1, &len, &err), 0);
    assert_int_equal(len, 0);
}

static void
contents_of_every_size_come_back(void **state)
{
    (void)state;
    struct scratch_folder folder;
    scratch_folder_init(&folder);
    struct spool *spool = spool_new(clock_system(), folder.path);
    static const size_t sizes[] = { 0, 1, 65536, 1048575, 1048576, 1048577, 1114112, 3000000, 5 };
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        round_trip(spool, sizes[i]);
    spool_free(spool);
    scratch_folder_clear(&folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(contents_of_every_size_come_back) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
