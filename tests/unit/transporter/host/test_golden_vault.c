#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/vault/catalog_edit.h"
#include "common/vault/point.h"
#include "common/vault/vault.h"
#include "common/vault/vault_reader.h"
#include "common/vault/vault_verify.h"
#include "tests/fakes/fake_backend.h"
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

#include "tests/golden/golden_content.h"

/* Vaults of every released version of the format must be readable for ever. */

#define assert_ok(expression, error)                                                                                   \
    do {                                                                                                               \
        if ((expression) != 0)                                                                                         \
            fail_msg("%s: %s", #expression, (error).text);                                                             \
    } while (0)

struct golden {
    struct scratch_folder scratch;
    struct storage *storage;
    struct vault_host *host;
    struct vault *vault;
    struct vault_reader *reader;
    struct catalog_edit *again; /* receives every item that is met */
    unsigned version, fillers;
    size_t next, met;
};

static void
open_golden(struct golden *g, unsigned version)
{
    struct error err = ERROR_INIT;
    memset(g, 0, sizeof(*g));
    g->version = version;
    scratch_folder_init(&g->scratch);
    CLEANUP(memory_free_p)
    char *location =
        memory_printf("{\"driver\":\"local\",\"path\":\"%s/tests/golden/v%u\"}", LONGHAUL_SOURCE_DIR, version);
    CLEANUP(memory_free_p) char *state = memory_printf("%s/state", g->scratch.path);
    CLEANUP(secret_free_p) struct secret *password = secret_new(GOLDEN_PASSWORD, strlen(GOLDEN_PASSWORD), &err);
    g->storage = storage_open(location, strlen(location), clock_system(), false, &err);
    if (g->storage == NULL)
        fail_msg("%s", err.text);
    struct vault_host_options options = { .vault_id = GOLDEN_VAULT, .state_dir = state };
    g->host = vault_host_open(g->storage, clock_system(), &options, &err);
    if (g->host == NULL)
        fail_msg("%s", err.text);
    g->vault = vault_open(vault_host_backend(g->host), clock_system(), GOLDEN_VAULT, password, &err);
    if (g->vault == NULL)
        fail_msg("%s", err.text);
    g->reader = vault_reader_open(g->vault, 0, &err);
}

static void
close_golden(struct golden *g)
{
    vault_reader_close(g->reader);
    vault_close(g->vault);
    vault_host_close(g->host);
    storage_close(g->storage);
    scratch_folder_clear(&g->scratch);
}

static int
on_point(void *ctx, const char *id, struct error *err)
{
    unsigned *count = ctx;
    (void)err;
    assert_string_equal(id, GOLDEN_POINT);
    ++*count;
    return 0;
}

static void
assert_text(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        assert_true(a == b);
    else
        assert_string_equal(a, b);
}

static void
assert_filler(struct golden *g, const struct catalog_item *item)
{
    char id[GOLDEN_FILLER_ID_LEN + 1];
    golden_filler_id(g->fillers++, id);
    assert_int_equal(item->key.len, 1 + GOLDEN_FILLER_ID_LEN);
    assert_memory_equal(item->key.bytes + 1, id, GOLDEN_FILLER_ID_LEN);
    assert_string_equal(item->subject, id);
}

static int
on_item(void *ctx, const struct catalog_item *item, struct error *err)
{
    struct golden *g = ctx;
    struct catalog_key_buffer key;
    CLEANUP(buffer_clear) struct buffer wanted = BUFFER_INIT(GOLDEN_MAX);
    assert_ok(catalog_edit_put(g->again, item, err), *err);
    if (item->subject != NULL && strncmp(item->subject, "filler-", 7) == 0) {
        assert_filler(g, item);
        return 0;
    }
    g->next = golden_next(g->next, g->version);
    assert_true(g->next < ARRAY_LEN(golden_items));
    const struct golden_item *golden = &golden_items[g->next++];
    g->met++;
    catalog_key_make(golden->kind, golden->id, strlen(golden->id), &key, err);
    assert_true(catalog_key_equal(item->key, catalog_key_of(&key)));
    assert_int_equal(item->parent.len > 0, golden->parent != NULL);
    assert_text(item->name, golden->name);
    assert_text(item->subject, golden->subject);
    assert_text(item->tag, "tag-1");
    assert_int_equal(item->created_ms, GOLDEN_TIME);
    assert_int_equal(item->modified_ms, GOLDEN_TIME + 1);
    assert_int_equal(item->received_ms, GOLDEN_TIME + 2);
    assert_int_equal(item->flags, CATALOG_FLAG_READ);
    assert_int_equal(item->metadata_len, strlen(GOLDEN_METADATA));
    assert_memory_equal(item->metadata, GOLDEN_METADATA, item->metadata_len);
    if (golden->content == NULL) {
        assert_int_equal(item->content.form, CONTENT_NONE);
        return 0;
    }
    CLEANUP(memory_free_p) uint8_t *data = NULL;
    size_t len = 0;
    golden->content(&wanted);
    assert_ok(vault_reader_get(g->reader, &item->content, GOLDEN_MAX, &data, &len, err), *err);
    assert_int_equal(len, wanted.len);
    assert_int_equal(item->size, len);
    if (len > 0)
        assert_memory_equal(data, wanted.data, len);
    return 0;
}

/* Every item as it was; and the same items written by this program under the same keys have the same roots. */
static void
walk_golden(struct golden *g, const struct catalog_root *root)
{
    struct error err = ERROR_INIT;
    struct catalog_root again;
    struct fake_backend *fake = fake_backend_new();
    struct vault *empty = vault_share(g->vault, fake_backend_of(fake));
    struct vault_reader *walker = vault_reader_open(g->vault, 0, &err), *reader = vault_reader_open(empty, 0, &err);
    struct vault_writer *writer = vault_writer_open(empty, NULL, &err);
    struct catalog *catalog = catalog_open(walker, root);
    g->again = catalog_edit_begin(reader, writer, NULL, NULL, &err);
    assert_ok(catalog_walk(catalog, (struct catalog_key){ NULL, 0 }, on_item, g, &err), err);
    assert_int_equal(g->met + g->fillers, golden_count(g->version));
    assert_int_equal(g->fillers, golden_fillers(g->version));
    assert_ok(catalog_edit_commit(g->again, &again, NULL, &err), err);
    assert_memory_equal(&again.items.id, &root->items.id, CHUNK_ID_LEN);
    assert_memory_equal(&again.children.id, &root->children.id, CHUNK_ID_LEN);
    assert_true(g->version < 3 || (root->items.height >= 3 && root->children.height >= 3));
    catalog_edit_free(g->again);
    catalog_close(catalog);
    vault_writer_close(writer);
    vault_reader_close(reader);
    vault_reader_close(walker);
    vault_close(empty);
    fake_backend_free(fake);
}

static void
read_golden(unsigned version)
{
    struct golden g;
    struct error err = ERROR_INIT;
    struct point point;
    struct vault_verify_result result;
    struct vault_verify_options options = { .data = true };
    unsigned points = 0;
    open_golden(&g, version);
    assert_ok(point_list(g.vault, on_point, &points, &err), err);
    assert_int_equal(points, 1);
    assert_ok(point_read(g.vault, GOLDEN_POINT, &point, &err), err);
    assert_string_equal(point.header.scope, GOLDEN_SCOPE);
    assert_int_equal(point.header.fence, 7);
    assert_int_equal(point.header.created_ms, GOLDEN_TIME);
    assert_int_equal(point.counts.items, golden_count(g.version));
    CLEANUP(memory_free_p) uint8_t *cursor = NULL;
    size_t len;
    assert_ok(point_read_cursor(g.reader, &point, &cursor, &len, &err), err);
    assert_int_equal(len, strlen(GOLDEN_CURSOR));
    assert_memory_equal(cursor, GOLDEN_CURSOR, len);
    walk_golden(&g, &point.catalog);
    assert_ok(vault_verify(g.vault, NULL, 0, &options, &result, &err), err);
    assert_int_equal(result.damaged, 0);
    assert_int_equal(result.items, golden_count(g.version));
    close_golden(&g);
}

static void
version_1_is_read(void **state)
{
    (void)state;
    read_golden(1);
}

static void
version_2_is_read(void **state)
{
    (void)state;
    read_golden(2);
}

static void
version_3_is_read(void **state)
{
    (void)state;
    read_golden(3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_1_is_read),
        cmocka_unit_test(version_2_is_read),
        cmocka_unit_test(version_3_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
