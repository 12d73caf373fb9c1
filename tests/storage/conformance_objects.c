#include "common/base/clock.h"
#include "common/base/memory.h"
#include "tests/storage/conformance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)

static void
objects_of_any_size_come_back(void **state)
{
    static const size_t sizes[] = { 0,       1,       4095,        4096,        65536,    MIB - 1,      MIB,
                                    MIB + 1, 5 * MIB, 5 * MIB + 1, 8 * MIB - 1, 16 * MIB, 16 * MIB + 1, 64 * MIB + 1 };
    struct storage *storage = conformance.storage;
    struct error err = ERROR_INIT;
    char name[STORAGE_NAME_LEN], rest[64];
    uint8_t *data = malloc(64 * MIB + 1);
    (void)state;
    assert_non_null(data);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        snprintf(rest, sizeof(rest), "sizes/object-%zu", sizes[i]);
        conformance_fill(data, sizes[i], i);
        assert_ok(storage_put(storage, conformance_name(name, rest), data, sizes[i], 0, &err), err);
        conformance_expect(storage, name, data, sizes[i]);
        assert_ok(storage_remove(storage, name, &err), err);
        conformance_expect_nothing(storage, name);
    }
    free(data);
}

/* pread() only: the file's position is the caller's. */
static void
files_are_put_whole(void **state)
{
    static const size_t sizes[] = { 0, 1, 5 * MIB, 20 * MIB + 3 };
    struct storage *storage = conformance.storage;
    struct error err = ERROR_INIT;
    char name[STORAGE_NAME_LEN], rest[64];
    uint8_t *data = malloc(20 * MIB + 3);
    (void)state;
    assert_non_null(data);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        snprintf(rest, sizeof(rest), "files/object-%zu", sizes[i]);
        conformance_fill(data, sizes[i], 100 + i);
        int fd = conformance_file(data, sizes[i]);
        assert_int_equal(lseek(fd, 7, SEEK_SET), 7);
        assert_ok(storage_put_file(storage, conformance_name(name, rest), fd, sizes[i], 0, &err), err);
        assert_int_equal(lseek(fd, 0, SEEK_CUR), 7);
        conformance_expect(storage, name, data, sizes[i]);
        assert_fails(storage_put_file(storage, name, fd, sizes[i], 0, &err), ERROR_EXISTS, err);
        close(fd);
        assert_ok(storage_remove(storage, name, &err), err);
    }
    free(data);
}

static void
a_file_that_ends_early_leaves_nothing(void **state)
{
    static const size_t sizes[] = { 1000, 20 * MIB };
    struct storage *storage = conformance.storage;
    struct error err = ERROR_INIT;
    char name[STORAGE_NAME_LEN], rest[64];
    uint8_t *data = calloc(1, 20 * MIB);
    (void)state;
    assert_non_null(data);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        snprintf(rest, sizeof(rest), "files/short-%zu", sizes[i]);
        int fd = conformance_file(data, sizes[i]);
        assert_int_equal(storage_put_file(storage, conformance_name(name, rest), fd, sizes[i] + 1, 0, &err), -1);
        close(fd);
        conformance_expect_nothing(storage, name);
        err = (struct error)ERROR_INIT;
    }
    free(data);
}

struct pattern {
    uint8_t block[1 << 20];
    uint64_t at;
};

static int
on_pattern(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    struct pattern *pattern = ctx;
    (void)err;
    for (size_t i = 0; i < len;) {
        size_t from = (size_t)(pattern->at % MIB), n = len - i < MIB - from ? len - i : MIB - from;
        assert_memory_equal(data + i, pattern->block + from, n);
        pattern->at += n;
        i += n;
    }
    return 0;
}

