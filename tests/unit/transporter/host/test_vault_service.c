#include "transporter/host/vault_service.h"

#include "common/vault/vault_sweep_backend.h"

#include "common/vault/vault.h"
#include "common/vault/vault_reader.h"
#include "common/vault/vault_writer.h"
#include "tests/unit/transporter/host_fixture.h"

static struct host_fixture fixture;

static int
set_up_all(void **state)
{
    (void)state;
    host_fixture_init(&fixture);
    return 0;
}

static int
tear_down_all(void **state)
{
    (void)state;
    host_fixture_clear(&fixture);
    return 0;
}

static int
set_up(void **state)
{
    (void)state;
    host_fixture_reset_grant(&fixture);
    return 0;
}

/* One object stored with the fixture's grant. The kind of the failure, or ERROR_NONE. */
static enum error_kind
put(const char *name, const char *content)
{
    struct error err = ERROR_INIT;
    struct remote_vault *remote = host_fixture_remote(&fixture, 1);
    struct vault_backend backend = remote_vault_backend(remote);
    int failed =
        backend.vtable->put_object(backend.ctx, OBJECT_KEY_SLOT, name, (const uint8_t *)content, strlen(content), &err);
    remote_vault_close(remote);
    return failed == 0 ? ERROR_NONE : err.kind;
}

static enum error_kind
get(const char *name, char text[32])
{
    struct error err = ERROR_INIT;
    struct remote_vault *remote = host_fixture_remote(&fixture, 1);
    struct vault_backend backend = remote_vault_backend(remote);
    uint8_t *data = NULL;
    size_t len = 0;
    int failed = backend.vtable->get_object(backend.ctx, OBJECT_KEY_SLOT, name, &data, &len, &err);
    if (failed == 0)
        snprintf(text, 32, "%.*s", (int)len, (const char *)data);
    free(data);
    remote_vault_close(remote);
    return failed == 0 ? ERROR_NONE : err.kind;
}

static enum error_kind
put_pack(void)
{
    struct error err = ERROR_INIT;
    struct remote_vault *remote = host_fixture_remote(&fixture, 1);
    struct vault_backend backend = remote_vault_backend(remote);
    int failed =
        backend.vtable->put_pack(backend.ctx, "00112233445566778899aabbccddeeff", (const uint8_t *)"pack", 4, &err);
    remote_vault_close(remote);
    return failed == 0 ? ERROR_NONE : err.kind;
}

static void
objects_come_back_and_are_never_overwritten(void **state)
{
    (void)state;
    char text[32] = "";
    assert_int_equal(put("slot-a", "one"), ERROR_NONE);
    assert_int_equal(put("slot-a", "one"), ERROR_NONE);
    assert_int_equal(put("slot-a", "two"), ERROR_EXISTS);
    assert_int_equal(get("slot-a", text), ERROR_NONE);
    assert_string_equal(text, "one");
    assert_int_equal(get("slot-b", text), ERROR_NOT_FOUND);
}

/* All that a source can do with what a backup is granted. */
static void
a_sources_capability_destroys_nothing(void **state)
{
    (void)state;
    char text[32] = "";
    assert_int_equal(put("slot-held", "one"), ERROR_NONE);
    fixture.grant.operations = GRANT_READ | GRANT_APPEND;
    assert_int_equal(put("slot-held", "two"), ERROR_DENIED);
    assert_int_equal(put("slot-held", "one"), ERROR_DENIED);
    struct remote_vault *remote = host_fixture_remote(&fixture, 1);
    const struct vault_backend backend = remote_vault_backend(remote);
    /* Retiring and removing need another grant, from the first call on. */
    struct error err = ERROR_INIT;
    struct vault_sweep_session session = { .epoch = 0 };
    struct vault_removal removal;
    const char *slot = "slot-held";
    uint64_t epoch;
    assert_int_equal(backend.vtable->sweep->begin(backend.ctx, &session, &err), -1);
    assert_int_equal(err.kind, ERROR_DENIED);
    error_clear(&err);
    assert_int_equal(backend.vtable->sweep->journal(backend.ctx, session.id, (const uint8_t *)"x", 1, &epoch, &err),
                     -1);
    assert_int_equal(err.kind, ERROR_DENIED);
    error_clear(&err);
    assert_int_equal(backend.vtable->sweep->remove_points(backend.ctx, session.id, 1, &slot, 1, &removal, &err), -1);
    assert_int_equal(err.kind, ERROR_DENIED);
    error_clear(&err);
    const struct vault_commit forged = { .name = "point-1", .data = (const uint8_t *)"none", .len = 4 };
    assert_int_equal(backend.vtable->commit_point(backend.ctx, &forged, &err), -1);
    assert_int_equal(err.kind, ERROR_FORMAT);
    remote_vault_close(remote);
    assert_int_equal(get("slot-held", text), ERROR_NONE);
    assert_string_equal(text, "one");
}

