#include "tests/storage/azure_faults.h"
#include "transporter/storage/azure/azure_date.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t
from_now(int64_t ms)
{
    return clock_wall_ms(clock_system()) + ms;
}

int
azure_faults_attack(const char *method, const char *name, const char *query, const struct azure_sign_header *headers,
                    size_t count, const char *body)
{
    struct azure *azure = (struct azure *)azure_faults_worm;
    struct http_response response;
    struct storage_content content = { .data = body, .fd = -1, .size = body != NULL ? strlen(body) : 0 };
    const struct azure_call call = { .method = method,
                                     .what = "attacking",
                                     .name = name,
                                     .blob = name,
                                     .query = query,
                                     .headers = headers,
                                     .header_count = count,
                                     .content = body != NULL ? &content : NULL,
                                     .len = content.size };
    azure_request(azure, &call, &response, NULL, NULL);
    int status = response.status;
    http_response_clear(&response);
    return status;
}

static int
overwrite(const char *name, const char *body)
{
    const struct storage_content content = { .data = body, .fd = -1, .size = strlen(body) };
    char md5[AZURE_MD5_LEN];
    assert_int_equal(azure_content_md5(&content, 0, content.size, md5, NULL), 0);
    const struct azure_sign_header headers[] = { { "Content-MD5", md5 }, { "x-ms-blob-type", "BlockBlob" } };
    return azure_faults_attack("PUT", name, NULL, headers, ARRAY_LEN(headers), body);
}

static int64_t
lock_of(struct storage *storage, const char *name)
{
    struct storage_stat stat;
    struct error err;
    assert_ok(storage_stat(storage, name, &stat, &err), err);
    return stat.lock_until_ms;
}

static int64_t
marker_lock_of(struct storage *storage)
{
    struct azure_properties properties;
    struct error err;
    assert_ok(azure_properties_get((struct azure *)storage, AZURE_MARKER, "", &properties, &err), err);
    return properties.stat.lock_until_ms;
}

static int
collect_version(void *ctx, const struct azure_xml_blob *blob, struct error *err)
{
    struct azure_xml_blob *all = ctx;
    (void)err;
    for (size_t i = 0; i < 8; i++) {
        if (all[i].version[0] == '\0') {
            all[i] = *blob;
            return 0;
        }
    }
    return FAIL(err, ERROR_LIMIT, 0, "too many");
}

static unsigned
versions_of(const char *name, struct azure_xml_blob all[8])
{
    struct error err;
    unsigned count = 0;
    memset(all, 0, 8 * sizeof(all[0]));
    assert_ok(azure_list_versions((struct azure *)azure_faults_worm, name, collect_version, all, &err), err);
    while (count < 8 && all[count].version[0] != '\0')
        count++;
    return count;
}

static void
a_dropped_lock_is_set_again(void **state)
{
    struct error err;
    int64_t until = from_now(HOUR);
    (void)state;
    assert_ok(storage_put(azure_faults_worm, "v/faults/droplock-a", "hello", 5, until, &err), err);
    assert_true(lock_of(azure_faults_worm, "v/faults/droplock-a") >= until);
    assert_int_equal(azure_faults_requests("comp=immutabilityPolicies", "droplock-a"), 1);
    assert_fails(storage_remove(azure_faults_worm, "v/faults/droplock-a", &err), ERROR_LOCKED, "under a lock until",
                 err);
}

static void
a_lock_that_is_never_shown_fails_loudly(void **state)
{
    struct storage *storage = azure_faults_worm;
    struct error err;
    int64_t until = from_now(HOUR);
    uint8_t *data = calloc(1, LARGE);
    (void)state;
    assert_non_null(data);
    assert_fails(storage_put(storage, "v/faults/neverlock-a", "hello", 5, until, &err), ERROR_UNSUPPORTED,
                 "does not show it", err);
    assert_fails(storage_put(storage, "v/faults/neverlock-large", data, LARGE, until, &err), ERROR_UNSUPPORTED,
                 "does not show it", err);
    assert_fails(storage_put(storage, "v/faults/refuselock-a", "hello", 5, until, &err), ERROR_UNSUPPORTED,
                 "the lock is refused", err);
    /* Somebody who may can take an unlocked policy away: it is not what was asked for. */
    assert_fails(storage_put(storage, "v/faults/unlockedonly-a", "hello", 5, until, &err), ERROR_UNSUPPORTED,
                 "does not show it", err);
    assert_fails(storage_extend(storage, "v/faults/neverlock-a", until, &err), ERROR_UNSUPPORTED, "does not show it",
                 err);
    free(data);
}