static void
a_large_file_comes_back(void **state)
{
    enum { BLOCKS = 200 };
    struct storage *storage = conformance.storage;
    struct error err = ERROR_INIT;
    char name[STORAGE_NAME_LEN];
    struct pattern *pattern = calloc(1, sizeof(*pattern));
    (void)state;
    assert_non_null(pattern);
    if (!conformance.is_long) {
        free(pattern);
        skip();
    }
    conformance_fill(pattern->block, sizeof(pattern->block), 7);
    int fd = conformance_file(NULL, 0);
    for (int i = 0; i < BLOCKS; i++)
        assert_int_equal(write(fd, pattern->block, MIB), MIB);
    assert_ok(storage_put_file(storage, conformance_name(name, "files/large"), fd, BLOCKS * MIB, 0, &err), err);
    close(fd);
    assert_ok(storage_get_range(storage, name, 0, BLOCKS * MIB, on_pattern, pattern, &err), err);
    assert_int_equal(pattern->at, BLOCKS * MIB);
    assert_ok(storage_remove(storage, name, &err), err);
    free(pattern);
}

static void
what_is_larger_than_the_ceiling_is_not_read(void **state)
{
    struct storage *storage = conformance.storage;
    struct error err = ERROR_INIT;
    char name[STORAGE_NAME_LEN];
    uint8_t *data = NULL;
    size_t len = 0;
    (void)state;
    assert_ok(storage_put(storage, conformance_name(name, "sizes/five"), "12345", 5, 0, &err), err);
    assert_fails(storage_get(storage, name, 4, &data, &len, &err), ERROR_LIMIT, err);
    assert_null(data);
    assert_ok(storage_get(storage, name, 5, &data, &len, &err), err);
    free(data);
}

struct gathered {
    uint8_t *data;
    size_t len;
};

static int
gather(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    struct gathered *gathered = ctx;
    (void)err;
    assert_true(len <= MIB);
    memcpy(gathered->data + gathered->len, data, len);
    gathered->len += len;
    return 0;
}

static int
refuse(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    unsigned *calls = ctx;
    (void)data;
    (void)len;
    ++*calls;
    return FAIL(err, ERROR_CANCELLED, 0, "enough");
}

static void
ranges_are_read_and_checked(void **state)
{
    static const struct range {
        uint64_t offset, len;
        bool inside;
    } ranges[] = {
        { 0, 1, true },
        { 3, 4, true },
        { MIB - 1, 2, true },
        { 1, 3 * MIB, true },
        { 3 * MIB + 4, 1, true },
        { 3 * MIB + 5, 0, true },
        { 0, 0, true },
        { 3 * MIB + 5, 1, false },
        { 3 * MIB + 4, 2, false },
        { 3 * MIB + 6, 0, false },
        { 0, 3 * MIB + 6, false },
        { UINT64_MAX, 2, false },
        { 1, UINT64_MAX, false },
    };
    struct storage *storage = conformance.storage;
    struct error err = ERROR_INIT;
    char name[STORAGE_NAME_LEN];
    size_t len = 3 * MIB + 5;
    uint8_t *data = malloc(len), *out = malloc(len);
    unsigned calls = 0;
    (void)state;
    assert_true(data != NULL && out != NULL);
    conformance_fill(data, len, 3);
    assert_ok(storage_put(storage, conformance_name(name, "ranges/three"), data, len, 0, &err), err);
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
        struct gathered gathered = { out, 0 };
        if (!ranges[i].inside) {
            assert_fails(storage_get_range(storage, name, ranges[i].offset, ranges[i].len, gather, &gathered, &err),
                         ERROR_CORRUPT, err);
            continue;
        }
        assert_ok(storage_get_range(storage, name, ranges[i].offset, ranges[i].len, gather, &gathered, &err), err);
        assert_int_equal(gathered.len, ranges[i].len);
        assert_true(gathered.len == 0 || memcmp(out, data + ranges[i].offset, gathered.len) == 0);
    }
    /* Who reads may stop, with his own error. */
    assert_fails(storage_get_range(storage, name, 0, len, refuse, &calls, &err), ERROR_CANCELLED, err);
    assert_int_equal(calls, 1);
    free(data);
    free(out);
}

