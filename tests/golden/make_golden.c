/* make_golden FOLDER: a small vault of the format that this program writes. Run once for each version of the format;
 * what it made is committed as tests/golden/v<version> and never made again. */

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/key_slot.h"
#include "common/vault/catalog_edit.h"
#include "common/vault/point.h"
#include "common/vault/vault.h"
#include "common/vault/vault_format.h"
#include "common/vault/vault_reader.h"
#include "transporter/host/vault_host.h"
#include "transporter/storage/storage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/golden/golden_content.h"

static int
store(struct vault_writer *writer, struct catalog_edit *edit, const struct golden_item *golden, struct error *err)
{
    struct catalog_key_buffer key, parent = { .len = 0 };
    struct catalog_item item = { .kind = golden->kind,
                                 .name = golden->name,
                                 .subject = golden->subject,
                                 .tag = "tag-1",
                                 .created_ms = GOLDEN_TIME,
                                 .modified_ms = GOLDEN_TIME + 1,
                                 .received_ms = GOLDEN_TIME + 2,
                                 .flags = CATALOG_FLAG_READ,
                                 .metadata = (const uint8_t *)GOLDEN_METADATA,
                                 .metadata_len = strlen(GOLDEN_METADATA) };
    CLEANUP(buffer_clear) struct buffer content = BUFFER_INIT(GOLDEN_MAX);
    catalog_key_make(golden->kind, golden->id, strlen(golden->id), &key, err);
    item.key = catalog_key_of(&key);
    if (golden->parent != NULL) {
        catalog_key_make(CATALOG_FOLDER, golden->parent, strlen(golden->parent), &parent, err);
        item.parent = catalog_key_of(&parent);
    }
    if (golden->content != NULL) {
        golden->content(&content);
        enum vault_content type = golden->kind == CATALOG_MESSAGE ? VAULT_MESSAGE : VAULT_FILE;
        if (vault_writer_put(writer, type, content.data, content.len, &item.content, err) != 0)
            return -1;
    }
    item.size = content.len;
    return catalog_edit_put(edit, &item, err);
}

static int
store_filler(struct catalog_edit *edit, unsigned number, struct error *err)
{
    char id[GOLDEN_FILLER_ID_LEN + 1];
    struct catalog_key_buffer key, parent;
    golden_filler_id(number, id);
    if (catalog_key_make(CATALOG_MESSAGE, id, GOLDEN_FILLER_ID_LEN, &key, err) != 0 ||
        catalog_key_make(CATALOG_FOLDER, "inbox", strlen("inbox"), &parent, err) != 0)
        return -1;
    const struct catalog_item item = { .kind = CATALOG_MESSAGE,
                                       .key = catalog_key_of(&key),
                                       .parent = catalog_key_of(&parent),
                                       .subject = id,
                                       .received_ms = GOLDEN_TIME - number };
    return catalog_edit_put(edit, &item, err);
}

static int
fill(struct vault *vault, struct error *err)
{
    CLEANUP(vault_reader_close_p) struct vault_reader *reader = vault_reader_open(vault, 0, err);
    CLEANUP(vault_writer_close_p) struct vault_writer *writer = vault_writer_open(vault, NULL, err);
    struct point point = {
        .header = { .id = GOLDEN_POINT, .scope = GOLDEN_SCOPE, .fence = 7, .created_ms = GOLDEN_TIME },
        .counts = { .items = golden_count(VAULT_FORMAT_NEWEST), .items_new = golden_count(VAULT_FORMAT_NEWEST) }
    };
    if (reader == NULL || writer == NULL)
        return -1;
    struct catalog_edit *edit = catalog_edit_begin(reader, writer, NULL, NULL, err);
    int failed = edit == NULL ? -1 : 0;
    for (size_t i = 0; failed == 0 && i < ARRAY_LEN(golden_items); i++)
        failed = store(writer, edit, &golden_items[i], err);
    for (unsigned i = 0; failed == 0 && i < GOLDEN_FILLERS; i++)
        failed = store_filler(edit, i, err);
    if (failed == 0)
        failed = catalog_edit_commit(edit, &point.catalog, NULL, err);
    if (failed == 0)
        failed = point_commit(vault, writer, &point, GOLDEN_CURSOR, strlen(GOLDEN_CURSOR), err);
    catalog_edit_free(edit);
    return failed;
}

static int
make(const char *folder, struct error *err)
{
    const struct clock *clock = clock_system();
    CLEANUP(memory_free_p)
    char *location = memory_printf("{\"driver\":\"local\",\"create\":true,\"path\":\"%s\"}", folder);
    CLEANUP(memory_free_p) char *state = memory_printf("%s.state", folder);
    CLEANUP(secret_free_p)
    struct secret *password = secret_new(GOLDEN_PASSWORD, strlen(GOLDEN_PASSWORD), err);
    CLEANUP(storage_close_p)
    struct storage *storage = storage_open(location, strlen(location), clock, true, err);
    struct vault_host_options options = { .vault_id = GOLDEN_VAULT, .state_dir = state };
    struct vault_params params = { .password_cost = &key_slot_cost_least };
    struct vault_host *host = storage == NULL ? NULL : vault_host_open(storage, clock, &options, err);
    if (host == NULL)
        return -1;
    struct vault *vault = NULL;
    if (vault_create(vault_host_backend(host), clock, GOLDEN_VAULT, password, &params, err) == 0)
        vault = vault_open(vault_host_backend(host), clock, GOLDEN_VAULT, password, err);
    int failed = vault == NULL ? -1 : fill(vault, err);
    vault_close(vault);
    vault_host_close(host);
    return failed;
}

int
main(int argc, char **argv)
{
    struct error err = ERROR_INIT;
    if (argc != 2) {
        fprintf(stderr, "make_golden FOLDER\n");
        return 64;
    }
    if (make(argv[1], &err) == 0)
        return 0;
    fprintf(stderr, "make_golden: %s\n", err.text);
    return error_kind_exit_code(err.kind);
}
