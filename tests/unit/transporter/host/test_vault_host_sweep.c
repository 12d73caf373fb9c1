#include "transporter/host/vault_host_sweep.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/key_slot.h"
#include "common/vault/catalog_edit.h"
#include "common/vault/point.h"
#include "common/vault/retire_journal.h"
#include "common/vault/vault.h"
#include "common/vault/vault_reader.h"
#include "common/vault/vault_sweep.h"
#include "common/vault/vault_verify.h"
#include "common/vault/vault_writer.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/scratch_folder.h"
#include "transporter/host/vault_host.h"
#include "transporter/storage/storage.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define assert_ok(expression, error)                                                                                   \
    do {                                                                                                               \
        if ((expression) != 0)                                                                                         \
            fail_msg("%s: %s", #expression, (error).text);                                                             \
    } while (0)

#define DAY   ((uint64_t)24 * 3600 * 1000)
#define BYTES ((size_t)300 << 10)

struct world {
    struct scratch_folder folder;
    struct fake_clock clock;
    struct storage *storage;
    struct vault_host *host;
    struct vault *vault;
    struct secret *password;
};

static void
open_host(struct world *w)
{
    struct error err = ERROR_INIT;
    char state[5000];
    snprintf(state, sizeof(state), "%s/state", w->folder.path);
    struct vault_host_options options = { .vault_id = "vault-s", .state_dir = state };
    w->host = vault_host_open(w->storage, &w->clock.clock, &options, &err);
    if (w->host == NULL)
        fail_msg("%s", err.text);
}

static void
open_vault(struct world *w)
{
    struct error err = ERROR_INIT;
    open_host(w);
    w->vault = vault_open(vault_host_backend(w->host), &w->clock.clock, "vault-s", w->password, &err);
    if (w->vault == NULL)
        fail_msg("%s", err.text);
}

static void
close_vault(struct world *w)
{
    vault_close(w->vault);
    vault_host_close(w->host);
}

static int
setup(void **state)
{
    struct error err = ERROR_INIT;
    struct world *w = MEMORY_NEW(struct world);
    char location[6000];
    scratch_folder_init(&w->folder);
    log_setup(2, LOG_ERROR);
    fake_clock_init(&w->clock, 7);
    /* The storage stamps with the machine's clock: everything there looks two days old. */
    w->clock.wall_ms = clock_wall_ms(clock_system()) + (int64_t)(2 * DAY);
    w->password = secret_new("correct horse", 13, NULL);
    int n = snprintf(location, sizeof(location), "{\"driver\":\"local\",\"create\":true,\"path\":\"%s/store\"}",
                     w->folder.path);
    w->storage = storage_open(location, (size_t)n, &w->clock.clock, true, &err);
    assert_non_null(w->storage);
    open_host(w);
    struct vault_params params = { .password_cost = &key_slot_cost_least };
    assert_ok(vault_create(vault_host_backend(w->host), &w->clock.clock, "vault-s", w->password, &params, &err), err);
    vault_host_close(w->host);
    open_vault(w);
    *state = w;
    return 0;
}

static int
teardown(void **state)
{
    struct world *w = *state;
    close_vault(w);
    storage_close(w->storage);
    secret_free(w->password);
    scratch_folder_clear(&w->folder);
    free(w);
    return 0;
}

/* Incompressible bytes that follow from the letter. */
static void
fill(uint8_t *bytes, char letter)
{
    uint64_t x = (uint64_t)letter * 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < BYTES; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        bytes[i] = (uint8_t)(x >> 32);
    }
}

/* A point with an item for each letter. ERROR_NONE, or why the commit was refused. */
static int
commit(struct world *w, const char *id, const char *letters, uint64_t epoch, struct error *err)
{
    struct error bad = ERROR_INIT;
    struct vault_reader *reader = vault_reader_open(w->vault, 0, &bad);
    struct vault_writer *writer = vault_writer_open(w->vault, NULL, &bad);
    struct catalog_edit *edit = catalog_edit_begin(reader, writer, NULL, NULL, &bad);
    struct point point = { .header = { .scope = "object-1", .fence = 1 }, .epoch = epoch };
    uint8_t *bytes = malloc(BYTES);
    snprintf(point.header.id, sizeof(point.header.id), "%s", id);
    if (epoch == 0)
        assert_ok(vault_begin(w->vault, &point.epoch, &bad), bad);
    for (const char *letter = letters; *letter != '\0'; letter++) {
        struct catalog_key_buffer key;
        fill(bytes, *letter);
        assert_ok(catalog_key_make(CATALOG_FILE, letter, 1, &key, &bad), bad);
        struct catalog_item item = { .kind = CATALOG_FILE, .key = catalog_key_of(&key), .name = "file", .size = BYTES };
        assert_ok(vault_writer_put(writer, VAULT_FILE, bytes, BYTES, &item.content, &bad), bad);
        assert_ok(catalog_edit_put(edit, &item, &bad), bad);
    }
    assert_ok(catalog_edit_commit(edit, &point.catalog, NULL, &bad), bad);
    int failed = point_commit(w->vault, writer, &point, "cursor", 6, err);
    free(bytes);
    catalog_edit_free(edit);
    vault_writer_close(writer);
    vault_reader_close(reader);
    return failed;
}