static void
a_grant_to_lock_is_refused_where_nothing_enforces_it(void **state)
{
    (void)state;
    char text[32] = "";
    fixture.grant.lock_days = 30;
    assert_int_equal(put("slot-lock", "one"), ERROR_UNSUPPORTED);
    assert_int_equal(get("slot-lock", text), ERROR_NOT_FOUND);
    fixture.grant.lock_days = 3651;
    assert_int_equal(put("slot-lock", "one"), ERROR_DENIED);
    struct error err = ERROR_INIT;
    struct remote_vault_locks locks;
    struct remote_vault *remote = host_fixture_remote(&fixture, 1);
    assert_int_equal(remote_vault_get_locks(remote, true, &locks, &err), 0);
    assert_false(locks.supported);
    assert_int_equal(locks.promise_ms, 0);
    remote_vault_close(remote);
}

static void
another_vault_is_out_of_reach(void **state)
{
    (void)state;
    char text[32] = "";
    assert_int_equal(put("slot-mine", "secret"), ERROR_NONE);
    snprintf(fixture.grant.vault_id, sizeof(fixture.grant.vault_id), "vault-2");
    assert_int_equal(get("slot-mine", text), ERROR_NOT_FOUND);
    snprintf(fixture.grant.repository_id, sizeof(fixture.grant.repository_id), "repository-2");
    assert_int_equal(get("slot-mine", text), ERROR_UNAVAILABLE);
}

static void
each_operation_must_be_granted(void **state)
{
    (void)state;
    char text[32] = "";
    fixture.grant.operations = GRANT_READ;
    assert_int_equal(put("slot-c", "x"), ERROR_DENIED);
    assert_int_equal(put_pack(), ERROR_DENIED);
    assert_int_equal(get("slot-c", text), ERROR_NOT_FOUND);
    fixture.grant.operations = GRANT_APPEND;
    assert_int_equal(put("slot-c", "x"), ERROR_DENIED);
    assert_int_equal(get("slot-c", text), ERROR_DENIED);
    assert_int_equal(put_pack(), ERROR_FORMAT); /* granted, but four bytes are no pack */
}

static void
time_limits_hold(void **state)
{
    (void)state;
    char text[32] = "";
    int64_t now = clock_wall_ms(clock_system());
    fixture.grant.expires_ms = now - 1;
    assert_int_equal(get("slot-a", text), ERROR_UNAUTHENTICATED);
    fixture.grant.expires_ms = now + 7200000;
    fixture.grant.not_before_ms = now + 3600000;
    assert_int_equal(get("slot-a", text), ERROR_DENIED);
}

static void
a_grant_is_of_no_use_to_others(void **state)
{
    (void)state;
    char text[32] = "";
    fixture.as = fixture.other_tls; /* the same node id, another key */
    assert_int_equal(get("slot-a", text), ERROR_DENIED);
    fixture.as = NULL;
    snprintf(fixture.grant.holder_node_id, sizeof(fixture.grant.holder_node_id), "transporter-else");
    assert_int_equal(get("slot-a", text), ERROR_DENIED);
    host_fixture_reset_grant(&fixture);
    snprintf(fixture.grant.host_node_id, sizeof(fixture.grant.host_node_id), "transporter-else");
    assert_int_equal(get("slot-a", text), ERROR_DENIED);
}

