#include "tests/storage/azure_faults.h"

#include "tests/fakes/fake_clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct storage *azure_faults_plain, *azure_faults_worm;

static const char *folder, *origin, *account, *key;
static char ca[8192];

static struct storage *
open_with(const char *container, const char *its_key, const char *more, bool create, const struct clock *clock,
          struct error *err)
{
    json_error_t why;
    json_t *location = json_pack_ex(&why, 0, "{s:s, s:s, s:s, s:s, s:s, s:s}", "driver", "azure", "endpoint", origin,
                                    "account", account, "container", container, "account_key", its_key, "ca_pem", ca);
    char *text = json_dumps(location, JSON_COMPACT);
    text[strlen(text) - 1] = '\0';
    char *whole = memory_printf("%s%s}", text, more);
    struct storage *storage = storage_open(whole, strlen(whole), clock, create, err);
    free(whole);
    free(text);
    json_decref(location);
    return storage;
}

struct storage *
azure_faults_open(const char *container, const char *more, bool create, const struct clock *clock, struct error *err)
{
    *err = (struct error)ERROR_INIT;
    return open_with(container, key, more, create, clock, err);
}

unsigned
azure_faults_requests(const char *text, const char *other)
{
    char path[4096], line[4096];
    unsigned count = 0;
    snprintf(path, sizeof(path), "%s/requests", folder);
    FILE *in = fopen(path, "re");
    assert_non_null(in);
    while (fgets(line, sizeof(line), in) != NULL)
        count += strstr(line, text) != NULL && strstr(line, other) != NULL;
    fclose(in);
    return count;
}

static int
on_block(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    return buffer_append(ctx, data, len, err);
}

void
azure_faults_expect(struct storage *storage, const char *name, const void *data, size_t len)
{
    struct buffer got = BUFFER_INIT(LARGE);
    struct error err;
    uint8_t *whole = NULL;
    size_t whole_len = 0;
    assert_ok(storage_get(storage, name, LARGE, &whole, &whole_len, &err), err);
    assert_int_equal(whole_len, len);
    assert_memory_equal(whole, data, len);
    free(whole);
    assert_ok(storage_get_range(storage, name, 0, len, on_block, &got, &err), err);
    assert_int_equal(got.len, len);
    assert_memory_equal(got.data, data, len);
    buffer_clear(&got);
}

static uint8_t *
large_bytes(void)
{
    uint8_t *data = malloc(LARGE);
    assert_non_null(data);
    for (size_t i = 0; i < LARGE; i++)
        data[i] = (uint8_t)(i * 2654435761U >> 16);
    return data;
}

static void
a_busy_storage_is_asked_again(void **state)
{
    struct error err;
    struct storage_stat stat;
    (void)state;
    assert_ok(storage_put(azure_faults_plain, "v/faults/busy-a", "hello", 5, 0, &err), err);
    azure_faults_expect(azure_faults_plain, "v/faults/busy-a", "hello", 5);
    assert_int_equal(azure_faults_requests("PUT ", "busy-a"), 3);
    assert_ok(storage_put(azure_faults_plain, "v/faults/odd-a", "hello", 5, 0, &err), err);
    assert_fails(storage_put(azure_faults_plain, "v/faults/always-a", "hello", 5, 0, &err), ERROR_THROTTLED, "busy",
                 err);
    assert_int_equal(azure_faults_requests("PUT ", "always-a"), 4);
    assert_fails(storage_stat(azure_faults_plain, "v/faults/always-a", &stat, &err), ERROR_THROTTLED, "4 tries", err);
}

