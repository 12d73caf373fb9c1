#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/key_slot.h"
#include "common/vault/catalog_edit.h"
#include "common/vault/point.h"
#include "common/vault/vault.h"
#include "common/vault/vault_reader.h"
#include "common/vault/vault_sweep.h"
#include "common/vault/vault_verify.h"
#include "common/vault/vault_writer.h"
#include "tests/fakes/scratch_folder.h"
#include "tests/fakes/torn_storage.h"
#include "transporter/host/vault_host.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How often a vault asks its storage for a listing, which costs money and time where there are millions of objects. */

#define assert_ok(expression, error)                                                                                   \
    do {                                                                                                               \
        if ((expression) != 0)                                                                                         \
            fail_msg("%s: %s", #expression, (error).text);                                                             \
    } while (0)

#define ITEMS         20
#define DAY           ((uint64_t)86400000)
#define LISTS_TO_OPEN 5
#define SWEEP_LISTS   3
#define BYTES         ((size_t)30000)

struct world {
    struct scratch_folder folder;
    struct torn_storage *torn;
    struct storage *storage;
    struct vault_host *host;
    struct vault *vault;
    struct secret *password;
};

static void
open_vault(struct world *w, bool create)
{
    struct error err = ERROR_INIT;
    struct vault_params params = { .password_cost = &key_slot_cost_least };
    struct vault_host_options options = { .vault_id = "vault-l", .state_dir = w->folder.path };
    w->storage = torn_storage_open(w->torn);
    w->host = vault_host_open(w->storage, clock_system(), &options, &err);
    if (w->host == NULL)
        fail_msg("%s", err.text);
    struct vault_backend backend = vault_host_backend(w->host);
    if (create)
        assert_ok(vault_create(backend, clock_system(), "vault-l", w->password, &params, &err), err);
    w->vault = vault_open(backend, clock_system(), "vault-l", w->password, &err);
    if (w->vault == NULL)
        fail_msg("%s", err.text);
}

static void
close_vault(struct world *w)
{
    vault_close(w->vault);
    vault_host_close(w->host);
    storage_close(w->storage);
}

static void
fill(uint8_t *bytes, uint64_t seed)
{
    for (size_t i = 0; i < BYTES; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        bytes[i] = (uint8_t)(seed >> 40);
    }
}

/* The items whose number is below changed, on top of the point before. */
static void
back_up(struct world *w, const char *id, const char *previous, unsigned changed)
{
    struct error err = ERROR_INIT;
    struct point base, point = { .header = { .scope = "object-1", .fence = 1 } };
    struct vault_writer_options options = { .pack_bytes = 64 << 10 };
    struct vault_reader *reader = vault_reader_open(w->vault, 0, &err);
    struct vault_writer *writer = vault_writer_open(w->vault, &options, &err);
    uint8_t *bytes = memory_new(BYTES);
    memset(&base, 0, sizeof(base));
    assert_ok(vault_begin(w->vault, &point.epoch, &err), err);
    if (previous != NULL)
        assert_ok(point_read(w->vault, previous, &base, &err), err);
    struct catalog_edit *edit = catalog_edit_begin(reader, writer, &base.catalog, NULL, &err);
    for (unsigned i = 0; i < changed; i++) {
        struct catalog_key_buffer key;
        struct catalog_item item = { .kind = CATALOG_FILE, .name = "file", .size = BYTES };
        assert_ok(catalog_key_make(CATALOG_FILE, &i, sizeof(i), &key, &err), err);
        item.key = catalog_key_of(&key);
        fill(bytes, i * 100 + changed);
        assert_ok(vault_writer_put(writer, VAULT_FILE, bytes, BYTES, &item.content, &err), err);
        assert_ok(catalog_edit_put(edit, &item, &err), err);
    }
    snprintf(point.header.id, sizeof(point.header.id), "%s", id);
    assert_ok(catalog_edit_commit(edit, &point.catalog, NULL, &err), err);
    assert_ok(point_commit(w->vault, writer, &point, "cursor", 6, &err), err);
    free(bytes);
    catalog_edit_free(edit);
    vault_writer_close(writer);
    vault_reader_close(reader);
}

static int
read_item(void *ctx, const struct catalog_item *item, struct error *err)
{
    uint8_t *data = NULL;
    size_t len = 0;
    assert_ok(vault_reader_get(ctx, &item->content, BYTES, &data, &len, err), *err);
    assert_int_equal(len, BYTES);
    free(data);
    return 0;
}

static void
restore(struct world *w, const char *id)
{
    struct error err = ERROR_INIT;
    struct point point;
    struct vault_reader *reader = vault_reader_open(w->vault, 0, &err), *other = vault_reader_open(w->vault, 0, &err);
    assert_ok(point_read(w->vault, id, &point, &err), err);
    struct catalog *catalog = catalog_open(reader, &point.catalog);
    assert_ok(catalog_walk(catalog, (struct catalog_key){ NULL, 0 }, read_item, other, &err), err);
    catalog_close(catalog);
    vault_reader_close(other);
    vault_reader_close(reader);
}

static void
verify(struct world *w, const char *id)
{
    struct error err = ERROR_INIT;
    struct vault_verify_options options = { .data = true };
    struct vault_verify_result result;
    assert_ok(vault_verify(w->vault, &id, 1, &options, &result, &err), err);
    assert_int_equal(result.damaged, 0);
    assert_int_equal(result.items, ITEMS);
}

/* As each run does. */
static void
reopen_with_password(struct world *w)
{
    struct error err = ERROR_INIT;
    vault_close(w->vault);
    w->vault = vault_open(vault_host_backend(w->host), clock_system(), "vault-l", w->password, &err);
    if (w->vault == NULL)
        fail_msg("%s", err.text);
}

static void
sweep(struct world *w, const char *expire)
{
    struct error err = ERROR_INIT;
    struct vault_sweep_result result;
    struct vault_sweep_options options = { .expire = &expire, .expire_count = 1, .undo_ms = DAY, .dead_permille = 300 };
    assert_ok(vault_sweep(w->vault, &options, &result, &err), err);
    assert_int_equal(result.points_retired, 1);
}

/* FORMAT.md, "Listings", has these numbers. */
static void
a_run_and_a_restore_list_nothing(void **state)
{
    struct error err = ERROR_INIT;
    struct world w = { .torn = torn_storage_new(clock_system(), 0), .password = secret_new("correct horse", 13, &err) };
    (void)state;
    scratch_folder_init(&w.folder);
    open_vault(&w, true);
    back_up(&w, "point-1", NULL, ITEMS);
    close_vault(&w);
    open_vault(&w, false);
    struct storage_counters *now = &w.storage->counters;
    assert_int_equal(now->lists, LISTS_TO_OPEN);
    uint64_t puts = now->puts;
    for (unsigned run = 0; run < 3; run++) {
        char id[16], previous[16];
        snprintf(previous, sizeof(previous), "point-%u", run + 1);
        snprintf(id, sizeof(id), "point-%u", run + 2);
        reopen_with_password(&w);
        back_up(&w, id, previous, 3 + run);
        restore(&w, id);
        restore(&w, "point-1");
    }
    assert_true(now->puts >= puts + 9);
    assert_int_equal(now->lists, LISTS_TO_OPEN);
    /* What is really there is the question here. */
    verify(&w, "point-4");
    assert_int_equal(now->lists, LISTS_TO_OPEN + 1);
    sweep(&w, "point-1");
    assert_int_equal(now->lists, LISTS_TO_OPEN + 1 + SWEEP_LISTS);
    close_vault(&w);
    torn_storage_free(w.torn);
    secret_free(w.password);
    scratch_folder_clear(&w.folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_run_and_a_restore_list_nothing) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