static void
only_the_director_makes_grants(void **state)
{
    (void)state;
    char text[32] = "";
    struct error err = ERROR_INIT;
    struct key_pair *director = fixture.director;
    struct key_pair *forger = key_pair_new(&err);
    fixture.director = forger;
    assert_int_equal(get("slot-a", text), ERROR_DENIED);
    fixture.director = director;
    key_pair_free(forger);
}

static void
an_overtaken_writer_is_refused_also_after_a_restart(void **state)
{
    (void)state;
    snprintf(fixture.grant.scope, sizeof(fixture.grant.scope), "object-fence");
    assert_int_equal(put("slot-f", "x"), ERROR_NONE);
    fixture.grant.fence = 11;
    assert_int_equal(put("slot-f", "x"), ERROR_NONE);
    fixture.grant.fence = 10;
    assert_int_equal(put("slot-f", "x"), ERROR_FENCED);
    host_fixture_close_host(&fixture);
    host_fixture_open_host(&fixture);
    assert_int_equal(put("slot-f", "x"), ERROR_FENCED);
    fixture.grant.fence = 11;
    assert_int_equal(put("slot-f", "x"), ERROR_NONE);
}

static void
the_director_can_raise_a_fence_before_anybody_calls(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    snprintf(fixture.grant.vault_id, sizeof(fixture.grant.vault_id), "vault-raised");
    assert_int_equal(vault_registry_raise_fence(fixture.registry, "vault-raised", "object-1", 20, &err), 0);
    assert_int_equal(put("slot-r", "x"), ERROR_FENCED);
    fixture.grant.fence = 20;
    assert_int_equal(put("slot-r", "x"), ERROR_NONE);
    assert_int_equal(vault_registry_raise_fence(fixture.registry, "vault-raised", "object-1", 30, &err), 0);
    assert_int_equal(put("slot-r", "x"), ERROR_FENCED);
}

static void
a_revoked_node_is_refused_on_an_open_connection_too(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct remote_vault *remote = host_fixture_remote(&fixture, 1);
    struct vault_backend backend = remote_vault_backend(remote);
    assert_int_equal(backend.vtable->put_object(backend.ctx, OBJECT_KEY_SLOT, "slot-v", (const uint8_t *)"x", 1, &err),
                     0);
    revocation_set_add(fixture.revoked, SOURCE_NODE);
    assert_int_equal(backend.vtable->put_object(backend.ctx, OBJECT_KEY_SLOT, "slot-v", (const uint8_t *)"x", 1, &err),
                     -1);
    assert_int_equal(err.kind, ERROR_DENIED);
    remote_vault_close(remote);
    assert_int_equal(revocation_set_replace(fixture.revoked, NULL, 0, NULL, NULL, &err), 0);
}

static void
an_attached_repository_can_be_detached_and_come_back(void **state)
{
    (void)state;
    char text[32] = "";
    assert_int_equal(put("slot-d", "still here"), ERROR_NONE);
    vault_registry_detach(fixture.registry, "repository-1");
    assert_int_equal(get("slot-d", text), ERROR_UNAVAILABLE);
    host_fixture_attach(&fixture);
    assert_int_equal(get("slot-d", text), ERROR_NONE);
    assert_string_equal(text, "still here");
}

static int
on_content(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    return buffer_append(ctx, data, len, err);
}

static void
write_and_read(struct vault *vault, const uint8_t *bytes, size_t len)
{
    struct error err = ERROR_INIT;
    struct content_ref ref;
    struct vault_writer *writer = vault_writer_open(vault, NULL, &err);
    host_fixture_must(writer != NULL && vault_writer_put(writer, VAULT_FILE, bytes, len, &ref, &err) == 0 &&
                          vault_writer_flush(writer, &err) == 0,
                      &err);
    vault_writer_close(writer);
    struct vault_reader *reader = vault_reader_open(vault, 0, &err);
    CLEANUP(buffer_clear) struct buffer back = BUFFER_INIT(len);
    host_fixture_must(vault_reader_read(reader, &ref, on_content, &back, &err) == 0, &err);
    vault_reader_close(reader);
    assert_int_equal(back.len, len);
    assert_memory_equal(back.data, bytes, len);
}

