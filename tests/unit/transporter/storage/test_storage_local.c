#include "transporter/storage/storage.h"

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/fakes/scratch_folder.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define assert_ok(expression, error)                                                                                   \
    do {                                                                                                               \
        if ((expression) != 0)                                                                                         \
            fail_msg("%s: %s", #expression, (error).text);                                                             \
    } while (0)

static struct scratch_folder folder;
static const char *scratch = folder.path;

static int
setup(void **state)
{
    (void)state;
    scratch_folder_init(&folder);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    scratch_folder_clear(&folder);
    return 0;
}

static bool make_folder = true;

static struct storage *
attach(const char *path, bool create, struct error *err)
{
    char location[6000];
    int n = snprintf(location, sizeof(location), "{\"driver\":\"local\",\"path\":\"%s\",\"create\":%s}", path,
                     make_folder ? "true" : "false");
    return storage_open(location, (size_t)n, clock_system(), create, err);
}

static struct storage *
repository(char path[5000])
{
    struct error err = ERROR_INIT;
    snprintf(path, 5000, "%s/repository", scratch);
    struct storage *storage = attach(path, true, &err);
    if (storage == NULL)
        fail_msg("%s", err.text);
    return storage;
}

/* Of a size and at an address that the driver writes past the page cache, and of others. */
static void
large_objects_come_back_as_they_were(void **state)
{
    enum { LEN = (3 << 20) + 123, SHIFT = 7 };
    char path[5000], name[40];
    struct error err = ERROR_INIT;
    struct storage *storage = repository(path);
    uint8_t *bytes = memory_pages(LEN + SHIFT, LEN + SHIFT, &err), *back;
    size_t len;
    (void)state;
    for (size_t i = 0; i < LEN + SHIFT; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 1000);
    for (size_t cut = 0; cut < 4; cut++) {
        const uint8_t *data = bytes + (cut == 3 ? SHIFT : 0);
        size_t size = cut == 1 ? (size_t)1 << 20 : cut == 2 ? ((size_t)1 << 20) + 1 : LEN;
        snprintf(name, sizeof(name), "vault-1/packs/%zu", cut);
        assert_ok(storage_put(storage, name, data, size, 0, &err), err);
        assert_ok(storage_get(storage, name, LEN, &back, &len, &err), err);
        assert_int_equal(len, size);
        assert_memory_equal(back, data, size);
        free(back);
    }
    free(bytes);
    storage_close(storage);
}

/* A path that was mistyped, or whose disk is not mounted, is not a new repository. */
static void
a_folder_is_made_only_when_that_was_asked_for(void **state)
{
    char path[5000];
    struct error err = ERROR_INIT;
    (void)state;
    snprintf(path, sizeof(path), "%s/not-there", scratch);
    make_folder = false;
    assert_null(attach(path, true, &err));
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_non_null(strstr(err.text, "--create"));
    assert_int_equal(access(path, F_OK), -1);
    error_clear(&err);
    assert_int_equal(mkdir(path, 0700), 0);
    struct storage *storage = attach(path, true, &err);
    make_folder = true;
    assert_non_null(storage);
    storage_close(storage);
}

static void
objects_are_written_once(void **state)
{
    char path[5000];
    struct error err = ERROR_INIT;
    struct storage *storage = repository(path);
    uint8_t *data;
    size_t len;
    (void)state;
    assert_ok(storage_put(storage, "vault-1/points/point-a", "hello", 5, 0, &err), err);
    assert_int_equal(storage_put(storage, "vault-1/points/point-a", "other", 5, 0, &err), -1);
    assert_int_equal(err.kind, ERROR_EXISTS);
    err = (struct error)ERROR_INIT;
    assert_ok(storage_get(storage, "vault-1/points/point-a", 100, &data, &len, &err), err);
    assert_int_equal(len, 5);
    assert_memory_equal(data, "hello", 5);
    free(data);
    assert_int_equal(storage_get(storage, "vault-1/points/point-a", 4, &data, &len, &err), -1);
    assert_int_equal(err.kind, ERROR_LIMIT);
    err = (struct error)ERROR_INIT;
    assert_int_equal(storage_get(storage, "vault-1/points/point-b", 100, &data, &len, &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    storage_close(storage);
}

static int
gather(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    char **at = ctx;
    (void)err;
    memcpy(*at, data, len);
    *at += len;
    return 0;
}

static void
ranges_are_read_and_checked(void **state)
{
    char path[5000], out[16], *at = out;
    struct error err = ERROR_INIT;
    struct storage *storage = repository(path);
    (void)state;
    assert_ok(storage_put(storage, "vault-1/packs/aa", "0123456789", 10, 0, &err), err);
    assert_ok(storage_get_range(storage, "vault-1/packs/aa", 3, 4, gather, &at, &err), err);
    assert_int_equal(at - out, 4);
    assert_memory_equal(out, "3456", 4);
    assert_ok(storage_get_range(storage, "vault-1/packs/aa", 10, 0, gather, &at, &err), err);
    assert_int_equal(storage_get_range(storage, "vault-1/packs/aa", 8, 3, gather, &at, &err), -1);
    assert_int_equal(err.kind, ERROR_CORRUPT);
    storage_close(storage);
}

static int
count_found(void *ctx, const char *name, const struct storage_stat *stat, struct error *err)
{
    unsigned *count = ctx;
    (void)err;
    assert_true(strncmp(name, "vault-2/packs/pack-", 19) == 0);
    assert_int_equal(stat->size, 3);
    ++*count;
    return 0;
}

static void
listing_gives_names_as_they_were_put(void **state)
{
    char path[5000], name[64];
    struct error err = ERROR_INIT;
    struct storage *storage = repository(path);
    unsigned count = 0;
    (void)state;
    for (int i = 0; i < 50; i++) {
        snprintf(name, sizeof(name), "vault-2/packs/pack-%d", i);
        assert_ok(storage_put(storage, name, "abc", 3, 0, &err), err);
    }
    assert_ok(storage_put(storage, "vault-2/points/p", "abc", 3, 0, &err), err);
    assert_ok(storage_list(storage, "vault-2/packs", count_found, &count, &err), err);
    assert_int_equal(count, 50);
    assert_ok(storage_list(storage, "vault-3/packs", count_found, &count, &err), err);
    assert_int_equal(count, 50);
    storage_close(storage);
}

static void
removing_removes_and_says_when_there_is_nothing(void **state)
{
    char path[5000];
    struct error err = ERROR_INIT;
    struct storage_stat stat;
    struct storage *storage = repository(path);
    (void)state;
    assert_ok(storage_put(storage, "vault-1/keys/k", "abc", 3, 0, &err), err);
    assert_ok(storage_stat(storage, "vault-1/keys/k", &stat, &err), err);
    assert_ok(storage_remove(storage, "vault-1/keys/k", &err), err);
    assert_int_equal(storage_remove(storage, "vault-1/keys/k", &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    storage_close(storage);
}

static void
bad_names_are_refused(void **state)
{
    static const char *const bad[] = {
        "", "/", "a/", "/a", "a//b", "..", "a/../b", "A", "a b", "-a", "a/b/c/d/e", "a_b"
    };
    char path[5000];
    struct storage *storage = repository(path);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct error err = ERROR_INIT;
        assert_false(storage_name_valid(bad[i]));
        assert_int_equal(storage_put(storage, bad[i], "x", 1, 0, &err), -1);
        assert_int_equal(err.kind, ERROR_USAGE);
    }
    storage_close(storage);
}

static void
an_unmounted_repository_is_unavailable_and_not_empty(void **state)
{
    char path[5000], marker[6000];
    struct error err = ERROR_INIT;
    struct storage *storage = repository(path);
    uint8_t *data;
    size_t len;
    unsigned count = 0;
    (void)state;
    snprintf(marker, sizeof(marker), "%s/.longhaul-repository", path);
    assert_int_equal(unlink(marker), 0);
    assert_int_equal(storage_get(storage, "vault-1/points/none", 10, &data, &len, &err), -1);
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
    err = (struct error)ERROR_INIT;
    assert_int_equal(storage_list(storage, "vault-9/packs", count_found, &count, &err), -1);
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
    storage_close(storage);
    err = (struct error)ERROR_INIT;
    assert_null(attach(path, false, &err));
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
    assert_non_null(strstr(err.text, "mounted"));
    snprintf(path, 5000, "%s/nowhere", scratch);
    err = (struct error)ERROR_INIT;
    assert_null(attach(path, false, &err));
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
}

static void
a_folder_with_other_files_is_not_taken(void **state)
{
    char path[5000], file[6000];
    struct error err = ERROR_INIT;
    (void)state;
    snprintf(path, sizeof(path), "%s/documents", scratch);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(file, sizeof(file), "%s/letter.txt", path);
    FILE *out = fopen(file, "we");
    fputs("dear", out);
    fclose(out);
    assert_null(attach(path, true, &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
}

static void
locations_that_make_no_sense_are_refused(void **state)
{
    static const char *const bad[] = { "",
                                       "[]",
                                       "{}",
                                       "{\"driver\":\"tape\"}",
                                       "{\"driver\":\"local\"}",
                                       "{\"driver\":\"local\",\"path\":\"relative\"}" };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct error err = ERROR_INIT;
        assert_null(storage_open(bad[i], strlen(bad[i]), clock_system(), true, &err));
        assert_int_equal(err.kind, ERROR_CONFIG);
    }
}

static int
count_the_one(void *ctx, const char *name, const struct storage_stat *stat, struct error *err)
{
    unsigned *count = ctx;
    (void)err;
    assert_string_equal(name, "vault-4/packs/pack-aa");
    assert_int_equal(stat->size, 3);
    ++*count;
    return 0;
}

/* What a crash leaves of a file that was not complete is in no listing and takes no name. */
static void
leftovers_of_a_crash_are_not_objects(void **state)
{
    char path[5000], leftover[6000];
    struct error err = ERROR_INIT;
    struct storage *storage = repository(path);
    unsigned count = 0;
    (void)state;
    assert_ok(storage_put(storage, "vault-4/packs/pack-aa", "abc", 3, 0, &err), err);
    snprintf(leftover, sizeof(leftover), "%s/vault-4/packs/_aa/.longhaul-temp-x-123", path);
    FILE *out = fopen(leftover, "we");
    assert_non_null(out);
    fputs("half", out);
    fclose(out);
    struct storage *again = attach(path, false, &err);
    assert_non_null(again);
    struct storage_stat stat;
    assert_ok(storage_stat(again, "vault-4/packs/pack-aa", &stat, &err), err);
    assert_int_equal(storage_list(again, "vault-4/packs", count_the_one, &count, &err), 0);
    assert_int_equal(count, 1);
    storage_close(again);
    storage_close(storage);
}

static void
a_full_disk_is_told_as_such(void **state)
{
    char path[5000], block[65536] = { 0 };
    struct error err = ERROR_INIT;
    (void)state;
    /* Needs a mount of a few pages; without the right to make one there is nothing to test. */
    snprintf(path, sizeof(path), "%s/small", scratch);
    mkdir(path, 0700);
    if (mount("none", path, "tmpfs", 0, "size=256k") != 0)
        skip();
    struct storage *storage = attach(path, true, &err);
    assert_non_null(storage);
    int failed = 0;
    for (int i = 0; i < 20 && failed == 0; i++) {
        char name[64];
        snprintf(name, sizeof(name), "vault-5/packs/p%d", i);
        failed = storage_put(storage, name, block, sizeof(block), 0, &err);
    }
    storage_close(storage);
    assert_int_equal(umount(path), 0);
    assert_int_equal(failed, -1);
    assert_int_equal(err.kind, ERROR_NO_SPACE);
    assert_non_null(strstr(err.text, "full"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_are_written_once),
        cmocka_unit_test(large_objects_come_back_as_they_were),
        cmocka_unit_test(a_folder_is_made_only_when_that_was_asked_for),
        cmocka_unit_test(ranges_are_read_and_checked),
        cmocka_unit_test(listing_gives_names_as_they_were_put),
        cmocka_unit_test(removing_removes_and_says_when_there_is_nothing),
        cmocka_unit_test(bad_names_are_refused),
        cmocka_unit_test(a_folder_with_other_files_is_not_taken),
        cmocka_unit_test(locations_that_make_no_sense_are_refused),
        cmocka_unit_test(leftovers_of_a_crash_are_not_objects),
        cmocka_unit_test(a_full_disk_is_told_as_such),
        cmocka_unit_test(an_unmounted_repository_is_unavailable_and_not_empty),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