static void
must_commit(struct world *w, const char *id, const char *letters)
{
    struct error err = ERROR_INIT;
    assert_ok(commit(w, id, letters, 0, &err), err);
}

static int
wait_settled(void *ctx, uint64_t ms, struct error *err)
{
    struct world *w = ctx;
    (void)err;
    fake_clock_advance(&w->clock, ms);
    return 0;
}

static struct vault_sweep_result
sweep(struct world *w, const char *expire)
{
    struct error err = ERROR_INIT;
    struct vault_sweep_result result;
    struct vault_sweep_options options = { .expire = &expire,
                                           .expire_count = expire == NULL ? 0 : 1,
                                           .undo_ms = VAULT_SWEEP_UNDO_MS,
                                           .young_ms = VAULT_SWEEP_YOUNG_MS,
                                           .dead_permille = VAULT_SWEEP_DEAD,
                                           .ctx = w,
                                           .wait = wait_settled };
    assert_ok(vault_sweep(w->vault, &options, &result, &err), err);
    return result;
}

static uint64_t
damage_of(struct world *w, uint64_t *points)
{
    struct error err = ERROR_INIT;
    struct vault_verify_options options = { .data = true };
    struct vault_verify_result result;
    assert_ok(vault_verify(w->vault, NULL, 0, &options, &result, &err), err);
    *points = result.points;
    return result.damaged;
}

static void
assert_whole(struct world *w, uint64_t expected)
{
    uint64_t points = 0;
    assert_int_equal(damage_of(w, &points), 0);
    assert_int_equal(points, expected);
}

static bool
exists(struct world *w, const char *id, bool retired)
{
    struct error err = ERROR_INIT;
    struct point point;
    int failed = retired ? point_read_retired(w->vault, id, &point, &err) : point_read(w->vault, id, &point, &err);
    if (failed != 0)
        assert_int_equal(err.kind, ERROR_NOT_FOUND);
    return failed == 0;
}

static void
test_expires_rewrites_and_removes(void **state)
{
    struct world *w = *state;
    must_commit(w, "point-1", "abcd");
    must_commit(w, "point-2", "de");
    must_commit(w, "point-3", "f");
    struct vault_sweep_result result = sweep(w, "point-1");
    assert_int_equal(result.points_live, 2);
    assert_int_equal(result.points_retired, 1);
    assert_int_equal(result.packs_rewritten, 1);
    assert_int_equal(result.packs_retired, 1);
    assert_in_range(result.bytes_rewritten, BYTES, BYTES * 3 / 2);
    assert_int_equal(result.bytes_freed, 0);
    assert_int_equal(result.bytes_waiting, result.bytes_retired);
    assert_false(exists(w, "point-1", false));
    assert_true(exists(w, "point-1", true));
    assert_whole(w, 2);
    fake_clock_advance(&w->clock, 6 * DAY);
    result = sweep(w, NULL);
    assert_int_equal(result.points_removed + result.packs_removed + result.packs_retired, 0);
    fake_clock_advance(&w->clock, DAY + 1);
    result = sweep(w, NULL);
    assert_int_equal(result.points_removed, 1);
    assert_int_equal(result.packs_removed, 1);
    assert_in_range(result.bytes_freed, BYTES * 4, BYTES * 5);
    assert_int_equal(result.bytes_waiting, 0);
    assert_false(exists(w, "point-1", true));
    assert_whole(w, 2);
    close_vault(w);
    open_vault(w);
    assert_whole(w, 2);
    /* Nothing is left of the record but that it was. */
    result = sweep(w, NULL);
    assert_int_equal(result.packs_retired + result.packs_removed + result.points_removed, 0);
}