struct counted {
    size_t count;
};

static int
on_name(void *ctx, const char *name, struct error *err)
{
    (void)err;
    assert_true(strlen(name) > 0);
    ((struct counted *)ctx)->count++;
    return 0;
}

static void
a_whole_vault_works_over_the_wire(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    size_t len = (size_t)20 << 20;
    CLEANUP(memory_free_p) uint8_t *bytes = memory_new(len);
    clock_random(clock_system(), bytes, len);
    snprintf(fixture.grant.vault_id, sizeof(fixture.grant.vault_id), "vault-whole");
    struct remote_vault *remote = host_fixture_remote(&fixture, 20000);
    struct vault_backend backend = remote_vault_backend(remote);
    CLEANUP(secret_free_p) struct secret *password = secret_new("pass", 4, &err);
    host_fixture_must(vault_create(backend, clock_system(), "vault-whole", password, NULL, &err) == 0, &err);
    struct vault *vault = vault_open(backend, clock_system(), "vault-whole", password, &err);
    host_fixture_must(vault != NULL, &err);
    write_and_read(vault, bytes, len);

    /* The host goes away and comes back on its port. */
    host_fixture_close_host(&fixture);
    host_fixture_open_host(&fixture);
    bytes[0] ^= 1;
    write_and_read(vault, bytes, len);
    struct counted slots = { .count = 0 };
    assert_int_equal(backend.vtable->list_objects(backend.ctx, OBJECT_KEY_SLOT, on_name, &slots, &err), 0);
    assert_int_equal(slots.count, 1);
    vault_close(vault);
    remote_vault_close(remote);
}

static void
on_give_up(void *ctx)
{
    cancel_raise(ctx, ERROR_CANCELLED, "no more");
}

static void
a_host_that_stays_away_is_given_up_and_a_cancel_ends_the_wait(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    uint8_t *data = NULL;
    size_t len = 0;
    struct remote_vault *remote = host_fixture_remote(&fixture, 300);
    struct vault_backend backend = remote_vault_backend(remote);
    host_fixture_close_host(&fixture);
    assert_int_equal(backend.vtable->get_object(backend.ctx, OBJECT_FORMAT, "format", &data, &len, &err), -1);
    assert_int_equal(err.kind, ERROR_NETWORK);
    remote_vault_close(remote);

    struct error cancelled = ERROR_INIT;
    remote = host_fixture_remote(&fixture, 600000);
    backend = remote_vault_backend(remote);
    event_loop_post(fixture.host_loop, on_give_up, &fixture.cancel);
    assert_int_equal(backend.vtable->get_object(backend.ctx, OBJECT_FORMAT, "format", &data, &len, &cancelled), -1);
    assert_int_equal(cancelled.kind, ERROR_CANCELLED);
    remote_vault_close(remote);
    host_fixture_open_host(&fixture);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(objects_come_back_and_are_never_overwritten, set_up),
        cmocka_unit_test_setup(a_sources_capability_destroys_nothing, set_up),
        cmocka_unit_test_setup(a_grant_to_lock_is_refused_where_nothing_enforces_it, set_up),
        cmocka_unit_test_setup(another_vault_is_out_of_reach, set_up),
        cmocka_unit_test_setup(each_operation_must_be_granted, set_up),
        cmocka_unit_test_setup(time_limits_hold, set_up),
        cmocka_unit_test_setup(a_grant_is_of_no_use_to_others, set_up),
        cmocka_unit_test_setup(only_the_director_makes_grants, set_up),
        cmocka_unit_test_setup(an_overtaken_writer_is_refused_also_after_a_restart, set_up),
        cmocka_unit_test_setup(the_director_can_raise_a_fence_before_anybody_calls, set_up),
        cmocka_unit_test_setup(a_revoked_node_is_refused_on_an_open_connection_too, set_up),
        cmocka_unit_test_setup(an_attached_repository_can_be_detached_and_come_back, set_up),
        cmocka_unit_test_setup(a_whole_vault_works_over_the_wire, set_up),
        cmocka_unit_test_setup(a_host_that_stays_away_is_given_up_and_a_cancel_ends_the_wait, set_up),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