/* The blob is there, and the one who wrote it never heard of it: the second try finds it taken, by its own token. */
static void
a_lost_answer_is_no_conflict(void **state)
{
    struct error err;
    (void)state;
    assert_ok(storage_put(azure_faults_plain, "v/faults/lost-a", "hello", 5, 0, &err), err);
    assert_int_equal(azure_faults_requests("PUT ", "lost-a"), 2);
    assert_fails(storage_put(azure_faults_plain, "v/faults/lost-a", "hello", 5, 0, &err), ERROR_EXISTS,
                 "already has an object v/faults/lost-a", err);
    azure_faults_expect(azure_faults_plain, "v/faults/lost-a", "hello", 5);

    uint8_t *data = large_bytes();
    assert_ok(storage_put(azure_faults_plain, "v/faults/lost-large", data, LARGE, 0, &err), err);
    assert_int_equal(azure_faults_requests("comp=block&", "lost-large"), 3);
    assert_int_equal(azure_faults_requests("comp=blocklist", "lost-large"), 2);
    azure_faults_expect(azure_faults_plain, "v/faults/lost-large", data, LARGE);
    free(data);
}

static void
blocks_that_vanish_are_told(void **state)
{
    struct error err;
    struct storage_stat stat;
    uint8_t *data = large_bytes();
    (void)state;
    assert_fails(storage_put(azure_faults_plain, "v/faults/lostblocks-a", data, LARGE, 0, &err), ERROR_UNAVAILABLE,
                 "lost the blocks", err);
    assert_fails(storage_stat(azure_faults_plain, "v/faults/lostblocks-a", &stat, &err), ERROR_NOT_FOUND,
                 "has no object", err);
    assert_ok(storage_put(azure_faults_plain, "v/faults/lostblocks-a", data, LARGE, 0, &err), err);
    azure_faults_expect(azure_faults_plain, "v/faults/lostblocks-a", data, LARGE);
    free(data);
}

static void
damage_on_the_way_is_repaired(void **state)
{
    struct error err;
    uint8_t *data = large_bytes();
    (void)state;
    assert_ok(storage_put(azure_faults_plain, "v/faults/damaged-a", "hello", 5, 0, &err), err);
    assert_ok(storage_put(azure_faults_plain, "v/faults/damaged-large", data, LARGE, 0, &err), err);
    azure_faults_expect(azure_faults_plain, "v/faults/damaged-large", data, LARGE);
    assert_fails(storage_put(azure_faults_plain, "v/faults/short-a", "hello", 5, 0, &err), ERROR_CORRUPT,
                 "holds 4 bytes", err);
    free(data);
}

/* Both the whole and the range break off in the middle the first time. */
static void
a_read_that_breaks_off_goes_on(void **state)
{
    struct error err;
    struct buffer got = BUFFER_INIT(LARGE);
    uint8_t *data = large_bytes();
    (void)state;
    assert_ok(storage_put(azure_faults_plain, "v/faults/cut-a", data, LARGE, 0, &err), err);
    azure_faults_expect(azure_faults_plain, "v/faults/cut-a", data, LARGE);
    assert_ok(storage_put(azure_faults_plain, "v/faults/cut-b", data, LARGE, 0, &err), err);
    assert_ok(storage_get_range(azure_faults_plain, "v/faults/cut-b", 7, LARGE - 7, on_block, &got, &err), err);
    assert_int_equal(got.len, LARGE - 7);
    assert_memory_equal(got.data, data + 7, LARGE - 7);
    assert_int_equal(azure_faults_requests("GET ", "cut-b"), 2);
    buffer_clear(&got);
    free(data);
}

static int
on_refused_block(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    unsigned *calls = ctx;
    (void)data;
    (void)len;
    ++*calls;
    return FAIL(err, ERROR_NETWORK, 0, "the reader went away");
}

static void
a_reader_that_fails_is_not_fed_again(void **state)
{
    struct error err;
    unsigned calls = 0;
    (void)state;
    assert_ok(storage_put(azure_faults_plain, "v/a", "hello", 5, 0, &err), err);
    assert_fails(storage_get_range(azure_faults_plain, "v/a", 0, 5, on_refused_block, &calls, &err), ERROR_NETWORK,
                 "the reader went away", err);
    assert_int_equal(calls, 1);
    assert_ok(storage_put(azure_faults_plain, "v/faults/liar-a", "hello", 5, 0, &err), err);
    assert_fails(storage_get_range(azure_faults_plain, "v/faults/liar-a", 0, 2, on_refused_block, &calls, &err),
                 ERROR_FORMAT, "another part", err);
    assert_int_equal(calls, 1);
}