static void
a_name_is_written_once(void **state)
{
    struct storage *storage = conformance.storage;
    struct error err = ERROR_INIT;
    char name[STORAGE_NAME_LEN];
    (void)state;
    assert_ok(storage_put(storage, conformance_name(name, "once/a"), "first", 5, 0, &err), err);
    assert_fails(storage_put(storage, name, "other", 5, 0, &err), ERROR_EXISTS, err);
    assert_fails(storage_put(storage, name, "first", 5, 0, &err), ERROR_EXISTS, err);
    assert_fails(storage_put(storage, name, "", 0, 0, &err), ERROR_EXISTS, err);
    conformance_expect(storage, name, (const uint8_t *)"first", 5);
}

static void
a_stat_tells_size_and_time(void **state)
{
    struct storage *storage = conformance.storage;
    struct error err = ERROR_INIT;
    char name[STORAGE_NAME_LEN];
    struct storage_stat stat;
    int64_t now = clock_wall_ms(clock_system()), day = INT64_C(86400000);
    (void)state;
    memset(&stat, 0xff, sizeof(stat));
    assert_ok(storage_put(storage, conformance_name(name, "stat/a"), "abc", 3, 0, &err), err);
    assert_ok(storage_stat(storage, name, &stat, &err), err);
    assert_int_equal(stat.size, 3);
    assert_true(stat.modified_ms > now - day && stat.modified_ms < now + day);
    assert_int_equal(stat.lock_until_ms, 0);
}

static void
what_is_removed_is_gone(void **state)
{
    struct storage *storage = conformance.storage;
    struct error err = ERROR_INIT;
    char name[STORAGE_NAME_LEN], other[STORAGE_NAME_LEN];
    (void)state;
    assert_ok(storage_put(storage, conformance_name(name, "removed/a"), "abc", 3, 0, &err), err);
    assert_ok(storage_put(storage, conformance_name(other, "removed/ba"), "abc", 3, 0, &err), err);
    assert_ok(storage_remove(storage, name, &err), err);
    conformance_expect_nothing(storage, name);
    assert_fails(storage_remove(storage, name, &err), ERROR_NOT_FOUND, err);
    conformance_expect(storage, other, (const uint8_t *)"abc", 3);
    assert_fails(storage_remove(storage, conformance_name(name, "never/was"), &err), ERROR_NOT_FOUND, err);
}

static void
names_are_checked(void **state)
{
    static const char *const bad[] = { "",    "/",  "a/",   "/a",  "a//b", ".",         "..",   "A",        "a/../b",
                                       "a b", "-a", "a/-b", "a_b", "a.b",  "a/b/c/d/e", "a%2f", "\xc3\xa4", "a\nb" };
    static const char part64[] = "0123456789abcdefghijklmnopqrstuvwxyz-0123456789abcdefghijklmnopq";
    struct storage *storage = conformance.storage;
    struct error err = ERROR_INIT;
    struct storage_stat stat;
    char name[STORAGE_NAME_LEN];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_fails(storage_put(storage, bad[i], "x", 1, 0, &err), ERROR_USAGE, err);
        assert_fails(storage_stat(storage, bad[i], &stat, &err), ERROR_USAGE, err);
        assert_fails(storage_remove(storage, bad[i], &err), ERROR_USAGE, err);
        assert_fails(storage_list(storage, bad[i], NULL, NULL, &err), ERROR_USAGE, err);
    }
    assert_int_equal(strlen(part64), 64);
    snprintf(name, sizeof(name), "%s/%s/%s/%s", conformance.vault, part64, part64, part64);
    assert_ok(storage_put(storage, name, "long", 4, 0, &err), err);
    conformance_expect(storage, name, (const uint8_t *)"long", 4);
    snprintf(name, sizeof(name), "%s/x%s", conformance.vault, part64);
    assert_fails(storage_put(storage, name, "x", 1, 0, &err), ERROR_USAGE, err);
}

