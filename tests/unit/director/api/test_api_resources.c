#include "common/base/encoding.h"
#include "common/crypto/sealed_secret.h"
#include "common/crypto/sealing_key.h"
#include "director/store/store_objects.h"
#include "director/store/store_points.h"
#include "director/store/store_tenants.h"
#include "director/store/store_transporters.h"
#include "director/store/store_vaults.h"
#include "tests/unit/director/api/api_fixture.h"

#define TRANSPORTER "transporter-host0"

/* A transporter in the store and a tenant with a mailbox; then the director runs. */
static void
populate(struct api_fixture *f, struct sealing_key *key)
{
    struct store_transporter transporter = { .id = TRANSPORTER, .name = "nas", .task_slots = 1 };
    struct store_tenant tenant = { .name = "acme" };
    struct store_object object = { .kind = STORE_OBJECT_MAILBOX, .external_id = "m1", .name = "ada@acme.example" };
    struct store *store = director_store(f->director);
    struct error err = ERROR_INIT;
    memcpy(transporter.sealing_key, sealing_key_point(key), KEY_POINT_LEN);
    transporter.certificate_expires_ms = clock_wall_ms(clock_system()) + 3600000;
    assert_int_equal(store_transporters_add(store, &transporter, &err), 0);
    assert_int_equal(store_tenants_add(store, &tenant, &err), 0);
    memcpy(object.tenant, tenant.id, sizeof(object.tenant));
    assert_int_equal(store_objects_put(store, &object, &err), 0);
    api_fixture_go(f);
}

/* The request that stores `plain` sealed to the key under this id. */
static char *
secret_request(struct sealing_key *key, const char *id, const char *purpose, const char *tenant, const char *plain)
{
    struct buffer sealed = BUFFER_INIT(4096);
    char context[SEALED_SECRET_CONTEXT_MAX], text[2048];
    struct error err = ERROR_INIT;
    assert_int_equal(sealed_secret_context(purpose, id, context, &err), 0);
    assert_int_equal(sealed_secret_seal(sealing_key_point(key), context, plain, strlen(plain), &sealed, &err), 0);
    encoding_base64(sealed.data, sealed.len, text);
    buffer_clear(&sealed);
    json_t *body = json_pack("{s:s, s:s, s:s*, s:[{s:s, s:s}]}", "id", id, "purpose", purpose, "tenant", tenant,
                             "slots", "transporter", "nas", "sealed", text);
    char *request = json_dumps(body, 0);
    json_decref(body);
    return request;
}

static void
add_secret(struct api_fixture *f, struct sealing_key *key, const char *id, const char *purpose, const char *tenant)
{
    CLEANUP(memory_free_p) char *request = secret_request(key, id, purpose, tenant, "{\"password\":\"x\"}");
    json_t *secret = api_fixture_expect(f, 201, "POST", "/api/v1/secrets", request);
    json_t *slot = json_array_get(json_object_get(secret, "slots"), 0);
    assert_string_equal(json_string_value(json_object_get(slot, "transporter")), TRANSPORTER);
    json_decref(secret);
}

static void
only_what_is_sealed_to_the_present_key_is_stored(void **state)
{
    struct api_fixture *f = *state;
    CLEANUP(sealing_key_free_p) struct sealing_key *key = sealing_key_new(NULL);
    CLEANUP(sealing_key_free_p) struct sealing_key *other = sealing_key_new(NULL);
    CLEANUP(memory_free_p) char *foreign = secret_request(other, "secret-1", "vault-password", "acme", "x");
    populate(f, key);
    api_fixture_refuse(f, 400, "usage", "POST", "/api/v1/secrets", foreign);
    api_fixture_refuse(f, 400, "usage", "POST", "/api/v1/secrets",
                       "{\"id\":\"secret-1\",\"purpose\":\"vault-password\",\"tenant\":\"acme\",\"slots\":"
                       "[{\"transporter\":\"nas\",\"sealed\":\"aHVudGVyMg==\"}]}");
    api_fixture_refuse(f, 404, "not_found", "GET", "/api/v1/secrets/secret-1", NULL);
    add_secret(f, key, "secret-1", "vault-password", "acme");
    json_t *shown = api_fixture_expect(f, 200, "GET", "/api/v1/secrets/secret-1", NULL);
    char *text = json_dumps(shown, 0);
    assert_null(strstr(text, "TEhTU")); /* base64 of the format's first bytes: slots are never handed out */
    free(text);
    json_decref(shown);
    CLEANUP(memory_free_p) char *again = secret_request(key, "secret-1", "vault-password", "acme", "x");
    api_fixture_refuse(f, 409, "exists", "POST", "/api/v1/secrets", again);
}