static void
refusals_say_what_to_do(void **state)
{
    struct storage *storage = azure_faults_plain;
    struct error err;
    struct storage_stat stat;
    (void)state;
    assert_fails(storage_put(storage, "v/faults/disabled-a", "x", 1, 0, &err), ERROR_DENIED, "subscription", err);
    assert_fails(storage_put(storage, "v/faults/denied-a", "x", 1, 0, &err), ERROR_DENIED, "lacks a permission", err);
    assert_fails(storage_put(storage, "v/faults/moved-a", "x", 1, 0, &err), ERROR_CONFIG, "final address", err);
    assert_fails(storage_stat(storage, "v/faults/disabled-a", &stat, &err), ERROR_DENIED, "subscription", err);
    assert_int_equal(azure_faults_requests("PUT ", "disabled-a"), 1);
}

static void
a_wrong_key_and_a_wrong_clock_are_told_apart(void **state)
{
    struct error err = ERROR_INIT;
    struct fake_clock clock;
    (void)state;
    assert_null(open_with("plain", "d3Jvbmc=", "", false, clock_system(), &err));
    assert_int_equal(err.kind, ERROR_UNAUTHENTICATED);
    assert_non_null(strstr(err.text, "check that it is current"));
    fake_clock_init(&clock, 1);
    clock.wall_ms = clock_wall_ms(clock_system()) - 3 * HOUR;
    assert_null(azure_faults_open("plain", "", false, &clock.clock, &err));
    assert_int_equal(err.kind, ERROR_UNAUTHENTICATED);
    assert_non_null(strstr(err.text, "clock is 1"));
    assert_non_null(strstr(err.text, "minutes slow"));
}

static void
a_missing_container_is_unavailable_until_made(void **state)
{
    struct error err;
    (void)state;
    assert_null(azure_faults_open("new-one", "", false, clock_system(), &err));
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
    assert_non_null(strstr(err.text, "does not exist"));
    struct storage *storage = azure_faults_open("new-one", "", true, clock_system(), &err);
    if (storage == NULL)
        fail_msg("%s", err.text);
    storage_close(storage);
    assert_null(azure_faults_open("new-one", ",\"prefix\":\"elsewhere\"", false, clock_system(), &err));
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
    assert_non_null(strstr(err.text, "marker"));
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_busy_storage_is_asked_again),
        cmocka_unit_test(a_lost_answer_is_no_conflict),
        cmocka_unit_test(blocks_that_vanish_are_told),
        cmocka_unit_test(damage_on_the_way_is_repaired),
        cmocka_unit_test(a_read_that_breaks_off_goes_on),
        cmocka_unit_test(a_reader_that_fails_is_not_fed_again),
        cmocka_unit_test(refusals_say_what_to_do),
        cmocka_unit_test(a_wrong_key_and_a_wrong_clock_are_told_apart),
        cmocka_unit_test(a_missing_container_is_unavailable_until_made),
    };
    struct error err = ERROR_INIT;
    char path[4096];
    if (argc != 5)
        return 64;
    folder = argv[1];
    origin = argv[2];
    account = argv[3];
    key = argv[4];
    snprintf(path, sizeof(path), "%s/tls.crt", folder);
    FILE *in = fopen(path, "re");
    if (in == NULL)
        return 64;
    ca[fread(ca, 1, sizeof(ca) - 1, in)] = '\0';
    fclose(in);
    azure_faults_plain = azure_faults_open("plain", ",\"tries\":4", true, clock_system(), &err);
    azure_faults_worm = azure_faults_open("worm", ",\"tries\":4,\"lock_mode\":\"locked\"", true, clock_system(), &err);
    if (azure_faults_plain == NULL || azure_faults_worm == NULL) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL) + azure_faults_locks();
    storage_close(azure_faults_plain);
    storage_close(azure_faults_worm);
    return failed == 0 ? 0 : 1;
}
