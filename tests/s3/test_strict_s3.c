/* What the driver makes of every answer of S3, played by tests/fakes/strict_s3.py, which also holds every request
 * against the official model. strict.sh starts it. */

#include "common/base/buffer.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/net/http_client.h"
#include "transporter/storage/s3/s3_internal.h"
#include "transporter/storage/storage.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define MIB    ((size_t)1 << 20)
#define BIG    (20 * MIB + 17)
#define MINUTE INT64_C(60000)

static json_t *location;
static struct http_client *http;
static uint8_t *big;

static json_t *
control(const char *method, const char *order)
{
    CLEANUP(memory_free_p)
    char *url = memory_printf("%s/_control", json_string_value(json_object_get(location, "endpoint")));
    const struct http_request request = {
        .method = method, .url = url, .body = order, .body_len = order != NULL ? strlen(order) : 0, .body_ceiling = MIB
    };
    struct http_response response;
    struct error err = ERROR_INIT;
    if (http_client_perform(http, &request, &response, &err) != 0)
        fail_msg("%s", err.text);
    json_t *answer = json_loadb((const char *)response.body.data, response.body.len, 0, NULL);
    assert_non_null(answer);
    http_response_clear(&response);
    return answer;
}

#define PLAIN  "{\"bucket\":{}}"
#define LOCKED "{\"bucket\":{\"versioning\":true,\"lock\":true}}"

/* A fresh bucket, and the driver attached to it with one put made: what comes after is only what a test does. */
static struct storage *
attach(const char *bucket)
{
    struct error err = ERROR_INIT;
    json_decref(control("PUT", bucket));
    json_object_set_new(location, "lock_mode", json_string(strcmp(bucket, LOCKED) == 0 ? "compliance" : "none"));
    CLEANUP(memory_free_p) char *text = json_dumps(location, 0);
    struct storage *storage = storage_open(text, strlen(text), clock_system(), true, &err);
    if (storage == NULL)
        fail_msg("%s", err.text);
    /* Where there are locks, the marker's lock is then longer than all that tests ask for. */
    int64_t until = strcmp(bucket, LOCKED) == 0 ? clock_wall_ms(clock_system()) + MINUTE : 0;
    if (storage_put(storage, "first", "1", 1, until, &err) != 0)
        fail_msg("%s", err.text);
    return storage;
}

static void
faults(const char *list)
{
    CLEANUP(memory_free_p) char *order = memory_printf("{\"keep\":true,\"faults\":[%s]}", list);
    json_decref(control("PUT", order));
}

static size_t
requests(const char *operation)
{
    json_t *seen = control("GET", NULL), *one;
    size_t i, count = 0;
    json_array_foreach (json_object_get(seen, "requests"), i, one)
        count += strcmp(json_string_value(one), operation) == 0;
    json_decref(seen);
    return count;
}

static size_t
versions_of(const char *key)
{
    json_t *seen = control("GET", NULL);
    json_int_t count = json_integer_value(json_object_get(json_object_get(seen, "keys"), key));
    json_decref(seen);
    return (size_t)count;
}

/* Also checks that all that was said fits the official model, and that no upload was left open. */
static void
detach(struct storage *storage)
{
    json_t *seen = control("GET", NULL);
    CLEANUP(memory_free_p) char *misfits = json_dumps(json_object_get(seen, "misfits"), 0);
    assert_string_equal(misfits, "[]");
    assert_int_equal(json_integer_value(json_object_get(seen, "uploads")), 0);
    json_decref(seen);
    storage_close(storage);
}

static void
expect(int failed, const struct error *err, enum error_kind kind, const char *words)
{
    if (err->kind != kind || (failed == 0) != (kind == ERROR_NONE))
        fail_msg("%s, not %s: %s", error_kind_name(err->kind), error_kind_name(kind), err->text);
    if (strstr(err->text, words) == NULL)
        fail_msg("\"%s\" is not in: %s", words, err->text);
    assert_null(strstr(err->text, "wJalr"));
}

static void
expect_bytes(struct storage *storage, const char *name, const uint8_t *data, size_t len)
{
    struct error err = ERROR_INIT;
    CLEANUP(memory_free_p) uint8_t *got = NULL;
    size_t got_len = 0;
    int failed = storage_get(storage, name, BIG, &got, &got_len, &err);
    expect(failed, &err, ERROR_NONE, "");
    assert_int_equal(got_len, len);
    assert_memory_equal(got, data, len);
}

static int
on_block(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    size_t *at = ctx;
    (void)err;
    assert_true(len <= MIB && len <= BIG - *at);
    assert_memory_equal(data, big + *at, len);
    *at += len;
    return 0;
}