/* From storage to a job, as an operator sets it up. */
static void
set_up(struct api_fixture *f, struct sealing_key *key)
{
    add_secret(f, key, "secret-ms", "microsoft365", "acme");
    add_secret(f, key, "secret-pw", "vault-password", "acme");
    add_secret(f, key, "secret-st", "storage", NULL);
    json_decref(api_fixture_expect(f, 200, "PUT", "/api/v1/tenants/acme/secret", "{\"secret\":\"secret-ms\"}"));
    json_decref(api_fixture_expect(f, 201, "POST", "/api/v1/repositories",
                                   "{\"name\":\"store\",\"host\":\"nas\",\"secret\":\"secret-st\"}"));
    json_decref(api_fixture_expect(
        f, 201, "POST", "/api/v1/vaults",
        "{\"name\":\"main\",\"tenant\":\"acme\",\"repository\":\"store\",\"secret\":\"secret-pw\"}"));
    json_decref(api_fixture_expect(f, 201, "POST", "/api/v1/jobs",
                                   "{\"name\":\"all\",\"tenant\":\"acme\",\"vault\":\"main\",\"all\":true,"
                                   "\"selector\":{\"site\":\"berlin\"},\"options\":{\"bytes_per_second\":1000}}"));
}

static void
every_resource_can_be_listed_and_shown(void **state)
{
    struct api_fixture *f = *state;
    CLEANUP(sealing_key_free_p) struct sealing_key *key = sealing_key_new(NULL);
    static const char *const lists[] = { "tenants", "transporters", "repositories", "vaults", "jobs",
                                         "runs",    "secrets",      "tokens",       "events", "tenants/acme/objects" };
    static const char *const items[] = { "tenants/acme", "transporters/nas",  "repositories/store", "vaults/main",
                                         "jobs/all",     "secrets/secret-pw", "director",           "tokens/own" };
    populate(f, key);
    set_up(f, key);
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        CLEANUP(memory_free_p) char *path = memory_printf("/api/v1/%s", lists[i]);
        json_t *list = api_fixture_expect(f, 200, "GET", path, NULL);
        assert_true(json_array_size(json_object_get(list, "items")) > 0);
        json_decref(list);
    }
    for (size_t i = 0; i < ARRAY_LEN(items); i++) {
        CLEANUP(memory_free_p) char *path = memory_printf("/api/v1/%s", items[i]);
        json_decref(api_fixture_expect(f, 200, "GET", path, NULL));
    }
    json_t *job = api_fixture_expect(f, 200, "PATCH", "/api/v1/jobs/all",
                                     "{\"all\":false,\"rules\":[{\"kind\":\"mailbox\",\"pattern\":\"ada*\"}]}");
    assert_int_equal(json_array_size(json_object_get(job, "rules")), 1);
    assert_string_equal(json_string_value(json_object_get(json_object_get(job, "selector"), "site")), "berlin");
    json_decref(job);
    json_decref(api_fixture_expect(f, 200, "PUT", "/api/v1/transporters/nas/labels", "{\"labels\":{\"a\":\"b\"}}"));
    json_decref(api_fixture_expect(f, 201, "POST", "/api/v1/invites", "{\"name\":\"near\"}"));
    json_decref(api_fixture_expect(f, 200, "GET", "/api/v1/invites", NULL));
    api_fixture_refuse(f, 409, "exists", "POST", "/api/v1/invites", "{\"name\":\"nas\"}");
    api_fixture_refuse(f, 409, "conflict", "DELETE", "/api/v1/repositories/store", NULL);
    json_decref(api_fixture_expect(f, 200, "DELETE", "/api/v1/jobs/all", NULL));
}

static void
a_copy_job_and_a_replica_are_made(void **state)
{
    struct api_fixture *f = *state;
    CLEANUP(sealing_key_free_p) struct sealing_key *key = sealing_key_new(NULL);
    static const char copy[] = "{\"name\":\"away\",\"tenant\":\"acme\",\"vault\":\"replica\",\"source\":\"main\","
                               "\"all\":true,\"options\":{\"points\":\"latest\",\"since\":\"2026-01-01T00:00:00Z\"}}";
    populate(f, key);
    set_up(f, key);
    add_secret(f, key, "secret-st2", "storage", NULL);
    json_decref(api_fixture_expect(f, 201, "POST", "/api/v1/repositories",
                                   "{\"name\":\"away\",\"host\":\"nas\",\"secret\":\"secret-st2\"}"));
    api_fixture_refuse(f, 409, "conflict", "POST", "/api/v1/vaults",
                       "{\"name\":\"replica\",\"repository\":\"store\",\"replica_of\":\"main\"}");
    json_t *vault = api_fixture_expect(f, 201, "POST", "/api/v1/vaults",
                                       "{\"name\":\"replica\",\"repository\":\"away\",\"replica_of\":\"main\"}");
    assert_string_equal(json_string_value(json_object_get(vault, "state")), "ready");
    assert_true(json_is_string(json_object_get(vault, "replica_of")));
    json_decref(vault);
    api_fixture_refuse(f, 409, "conflict", "POST", "/api/v1/jobs",
                       "{\"name\":\"into\",\"tenant\":\"acme\",\"vault\":\"replica\",\"all\":true}");
    json_t *job = api_fixture_expect(f, 201, "POST", "/api/v1/jobs", copy);
    assert_string_equal(json_string_value(json_object_get(job, "kind")), "copy");
    assert_string_equal(json_string_value(json_object_get(json_object_get(job, "source"), "name")), "main");
    assert_string_equal(json_string_value(json_object_get(json_object_get(job, "options"), "points")), "latest");
    json_decref(job);
    api_fixture_refuse(f, 400, "usage", "PATCH", "/api/v1/jobs/away", "{\"options\":{\"bytes_per_second\":5}}");
    api_fixture_refuse(f, 400, "usage", "PATCH", "/api/v1/jobs/away", "{\"options\":{\"points\":\"some\"}}");
    api_fixture_refuse(f, 400, "usage", "PATCH", "/api/v1/jobs/all", "{\"options\":{\"points\":\"latest\"}}");
    api_fixture_refuse(f, 400, "usage", "POST", "/api/v1/jobs",
                       "{\"name\":\"self\",\"tenant\":\"acme\",\"vault\":\"main\",\"source\":\"main\",\"all\":true}");
    api_fixture_refuse(f, 409, "conflict", "DELETE", "/api/v1/vaults/replica", NULL);
}