static void
a_container_without_immutability_takes_no_lock_mode(void **state)
{
    struct error err;
    (void)state;
    assert_null(azure_faults_open("plain", ",\"lock_mode\":\"locked\"", false, clock_system(), &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_non_null(strstr(err.text, "version-level immutability"));
}

static void
an_unlocked_policy_becomes_a_locked_one(void **state)
{
    struct error err;
    struct azure_properties properties;
    int64_t until = from_now(HOUR);
    (void)state;
    struct storage *unlocked = azure_faults_open("worm", ",\"lock_mode\":\"unlocked\"", false, clock_system(), &err);
    if (unlocked == NULL)
        fail_msg("%s", err.text);
    assert_ok(storage_put(unlocked, "v/locks/a", "hello", 5, until, &err), err);
    int64_t before = lock_of(unlocked, "v/locks/a");
    assert_ok(storage_extend(azure_faults_worm, "v/locks/a", until - HOUR / 2, &err), err);
    assert_ok(azure_properties_get((struct azure *)azure_faults_worm, "v/locks/a", "", &properties, &err), err);
    assert_int_equal(properties.mode, AZURE_LOCK_LOCKED);
    assert_int_equal(properties.stat.lock_until_ms, before);
    assert_ok(storage_extend(unlocked, "v/locks/a", until + HOUR, &err), err);
    assert_ok(azure_properties_get((struct azure *)unlocked, "v/locks/a", "", &properties, &err), err);
    assert_int_equal(properties.mode, AZURE_LOCK_LOCKED);
    assert_true(properties.stat.lock_until_ms >= until + HOUR);
    storage_close(unlocked);
}

static void
the_marker_is_locked_as_long(void **state)
{
    struct error err;
    struct azure_properties properties;
    int64_t until = from_now(100 * HOUR);
    (void)state;
    assert_ok(storage_put(azure_faults_worm, "v/locks/long", "hello", 5, until, &err), err);
    assert_ok(azure_properties_get((struct azure *)azure_faults_worm, AZURE_MARKER, "", &properties, &err), err);
    assert_true(properties.stat.lock_until_ms >= until);
    unsigned before = azure_faults_requests("comp=immutabilityPolicies", AZURE_MARKER);
    assert_ok(storage_put(azure_faults_worm, "v/locks/long-b", "hello", 5, until + HOUR, &err), err);
    assert_int_equal(azure_faults_requests("comp=immutabilityPolicies", AZURE_MARKER), before);
}

static int
on_found(void *ctx, const char *name, const struct storage_stat *stat, struct error *err)
{
    unsigned *found = ctx;
    (void)err;
    *found += strcmp(name, "v/attacked/a") == 0 && stat->size == 5;
    return 0;
}

/* With the account's key: the lock cannot go, the names can. What was stored is read all the same. */
static void
a_deleted_name_hides_nothing(void **state)
{
    struct error err;
    struct azure_xml_blob all[8];
    unsigned found = 0;
    char query[128];
    (void)state;
    assert_ok(storage_put(azure_faults_worm, "v/attacked/a", "hello", 5, from_now(HOUR), &err), err);
    assert_int_equal(azure_faults_attack("DELETE", "v/attacked/a", "comp=immutabilityPolicies", NULL, 0, NULL), 409);
    assert_int_equal(azure_faults_attack("DELETE", "v/attacked/a", NULL, NULL, 0, NULL), 202);
    assert_int_equal(azure_faults_attack("DELETE", AZURE_MARKER, NULL, NULL, 0, NULL), 202);
    assert_int_equal(versions_of("v/attacked/a", all), 1);
    snprintf(query, sizeof(query), "versionid=%s", all[0].version);
    assert_int_equal(azure_faults_attack("DELETE", "v/attacked/a", query, NULL, 0, NULL), 409);

    struct storage *again = azure_faults_open("worm", ",\"lock_mode\":\"locked\"", false, clock_system(), &err);
    if (again == NULL)
        fail_msg("%s", err.text);
    azure_faults_expect(again, "v/attacked/a", "hello", 5);
    assert_true(lock_of(again, "v/attacked/a") > from_now(HOUR / 2));
    assert_ok(storage_list(again, "v/attacked", on_found, &found, &err), err);
    assert_int_equal(found, 1);
    assert_fails(storage_remove(again, "v/attacked/a", &err), ERROR_LOCKED, "under a lock", err);
    assert_ok(storage_put(again, "v/attacked/later", "x", 1, from_now(HOUR), &err), err);
    assert_true(marker_lock_of(again) >= from_now(HOUR / 2));
    assert_int_equal(versions_of(AZURE_MARKER, all), 2);
    storage_close(again);
}

static void
what_was_written_over_is_read_as_first_written(void **state)
{
    struct error err;
    (void)state;
    assert_ok(storage_put(azure_faults_worm, "v/attacked/b", "hello", 5, from_now(HOUR), &err), err);
    assert_int_equal(overwrite("v/attacked/b", "evil and longer"), 201);
    azure_faults_expect(azure_faults_worm, "v/attacked/b", "evil and longer", 15);
    struct storage *first = azure_faults_open("worm", ",\"versions\":\"first\"", false, clock_system(), &err);
    if (first == NULL)
        fail_msg("%s", err.text);
    azure_faults_expect(first, "v/attacked/b", "hello", 5);
    assert_true(lock_of(first, "v/attacked/b") > from_now(HOUR / 2));
    storage_close(first);
}

static void
removing_takes_every_version(void **state)
{
    struct error err;
    struct azure_xml_blob all[8];
    struct storage_stat stat;
    (void)state;
    assert_ok(storage_put(azure_faults_worm, "v/removed/a", "hello", 5, 0, &err), err);
    assert_ok(storage_put(azure_faults_worm, "v/removed/ab", "hello", 5, 0, &err), err);
    assert_int_equal(overwrite("v/removed/a", "other"), 201);
    assert_int_equal(overwrite("v/removed/a", "another"), 201);
    assert_int_equal(versions_of("v/removed/a", all), 3);
    assert_ok(storage_remove(azure_faults_worm, "v/removed/a", &err), err);
    assert_int_equal(versions_of("v/removed/a", all), 0);
    assert_fails(storage_stat(azure_faults_worm, "v/removed/a", &stat, &err), ERROR_NOT_FOUND, "has no object", err);
    assert_fails(storage_remove(azure_faults_worm, "v/removed/a", &err), ERROR_NOT_FOUND, "has no object", err);
    azure_faults_expect(azure_faults_worm, "v/removed/ab", "hello", 5);
}

static void
a_legal_hold_counts_as_a_lock(void **state)
{
    static const struct azure_sign_header on[] = { { "x-ms-legal-hold", "true" } };
    static const struct azure_sign_header off[] = { { "x-ms-legal-hold", "false" } };
    struct error err;
    (void)state;
    assert_ok(storage_put(azure_faults_worm, "v/held/a", "hello", 5, 0, &err), err);
    assert_int_equal(azure_faults_attack("PUT", "v/held/a", "comp=legalhold", on, 1, NULL), 200);
    assert_fails(storage_remove(azure_faults_worm, "v/held/a", &err), ERROR_LOCKED, "legal hold", err);
    azure_faults_expect(azure_faults_worm, "v/held/a", "hello", 5);
    assert_int_equal(azure_faults_attack("PUT", "v/held/a", "comp=legalhold", off, 1, NULL), 200);
    assert_ok(storage_remove(azure_faults_worm, "v/held/a", &err), err);
}

int
azure_faults_locks(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dropped_lock_is_set_again),
        cmocka_unit_test(a_lock_that_is_never_shown_fails_loudly),
        cmocka_unit_test(a_container_without_immutability_takes_no_lock_mode),
        cmocka_unit_test(an_unlocked_policy_becomes_a_locked_one),
        cmocka_unit_test(the_marker_is_locked_as_long),
        cmocka_unit_test(a_deleted_name_hides_nothing),
        cmocka_unit_test(what_was_written_over_is_read_as_first_written),
        cmocka_unit_test(removing_takes_every_version),
        cmocka_unit_test(a_legal_hold_counts_as_a_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