static void
throttling_is_waited_for(void **state)
{
    (void)state;
    struct storage *storage = attach(PLAIN);
    struct error err = ERROR_INIT;
    faults("{\"op\":\"PutObject\",\"do\":\"answer\",\"status\":503,\"code\":\"SlowDown\",\"times\":2},"
           "{\"op\":\"HeadObject\",\"do\":\"answer\",\"status\":429,\"code\":\"TooManyRequests\","
           "\"headers\":{\"Retry-After\":\"0\"}},"
           "{\"op\":\"HeadObject\",\"do\":\"answer\",\"status\":500,\"code\":\"InternalError\"}");
    expect(storage_put(storage, "a", "x", 1, 0, &err), &err, ERROR_NONE, "");
    expect_bytes(storage, "a", (const uint8_t *)"x", 1);
    detach(storage);
}

static void
throttling_without_end_is_told(void **state)
{
    (void)state;
    struct storage *storage = attach(PLAIN);
    struct error err = ERROR_INIT;
    faults("{\"op\":\"PutObject\",\"do\":\"answer\",\"status\":503,\"code\":\"SlowDown\",\"times\":99}");
    expect(storage_put(storage, "a", "x", 1, 0, &err), &err, ERROR_THROTTLED, "4 tries");
    err = (struct error)ERROR_INIT;
    faults("{\"op\":\"GetObject\",\"do\":\"answer\",\"status\":503,\"code\":\"SlowDown\","
           "\"headers\":{\"Retry-After\":\"120\"},\"times\":99}");
    uint8_t *data;
    size_t len, before = requests("GetObject");
    expect(storage_get(storage, "first", 10, &data, &len, &err), &err, ERROR_THROTTLED, "fewer requests");
    assert_int_equal(err.retry_after_ms, 120000);
    assert_int_equal(requests("GetObject"), before + 1);
    detach(storage);
}

/* Carried out, and nobody told: neither written twice nor taken for somebody else's. */
static void
a_lost_answer_is_not_a_failure(void **state)
{
    static const char *const buckets[] = { PLAIN, LOCKED };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(buckets); i++) {
        struct storage *storage = attach(buckets[i]);
        struct error err = ERROR_INIT;
        faults("{\"op\":\"PutObject\",\"do\":\"lose\"},{\"op\":\"CompleteMultipartUpload\",\"do\":\"lose\"}");
        expect(storage_put(storage, "a", "x", 1, 0, &err), &err, ERROR_NONE, "");
        expect(storage_put(storage, "b", big, BIG, 0, &err), &err, ERROR_NONE, "");
        expect(storage_put(storage, "a", "x", 1, 0, &err), &err, ERROR_EXISTS, "already has an object a");
        assert_int_equal(versions_of("some/where/a"), 1);
        assert_int_equal(versions_of("some/where/b"), 1);
        expect_bytes(storage, "b", big, BIG);
        detach(storage);
    }
}

static void
answers_that_are_cut_off_are_asked_for_again(void **state)
{
    (void)state;
    struct storage *storage = attach(PLAIN);
    struct error err = ERROR_INIT;
    size_t at = 0;
    expect(storage_put(storage, "a", big, BIG, 0, &err), &err, ERROR_NONE, "");
    faults("{\"op\":\"GetObject\",\"do\":\"cut\",\"at\":1000000,\"times\":2},"
           "{\"op\":\"GetObject\",\"do\":\"cut\",\"at\":0},{\"op\":\"GetObject\",\"do\":\"lose\"}");
    expect(storage_get_range(storage, "a", 0, BIG, on_block, &at, &err), &err, ERROR_NONE, "");
    assert_int_equal(at, BIG);
    faults("{\"op\":\"GetObject\",\"do\":\"cut\",\"at\":500000,\"times\":6}");
    at = 0;
    expect(storage_get_range(storage, "a", 0, 6 * MIB, on_block, &at, &err), &err, ERROR_NONE, "");
    assert_int_equal(at, 6 * MIB);
    faults("{\"op\":\"GetObject\",\"do\":\"cut\",\"at\":5000000},{\"op\":\"ListObjectsV2\",\"do\":\"cut\",\"at\":50}");
    expect_bytes(storage, "a", big, BIG);
    bool any = false;
    expect(s3_list_any(s3_of(storage), &any, &err), &err, ERROR_NONE, "");
    assert_true(any);
    detach(storage);
}