static void
a_run_is_watched_and_cancelled(void **state)
{
    struct api_fixture *f = *state;
    CLEANUP(sealing_key_free_p) struct sealing_key *key = sealing_key_new(NULL);
    populate(f, key);
    set_up(f, key);
    json_t *started = api_fixture_expect(f, 202, "POST", "/api/v1/tenants/acme/discover", "{}");
    CLEANUP(memory_free_p)
    char *path = memory_printf("/api/v1/runs/%s", json_string_value(json_object_get(started, "run")));
    CLEANUP(memory_free_p) char *wait = memory_printf("%s?wait=1", path);
    CLEANUP(memory_free_p) char *tasks = memory_printf("%s/tasks", path);
    CLEANUP(memory_free_p) char *cancel = memory_printf("%s/cancel", path);
    json_decref(started);
    json_t *run = api_fixture_expect(f, 200, "GET", wait, NULL);
    assert_false(json_is_true(json_object_get(run, "final")));
    assert_true(json_is_object(json_object_get(run, "counts")));
    json_decref(run);
    json_t *list = api_fixture_expect(f, 200, "GET", tasks, NULL);
    json_t *task = json_array_get(json_object_get(list, "items"), 0);
    CLEANUP(memory_free_p)
    char *one = memory_printf("/api/v1/tasks/%s", json_string_value(json_object_get(task, "id")));
    json_decref(list);
    json_decref(api_fixture_expect(f, 200, "GET", one, NULL));
    json_decref(api_fixture_expect(f, 200, "POST", cancel, "{}"));
    run = api_fixture_expect(f, 200, "GET", wait, NULL);
    assert_string_equal(json_string_value(json_object_get(run, "state")), "cancelled");
    json_decref(run);
    api_fixture_refuse(f, 409, "conflict", "POST", cancel, "{}");
}

static void
questions_and_restores_without_a_point_or_a_transporter_say_so(void **state)
{
    struct api_fixture *f = *state;
    CLEANUP(sealing_key_free_p) struct sealing_key *key = sealing_key_new(NULL);
    populate(f, key);
    set_up(f, key);
    api_fixture_refuse(f, 503, "unavailable", "GET", "/api/v1/vaults/main/placement", NULL);
    api_fixture_refuse(f, 404, "not_found", "GET", "/api/v1/queries/query-1", NULL);
    api_fixture_refuse(f, 404, "not_found", "GET", "/api/v1/points/point-1", NULL);
    json_decref(api_fixture_expect(f, 200, "GET", "/api/v1/points?vault=main&before=2026-01-01T00:00:00Z", NULL));
    api_fixture_refuse(f, 404, "not_found", "POST", "/api/v1/restores",
                       "{\"point\":\"point-1\",\"selection\":\"secret-pw\"}");
    api_fixture_refuse(f, 400, "usage", "POST", "/api/v1/queries",
                       "{\"id\":\"query-1\",\"vault\":\"main\",\"transporter\":\"nas\",\"request\":\"AA==\","
                       "\"reply_key\":\"!\"}");
}

#define WITH_DIRECTOR(test) cmocka_unit_test_setup_teardown(test, api_fixture_setup, api_fixture_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DIRECTOR(only_what_is_sealed_to_the_present_key_is_stored),
        WITH_DIRECTOR(every_resource_can_be_listed_and_shown),
        WITH_DIRECTOR(a_copy_job_and_a_replica_are_made),
        WITH_DIRECTOR(a_run_is_watched_and_cancelled),
        WITH_DIRECTOR(questions_and_restores_without_a_point_or_a_transporter_say_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