/* An object may have the name of what others lie below. */
static void
a_name_may_begin_another(void **state)
{
    struct storage *storage = conformance.storage;
    struct error err = ERROR_INIT;
    char above[STORAGE_NAME_LEN], below[STORAGE_NAME_LEN];
    (void)state;
    assert_ok(storage_put(storage, conformance_name(above, "above/it"), "1", 1, 0, &err), err);
    assert_ok(storage_put(storage, conformance_name(below, "above/it/below"), "22", 2, 0, &err), err);
    conformance_expect(storage, above, (const uint8_t *)"1", 1);
    conformance_expect(storage, below, (const uint8_t *)"22", 2);
}

static void
every_call_counts(void **state)
{
    struct storage *storage = conformance.storage;
    struct storage_counters *now = &storage->counters;
    struct error err = ERROR_INIT;
    char name[STORAGE_NAME_LEN];
    struct storage_stat stat;
    uint8_t *data = NULL;
    size_t len = 0;
    (void)state;
    uint64_t puts = now->puts, gets = now->gets, lists = now->lists, stats = now->stats, removes = now->removes;
    assert_ok(storage_put(storage, conformance_name(name, "count/a"), "x", 1, 0, &err), err);
    assert_ok(storage_get(storage, name, 1, &data, &len, &err), err);
    free(data);
    assert_ok(storage_stat(storage, name, &stat, &err), err);
    assert_int_equal(now->lists, lists);
    assert_ok(storage_list(storage, conformance_name(name, "count-nothing"), NULL, NULL, &err), err);
    assert_ok(storage_remove(storage, conformance_name(name, "count/a"), &err), err);
    assert_int_equal(now->puts, puts + 1);
    assert_int_equal(now->gets, gets + 1);
    assert_int_equal(now->lists, lists + 1);
    assert_int_equal(now->stats, stats + 1);
    assert_int_equal(now->removes, removes + 1);
}

static void
features_are_what_they_say(void **state)
{
    struct storage *storage = conformance.storage;
    struct error err = ERROR_INIT;
    char name[STORAGE_NAME_LEN], text[8] = "", *path = NULL;
    uint64_t bytes = 0;
    (void)state;
    assert_ok(storage_put(storage, conformance_name(name, "features/a"), "mapped", 6, 0, &err), err);
    if ((storage->features & STORAGE_HAS_PATHS) != 0) {
        assert_ok(storage->driver->path(storage, name, &path, &err), err);
        FILE *in = fopen(path, "re");
        assert_non_null(in);
        assert_int_equal(fread(text, 1, sizeof(text), in), 6);
        assert_string_equal(text, "mapped");
        fclose(in);
        free(path);
    }
    if ((storage->features & STORAGE_HAS_SPACE) != 0) {
        assert_ok(storage_space(storage, &bytes, &err), err);
        assert_true(bytes > 0);
    } else {
        assert_fails(storage_space(storage, &bytes, &err), ERROR_UNSUPPORTED, err);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(objects_of_any_size_come_back),
    cmocka_unit_test(files_are_put_whole),
    cmocka_unit_test(a_file_that_ends_early_leaves_nothing),
    cmocka_unit_test(a_large_file_comes_back),
    cmocka_unit_test(what_is_larger_than_the_ceiling_is_not_read),
    cmocka_unit_test(ranges_are_read_and_checked),
    cmocka_unit_test(a_name_is_written_once),
    cmocka_unit_test(a_stat_tells_size_and_time),
    cmocka_unit_test(what_is_removed_is_gone),
    cmocka_unit_test(names_are_checked),
    cmocka_unit_test(a_name_may_begin_another),
    cmocka_unit_test(every_call_counts),
    cmocka_unit_test(features_are_what_they_say),
};

const struct conformance_group conformance_objects = { "objects", tests, ARRAY_LEN(tests) };