static void
a_large_object_has_its_lock_from_the_start(void **state)
{
    (void)state;
    struct storage *storage = attach(LOCKED);
    struct error err = ERROR_INIT;
    struct storage_stat stat;
    int64_t until = clock_wall_ms(clock_system()) + 10 * MINUTE;
    expect(storage_put(storage, "a", big, BIG, until, &err), &err, ERROR_NONE, "");
    assert_int_equal(requests("PutObjectRetention"), 1); /* of the marker */
    expect(storage_stat(storage, "a", &stat, &err), &err, ERROR_NONE, "");
    assert_int_equal(stat.size, BIG);
    assert_int_equal(stat.lock_until_ms, (until + 999) / 1000 * 1000);
    expect(storage_remove(storage, "a", &err), &err, ERROR_LOCKED, "is locked until");
    detach(storage);
}

static void
a_lock_that_was_forgotten_is_set_again_or_fails_the_put(void **state)
{
    (void)state;
    struct storage *storage = attach(LOCKED);
    struct error err = ERROR_INIT;
    struct storage_stat stat;
    int64_t until = clock_wall_ms(clock_system()) + 10 * MINUTE;
    faults("{\"op\":\"CreateMultipartUpload\",\"do\":\"no-lock\"}");
    expect(storage_put(storage, "a", big, BIG, until, &err), &err, ERROR_NONE, "");
    assert_int_equal(requests("PutObjectRetention"), 2);
    expect(storage_stat(storage, "a", &stat, &err), &err, ERROR_NONE, "");
    assert_true(stat.lock_until_ms >= until);
    faults("{\"op\":\"PutObject\",\"do\":\"no-lock\"},{\"op\":\"PutObjectRetention\",\"do\":\"no-lock\"}");
    expect(storage_put(storage, "b", "x", 1, until, &err), &err, ERROR_UNSUPPORTED, "does not lock object b");
    err = (struct error)ERROR_INIT;
    faults("{\"op\":\"PutObject\",\"do\":\"no-lock\"},"
           "{\"op\":\"PutObjectRetention\",\"do\":\"answer\",\"status\":403,\"code\":\"AccessDenied\"}");
    expect(storage_put(storage, "c", "x", 1, until, &err), &err, ERROR_UNSUPPORTED, "without its lock");
    detach(storage);
}

static void
a_lock_is_extended_and_a_shorter_one_refused(void **state)
{
    (void)state;
    struct storage *storage = attach(LOCKED);
    struct error err = ERROR_INIT;
    struct storage_stat stat;
    int64_t until = clock_wall_ms(clock_system()) + 10 * MINUTE;
    char key[S3_KEY_LEN];
    struct s3_head head;
    expect(storage_put(storage, "a", "x", 1, until, &err), &err, ERROR_NONE, "");
    expect(storage_extend(storage, "a", until - MINUTE, &err), &err, ERROR_NONE, "");
    assert_int_equal(requests("PutObjectRetention"), 1);
    expect(storage_extend(storage, "a", until + MINUTE, &err), &err, ERROR_NONE, "");
    expect(storage_stat(storage, "a", &stat, &err), &err, ERROR_NONE, "");
    assert_true(stat.lock_until_ms >= until + MINUTE);
    s3_request_key(s3_of(storage), "a", key);
    expect(s3_stat_head(s3_of(storage), key, NULL, &head, &err), &err, ERROR_NONE, "");
    expect(s3_lock_retain(s3_of(storage), key, head.version, until, &err), &err, ERROR_DENIED, "AccessDenied");
    err = (struct error)ERROR_INIT;
    faults("{\"op\":\"PutObjectRetention\",\"do\":\"no-lock\"}");
    expect(storage_extend(storage, "a", until + 2 * MINUTE, &err), &err, ERROR_UNSUPPORTED, "does not show it");
    detach(storage);
}

/* The look before the upload sees nothing; somebody else is done before the completion. */
static void
a_completion_keeps_the_condition(void **state)
{
    (void)state;
    struct storage *storage = attach(LOCKED);
    struct error err = ERROR_INIT;
    expect(storage_put(storage, "a", "x", 1, 0, &err), &err, ERROR_NONE, "");
    faults("{\"op\":\"HeadObject\",\"do\":\"answer\",\"status\":404,\"code\":\"NoSuchKey\"}");
    expect(storage_put(storage, "a", big, BIG, 0, &err), &err, ERROR_EXISTS, "already has an object a");
    assert_int_equal(requests("CompleteMultipartUpload"), 1);
    expect_bytes(storage, "a", (const uint8_t *)"x", 1);
    err = (struct error)ERROR_INIT;
    /* The same with a peer that ignores it: the first version keeps the name. */
    faults("{\"op\":\"HeadObject\",\"do\":\"answer\",\"status\":404,\"code\":\"NoSuchKey\"},"
           "{\"op\":\"CompleteMultipartUpload\",\"do\":\"no-condition\"}");
    expect(storage_put(storage, "a", big, BIG, 0, &err), &err, ERROR_EXISTS, "already has an object a");
    assert_int_equal(versions_of("some/where/a"), 1);
    expect_bytes(storage, "a", (const uint8_t *)"x", 1);
    detach(storage);
}