static void
test_undo_brings_points_and_packs_back(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    uint64_t points = 0;
    must_commit(w, "point-1", "abc");
    must_commit(w, "point-2", "x");
    struct vault_sweep_result result = sweep(w, "point-1");
    assert_int_equal(result.packs_retired, 1);
    assert_ok(vault_sweep_undo(w->vault, result.first_epoch, &points, &err), err);
    assert_int_equal(points, 1);
    assert_whole(w, 2);
    close_vault(w);
    open_vault(w);
    assert_whole(w, 2);
    fake_clock_advance(&w->clock, 30 * DAY);
    result = sweep(w, NULL);
    assert_int_equal(result.packs_removed + result.points_removed + result.packs_kept, 0);
    assert_whole(w, 2);
    assert_int_equal(vault_sweep_undo(w->vault, 1, &points, &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    error_clear(&err);
    /* Nothing was closed for it: a run from before commits. */
    assert_ok(commit(w, "point-3", "abc", 1, &err), err);
}

static void
test_a_run_of_an_old_epoch_commits_in_time_or_not_at_all(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    must_commit(w, "point-1", "abc");
    uint64_t epoch;
    assert_ok(vault_begin(w->vault, &epoch, &err), err);
    assert_int_equal(epoch, 1);
    /* Two runs have found a, b and c in the vault; then everything there is retired. */
    sweep(w, "point-1");
    assert_ok(commit(w, "point-2", "abc", epoch, &err), err);
    assert_whole(w, 1);
    fake_clock_advance(&w->clock, 8 * DAY);
    sweep(w, NULL);
    assert_whole(w, 1);
    assert_int_equal(commit(w, "point-3", "abc", epoch, &err), -1);
    assert_int_equal(err.kind, ERROR_CONFLICT);
    error_clear(&err);
    assert_ok(commit(w, "point-3", "abc", 0, &err), err);
    assert_whole(w, 2);
}

/* A point that goes on from a retired one is what keeps its packs. */
static void
test_what_is_needed_again_is_kept(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    struct point base, next;
    uint64_t epoch;
    must_commit(w, "point-1", "abc");
    assert_ok(vault_begin(w->vault, &epoch, &err), err);
    assert_ok(point_read(w->vault, "point-1", &base, &err), err);
    struct vault_sweep_result result = sweep(w, "point-1");
    assert_int_equal(result.packs_retired, 1);
    next = base;
    next.epoch = epoch;
    snprintf(next.header.id, sizeof(next.header.id), "point-2");
    struct vault_writer *writer = vault_writer_open(w->vault, NULL, &err);
    assert_ok(point_commit(w->vault, writer, &next, "cursor", 6, &err), err);
    vault_writer_close(writer);
    assert_whole(w, 1);
    fake_clock_advance(&w->clock, 8 * DAY);
    result = sweep(w, NULL);
    assert_int_equal(result.packs_kept, 1);
    assert_int_equal(result.packs_removed, 0);
    assert_int_equal(result.points_removed, 1);
    assert_int_equal(result.bytes_waiting, 0);
    assert_whole(w, 1);
    close_vault(w);
    open_vault(w);
    assert_whole(w, 1);
}

/* Brings back what the sweep that waits has just retired. */
static int
undo_while_waiting(void *ctx, uint64_t ms, struct error *err)
{
    struct world *w = ctx;
    uint64_t points = 0;
    (void)vault_sweep_undo(w->vault, 2, &points, NULL);
    return wait_settled(ctx, ms, err);
}

static void
test_what_is_brought_back_while_its_sweep_waits_is_kept(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    struct vault_sweep_result result;
    const char *expire = "point-2";
    uint64_t epoch;
    struct vault_sweep_options options = { .expire = &expire,
                                           .expire_count = 1,
                                           .undo_ms = VAULT_SWEEP_UNDO_MS,
                                           .dead_permille = VAULT_SWEEP_DEAD,
                                           .ctx = w,
                                           .wait = undo_while_waiting };
    must_commit(w, "point-1", "abc");
    assert_ok(vault_begin(w->vault, &epoch, &err), err);
    struct point base, next;
    assert_ok(point_read(w->vault, "point-1", &base, &err), err);
    sweep(w, "point-1");
    /* Needs only what record 1 names. */
    next = base;
    next.epoch = epoch;
    snprintf(next.header.id, sizeof(next.header.id), "point-2");
    struct vault_writer *writer = vault_writer_open(w->vault, NULL, &err);
    assert_ok(point_commit(w->vault, writer, &next, "cursor", 6, &err), err);
    vault_writer_close(writer);
    fake_clock_advance(&w->clock, 8 * DAY);
    assert_ok(vault_sweep(w->vault, &options, &result, &err), err);
    assert_int_equal(result.points_retired, 1);
    assert_true(exists(w, "point-2", false));
    assert_whole(w, 1);
}

static void
test_a_clock_that_jumps_shortens_nothing(void **state)
{
    struct world *w = *state;
    must_commit(w, "point-1", "abc");
    must_commit(w, "point-2", "x");
    sweep(w, "point-1");
    w->clock.wall_ms += (int64_t)(400 * DAY);
    struct vault_sweep_result result = sweep(w, NULL);
    assert_int_equal(result.packs_removed + result.points_removed, 0);
    /* Watching goes on over a restart, without the time in between. */
    fake_clock_advance(&w->clock, 5 * DAY);
    sweep(w, NULL);
    close_vault(w);
    w->clock.monotonic_ms = 17;
    open_vault(w);
    fake_clock_advance(&w->clock, DAY);
    result = sweep(w, NULL);
    assert_int_equal(result.packs_removed, 0);
    fake_clock_advance(&w->clock, DAY);
    result = sweep(w, NULL);
    assert_int_equal(result.packs_removed, 1);
    assert_whole(w, 1);
}

static void
test_a_forged_record_is_told(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    struct vault_sweep_result result;
    struct vault_sweep_options options = { .undo_ms = DAY, .dead_permille = VAULT_SWEEP_DEAD };
    must_commit(w, "point-1", "abc");
    struct retire_object record = {
        .kind = RETIRE_RECORD, .epoch = 1, .points = malloc(sizeof(*record.points)), .point_count = 1
    };
    CLEANUP(buffer_clear) struct buffer bytes = BUFFER_INIT(OBJECT_MAX_BYTES);
    snprintf(record.points[0].id, IDENTIFIER_LEN, "point-1");
    assert_ok(retire_object_encode(w->vault, &record, &bytes, &err), err);
    retire_object_clear(&record);
    bytes.data[bytes.len - 1] ^= 1;
    assert_ok(storage_put(w->storage, "vault-s/retire/retire-0000000000000001", bytes.data, bytes.len, 0, &err), err);
    close_vault(w);
    open_vault(w);
    assert_int_equal(vault_sweep(w->vault, &options, &result, &err), -1);
    assert_int_equal(err.kind, ERROR_CORRUPT);
    assert_non_null(strstr(err.text, "retire-0000000000000001"));
    /* It hides, and that is all it does: without it everything is there. */
    assert_int_equal(storage_remove(w->storage, "vault-s/retire/retire-0000000000000001", NULL), 0);
    close_vault(w);
    open_vault(w);
    assert_whole(w, 1);
}

static void
test_what_cannot_be_read_ends_the_sweep(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    struct vault_sweep_result result;
    const char *expire = "point-2";
    struct vault_sweep_options options = { .expire = &expire, .expire_count = 1, .dead_permille = VAULT_SWEEP_DEAD };
    must_commit(w, "point-1", "abc");
    must_commit(w, "point-2", "x");
    assert_ok(storage_put(w->storage, "vault-s/points/point-3", "rubbish", 7, 0, &err), err);
    assert_int_equal(vault_sweep(w->vault, &options, &result, &err), -1);
    assert_int_equal(err.kind, ERROR_FORMAT);
    assert_true(exists(w, "point-2", false));
    assert_int_equal(storage_remove(w->storage, "vault-s/points/point-3", NULL), 0);
    expire = "point-9";
    error_clear(&err);
    assert_int_equal(vault_sweep(w->vault, &options, &result, &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_whole(w, 2);
}

static void
test_an_older_session_is_over(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    struct vault_sweep_session first, second;
    uint8_t states[1];
    struct chunk_id id = { { 0 } };
    struct vault_marks marks = { 1, VAULT_MARK_DATA, &id, 1 };
    must_commit(w, "point-1", "abc");
    assert_ok(vault_host_sweep_begin(w->host, &first, &err), err);
    assert_ok(vault_host_sweep_mark(w->host, first.id, &marks, states, &err), err);
    assert_int_equal(states[0], VAULT_MARK_MISSING);
    assert_ok(vault_host_sweep_begin(w->host, &second, &err), err);
    assert_int_equal(vault_host_sweep_mark(w->host, first.id, &marks, states, &err), -1);
    assert_int_equal(err.kind, ERROR_FENCED);
}

/* Who holds the key and errs: says that nothing is needed, and wants everything removed at once. */
static void
test_the_host_refuses_what_the_rules_forbid(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    struct vault_sweep_session session;
    uint64_t epoch;
    must_commit(w, "point-1", "abc");
    struct vault_sweep_result result = sweep(w, "point-1");
    assert_int_equal(result.packs_retired, 1);
    struct retire_object close = { .kind = RETIRE_CLOSE, .epoch = 1 };
    CLEANUP(buffer_clear) struct buffer bytes = BUFFER_INIT(OBJECT_MAX_BYTES);
    assert_ok(retire_object_encode(w->vault, &close, &bytes, &err), err);
    assert_ok(vault_host_sweep_begin(w->host, &session, &err), err);
    assert_int_equal(session.may_close, 0);
    const char *name = "point-1";
    struct vault_removal removal;
    assert_int_equal(vault_host_sweep_remove_points(w->host, session.id, 1, &name, 1, &removal, &err), -1);
    assert_int_equal(err.kind, ERROR_CONFLICT);
    error_clear(&err);
    assert_int_equal(vault_host_sweep_journal(w->host, session.id, bytes.data, bytes.len, &epoch, &err), -1);
    assert_int_equal(err.kind, ERROR_CONFLICT);
    error_clear(&err);
    /* After the undo time it may be closed, but what it names goes only after the settling time. */
    fake_clock_advance(&w->clock, 8 * DAY);
    assert_ok(vault_host_sweep_begin(w->host, &session, &err), err);
    assert_int_equal(session.may_close, 1);
    assert_ok(vault_host_sweep_journal(w->host, session.id, bytes.data, bytes.len, &epoch, &err), err);
    assert_int_equal(vault_host_sweep_remove_points(w->host, session.id, 1, &name, 1, &removal, &err), -1);
    error_clear(&err);
    assert_ok(vault_host_sweep_begin(w->host, &session, &err), err);
    assert_int_equal(session.may_remove, 0);
    assert_int_equal(session.settle_ms, VAULT_HOST_SETTLE_MS);
    assert_int_equal(vault_host_sweep_remove_points(w->host, session.id, 1, &name, 1, &removal, &err), -1);
    error_clear(&err);
    fake_clock_advance(&w->clock, VAULT_HOST_SETTLE_MS);
    assert_ok(vault_host_sweep_begin(w->host, &session, &err), err);
    const char *other = "point-2";
    assert_int_equal(vault_host_sweep_remove_points(w->host, session.id, 1, &other, 1, &removal, &err), -1);
    error_clear(&err);
    assert_ok(vault_host_sweep_remove_points(w->host, session.id, 1, &name, 1, &removal, &err), err);
    assert_int_equal(removal.removed, 1);
}

static void
test_removed_at_once_when_nothing_is_to_be_undone(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    struct vault_sweep_result result;
    const char *expire = "point-1";
    struct vault_sweep_options options = {
        .expire = &expire, .expire_count = 1, .dead_permille = VAULT_SWEEP_DEAD, .ctx = w, .wait = wait_settled
    };
    must_commit(w, "point-1", "abc");
    must_commit(w, "point-2", "cd");
    options.dry_run = true;
    assert_ok(vault_sweep(w->vault, &options, &result, &err), err);
    assert_int_equal(result.points_retired, 1);
    assert_int_equal(result.packs_retired, 1);
    assert_whole(w, 2);
    options.dry_run = false;
    assert_ok(vault_sweep(w->vault, &options, &result, &err), err);
    assert_int_equal(result.points_removed, 1);
    assert_int_equal(result.packs_removed, 1);
    assert_whole(w, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_expires_rewrites_and_removes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_undo_brings_points_and_packs_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_run_of_an_old_epoch_commits_in_time_or_not_at_all, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_needed_again_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_brought_back_while_its_sweep_waits_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_clock_that_jumps_shortens_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_forged_record_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_read_ends_the_sweep, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_older_session_is_over, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_host_refuses_what_the_rules_forbid, setup, teardown),
        cmocka_unit_test_setup_teardown(test_removed_at_once_when_nothing_is_to_be_undone, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