static void
an_upload_starts_again_after_a_conflict(void **state)
{
    (void)state;
    struct storage *storage = attach(PLAIN);
    struct error err = ERROR_INIT;
    faults(
        "{\"op\":\"CompleteMultipartUpload\",\"do\":\"answer\",\"status\":409,\"code\":\"ConditionalRequestConflict\"},"
        "{\"op\":\"CompleteMultipartUpload\",\"do\":\"late-error\"}");
    expect(storage_put(storage, "a", big, BIG, 0, &err), &err, ERROR_NONE, "");
    assert_int_equal(requests("CreateMultipartUpload"), 2);
    assert_int_equal(requests("CompleteMultipartUpload"), 3);
    expect_bytes(storage, "a", big, BIG);
    detach(storage);
}

static void
a_failed_upload_is_taken_back(void **state)
{
    (void)state;
    struct storage *storage = attach(PLAIN);
    struct error err = ERROR_INIT;
    faults("{\"op\":\"UploadPart\",\"do\":\"answer\",\"status\":403,\"code\":\"QuotaExceeded\",\"skip\":1}");
    expect(storage_put(storage, "a", big, BIG, 0, &err), &err, ERROR_NO_SPACE, "quota");
    assert_int_equal(requests("AbortMultipartUpload"), 1);
    assert_int_equal(versions_of("some/where/a"), 0);
    detach(storage);
}

static void
damage_on_the_way_is_sent_again(void **state)
{
    (void)state;
    struct storage *storage = attach(PLAIN);
    struct error err = ERROR_INIT;
    faults("{\"op\":\"PutObject\",\"do\":\"answer\",\"status\":400,\"code\":\"BadDigest\"},"
           "{\"op\":\"UploadPart\",\"do\":\"answer\",\"status\":400,\"code\":\"XAmzContentSHA256Mismatch\"}");
    expect(storage_put(storage, "a", "x", 1, 0, &err), &err, ERROR_NONE, "");
    expect(storage_put(storage, "b", big, BIG, 0, &err), &err, ERROR_NONE, "");
    detach(storage);
}

/* Opens with one member of the location changed. */
static void
expect_open(const char *name, const char *value, bool create, enum error_kind kind, const char *words)
{
    json_t *changed = json_deep_copy(location);
    struct error err = ERROR_INIT;
    if (name != NULL)
        json_object_set_new(changed, name, json_string(value));
    CLEANUP(memory_free_p) char *text = json_dumps(changed, 0);
    struct storage *storage = storage_open(text, strlen(text), clock_system(), create, &err);
    expect(storage != NULL ? 0 : -1, &err, kind, words);
    storage_close(storage);
    json_decref(changed);
}

static void
a_wrong_location_is_told_in_words(void **state)
{
    (void)state;
    storage_close(attach(PLAIN));
    expect_open("region", "us-east-1", false, ERROR_CONFIG, "is in region eu-central-1, not in us-east-1");
    expect_open("secret_access_key", "wJalrNot", false, ERROR_UNAUTHENTICATED, "the secret access key is wrong");
    expect_open("access_key_id", "AKIDOTHER", false, ERROR_UNAUTHENTICATED, "access key id is not known");
    expect_open("bucket", "c", false, ERROR_CONFIG, "the bucket does not exist");
    expect_open("lock_mode", "compliance", false, ERROR_CONFIG, "has no object lock");
    expect_open("prefix", "else/where", false, ERROR_UNAVAILABLE, "is not a Longhaul repository");
    expect_open("prefix", "some", true, ERROR_CONFIG, "holds other objects");
    expect_open("session_token", "token==", false, ERROR_NONE, "");
    faults("{\"op\":\"GetBucketVersioning\",\"do\":\"answer\",\"status\":403,\"code\":\"AccessDenied\"}");
    expect_open(NULL, NULL, false, ERROR_DENIED, "s3:GetBucketVersioning");
    json_decref(control("PUT", "{\"keep\":true,\"skew\":3600}"));
    expect_open(NULL, NULL, false, ERROR_CONFIG, "s behind of the storage's: set it (NTP)");
    json_decref(control("PUT", "{\"keep\":true,\"skew\":-3600}"));
    expect_open(NULL, NULL, false, ERROR_CONFIG, "s ahead of the storage's: set it (NTP)");
}

static void
send_raw(struct storage *storage, const char *method, const char *name, const char *body)
{
    struct s3 *s3 = s3_of(storage);
    char key[S3_KEY_LEN];
    struct s3_hash hash;
    struct http_response response;
    struct error err = ERROR_INIT;
    const struct storage_content content = { .data = body, .fd = -1, .size = strlen(body) };
    s3_request_key(s3, name, key);
    assert_int_equal(s3_hash_content(&content, 0, content.size, true, &hash, &err), 0);
    struct s3_request request = { .method = method, .key = key };
    if (body[0] != '\0') {
        request.content = &content;
        request.len = content.size;
        request.sha256 = hash.sha256;
    }
    expect(s3_request_run(s3, &request, &response, &err), &err, ERROR_NONE, "");
    http_response_clear(&response);
}

static int
on_found(void *ctx, const char *name, const struct storage_stat *stat, struct error *err)
{
    (void)name;
    (void)stat;
    (void)err;
    ++*(size_t *)ctx;
    return 0;
}

static void
what_was_hidden_or_written_over_is_still_read(void **state)
{
    (void)state;
    struct storage *storage = attach(LOCKED);
    struct error err = ERROR_INIT;
    struct storage_stat stat;
    size_t at = 0;
    int64_t until = clock_wall_ms(clock_system()) + 10 * MINUTE;
    expect(storage_put(storage, "a", big, 1000, until, &err), &err, ERROR_NONE, "");
    send_raw(storage, "DELETE", "a", "");
    send_raw(storage, "DELETE", S3_MARKER, "");
    expect_bytes(storage, "a", big, 1000);
    expect(storage_get_range(storage, "a", 0, 1000, on_block, &at, &err), &err, ERROR_NONE, "");
    expect(storage_stat(storage, "a", &stat, &err), &err, ERROR_NONE, "");
    assert_true(stat.lock_until_ms >= until);
    expect_open(NULL, NULL, false, ERROR_NONE, "");
    size_t listed = 0;
    send_raw(storage, "DELETE", "vault/x", "");
    expect(storage_put(storage, "vault/a", "x", 1, until, &err), &err, ERROR_NONE, "");
    send_raw(storage, "DELETE", "vault/a", "");
    expect(storage_list(storage, "vault", on_found, &listed, &err), &err, ERROR_NONE, "");
    assert_int_equal(listed, 1);
    send_raw(storage, "PUT", "a", "somebody else's");
    json_object_set_new(location, "versions", json_string("first"));
    CLEANUP(memory_free_p) char *text = json_dumps(location, 0);
    json_object_del(location, "versions");
    struct storage *first = storage_open(text, strlen(text), clock_system(), false, &err);
    expect(first != NULL ? 0 : -1, &err, ERROR_NONE, "");
    expect_bytes(first, "a", big, 1000);
    storage_close(first);
    detach(storage);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(throttling_is_waited_for),
        cmocka_unit_test(throttling_without_end_is_told),
        cmocka_unit_test(a_lost_answer_is_not_a_failure),
        cmocka_unit_test(answers_that_are_cut_off_are_asked_for_again),
        cmocka_unit_test(a_large_object_has_its_lock_from_the_start),
        cmocka_unit_test(a_lock_that_was_forgotten_is_set_again_or_fails_the_put),
        cmocka_unit_test(a_lock_is_extended_and_a_shorter_one_refused),
        cmocka_unit_test(a_completion_keeps_the_condition),
        cmocka_unit_test(an_upload_starts_again_after_a_conflict),
        cmocka_unit_test(a_failed_upload_is_taken_back),
        cmocka_unit_test(damage_on_the_way_is_sent_again),
        cmocka_unit_test(a_wrong_location_is_told_in_words),
        cmocka_unit_test(what_was_hidden_or_written_over_is_still_read),
    };
    location = argc == 2 ? json_load_file(argv[1], 0, NULL) : NULL;
    if (location == NULL)
        return 64;
    const struct http_client_options options = { .extra_ca_pem =
                                                     json_string_value(json_object_get(location, "ca_pem")) };
    http = http_client_new(&options, NULL);
    big = memory_new(BIG);
    for (size_t i = 0; i < BIG; i++)
        big[i] = (uint8_t)((i * 2654435761U) >> 11);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(big);
    http_client_free(http);
    json_decref(location);
    return failed;
}
