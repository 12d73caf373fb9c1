/* The catalog at growing sizes: what an incremental of 100 changes reads and writes, how long a folder's listing and a
 * search take.
 *
 *   bench_catalog FOLDER ITEMS...      such as: bench_catalog /tmp/catalog 1000 1000000
 *
 * Items are messages with ids like Exchange's (a common beginning, a counter near the end) in folders of 1,000.
 * "arrive": 100 new messages in one folder. "scattered": 100 messages anywhere change. Reads and writes are bytes of
 * the vault after compression, counted by the reader and the writer. */

#include "common/base/clock.h"
#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/vault/catalog_edit.h"
#include "common/vault/catalog_search.h"
#include "common/vault/vault.h"
#include "common/vault/vault_reader_internal.h"
#include "common/vault/vault_writer.h"
#include "transporter/host/vault_host.h"
#include "transporter/storage/storage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define VAULT_ID   "vault-bench"
#define PER_FOLDER 1000
#define CHANGES    100

static void
check(int failed, const struct error *err)
{
    if (failed != 0) {
        fprintf(stderr, "bench_catalog: %s (%s)\n", err->text, error_kind_name(err->kind));
        exit(1);
    }
}

struct bench {
    struct storage *storage;
    struct vault_host *host;
    struct vault *vault;
};

static void
bench_open(struct bench *bench, const char *path)
{
    struct error err = ERROR_INIT;
    const struct clock *clock = clock_system();
    CLEANUP(memory_free_p) char *location = memory_printf("{\"driver\":\"local\",\"path\":\"%s\"}", path);
    CLEANUP(memory_free_p) char *state = memory_printf("%s.state", path);
    CLEANUP(secret_free_p) struct secret *password = secret_new("bench", 5, &err);
    struct vault_host_options options = { .vault_id = VAULT_ID, .state_dir = state };
    bench->storage = storage_open(location, strlen(location), clock, true, &err);
    check(bench->storage == NULL, &err);
    bench->host = vault_host_open(bench->storage, clock, &options, &err);
    check(bench->host == NULL, &err);
    struct vault_backend backend = vault_host_backend(bench->host);
    check(vault_create(backend, clock, VAULT_ID, password, NULL, &err), &err);
    bench->vault = vault_open(backend, clock, VAULT_ID, password, &err);
    check(bench->vault == NULL, &err);
}

static void
bench_close(struct bench *bench)
{
    vault_close(bench->vault);
    vault_host_close(bench->host);
    storage_close(bench->storage);
}

static struct catalog_key
key_of(enum catalog_kind kind, uint64_t number, struct catalog_key_buffer *out)
{
    char id[160];

    int n = snprintf(id, sizeof(id), "AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0AcR%08llx%012llxAAAA",
                     (unsigned long long)(number / PER_FOLDER), (unsigned long long)number);

    check(catalog_key_make(kind, id, (size_t)n, out, NULL), NULL);
    return catalog_key_of(out);
}

static void
put_message(struct catalog_edit *edit, uint64_t number, uint64_t folder, unsigned version)
{
    static const char *const words[] = { "budget", "meeting", "review", "contract", "lunch", "release", "invoice" };
    struct error err = ERROR_INIT;
    struct catalog_key_buffer key, parent;
    char subject[128], from[96], tag[48], metadata[320];
    uint64_t mixed = (number + 1) * 0x9E3779B97F4A7C15u;
    snprintf(subject, sizeof(subject), "RE: %s %s %llu", words[mixed % 7], words[mixed / 7 % 7],
             (unsigned long long)(mixed >> 44));
    snprintf(from, sizeof(from), "Person %llu <person.%llu@contoso.example>", (unsigned long long)(mixed >> 52),
             (unsigned long long)(mixed >> 52));
    snprintf(tag, sizeof(tag), "CQAAABYAAAB%016llx%u", (unsigned long long)mixed, version);
    int metadata_len =
        snprintf(metadata, sizeof(metadata),
                 "{\"internetMessageId\":\"<%016llx@contoso.example>\",\"toRecipients\":[\"a%llu@contoso.example\"],"
                 "\"importance\":\"normal\"}",
                 (unsigned long long)mixed, (unsigned long long)(mixed >> 50));
    struct catalog_item item = { .kind = CATALOG_MESSAGE,
                                 .key = key_of(CATALOG_MESSAGE, number, &key),
                                 .parent = key_of(CATALOG_FOLDER, folder, &parent),
                                 .subject = subject,
                                 .from = from,
                                 .tag = tag,
                                 .size = mixed >> 46,
                                 .received_ms = 1600000000000 + (int64_t)number * 60000,
                                 .modified_ms = 1600000000000 + (int64_t)number * 60000,
                                 .metadata = (const uint8_t *)metadata,
                                 .metadata_len = (size_t)metadata_len,
                                 .content = { .form = CONTENT_CHUNK, .len = 4096 } };
    memcpy(item.content.id.bytes, &mixed, sizeof(mixed));
    memcpy(item.content.id.bytes + 8, &number, sizeof(number));
    check(catalog_edit_put(edit, &item, &err), &err);
}

static void
put_folder(struct catalog_edit *edit, uint64_t number)
{
    struct error err = ERROR_INIT;
    struct catalog_key_buffer key;
    char name[32];
    snprintf(name, sizeof(name), "Folder %llu", (unsigned long long)number);
    struct catalog_item item = { .kind = CATALOG_FOLDER, .key = key_of(CATALOG_FOLDER, number, &key), .name = name };
    check(catalog_edit_put(edit, &item, &err), &err);
}

enum what { BUILD, ARRIVE, SCATTERED };

static void
put_changes(struct catalog_edit *edit, enum what what, uint64_t items)
{
    uint64_t folders = (items + PER_FOLDER - 1) / PER_FOLDER;
    switch (what) {
    case BUILD:
        for (uint64_t i = 0; i < folders; i++)
            put_folder(edit, i);
        for (uint64_t i = 0; i < items; i++)
            put_message(edit, i, i / PER_FOLDER, 1);
        break;
    case ARRIVE:
        for (uint64_t i = 0; i < CHANGES; i++)
            put_message(edit, items + i, folders / 2, 1);
        break;
    case SCATTERED:
        for (uint64_t i = 0; i < CHANGES; i++) {
            uint64_t number = i * items / CHANGES;
            put_message(edit, number, number / PER_FOLDER, 2);
        }
        break;
    }
}

/* A new reader and writer, as each run has. */
static struct catalog_root
change(struct bench *bench, enum what what, const struct catalog_root *base, uint64_t items, const char *label)
{
    struct error err = ERROR_INIT;
    struct catalog_root root;
    struct vault_writer_progress progress;
    clock_t started = clock();
    struct vault_reader *reader = vault_reader_open(bench->vault, 0, &err);
    struct vault_writer *writer = vault_writer_open(bench->vault, NULL, &err);
    struct catalog_edit *edit = catalog_edit_begin(reader, writer, base, NULL, &err);
    put_changes(edit, what, items);
    check(catalog_edit_commit(edit, &root, NULL, &err), &err);
    check(vault_writer_flush(writer, &err), &err);
    vault_writer_progress(writer, &progress);
    printf("%9llu items  %-9s  read %10llu  written %10llu bytes  %7.2f CPU s\n", (unsigned long long)items, label,
           (unsigned long long)reader->bytes_fetched, (unsigned long long)progress.bytes_stored,
           (double)(clock() - started) / CLOCKS_PER_SEC);
    catalog_edit_free(edit);
    vault_writer_close(writer);
    vault_reader_close(reader);
    return root;
}

static int
on_item(void *ctx, const struct catalog_item *item, struct error *err)
{
    (void)item;
    (void)err;
    ++*(uint64_t *)ctx;
    return 0;
}

static void
look(struct bench *bench, const struct catalog_root *root, uint64_t items)
{
    struct error err = ERROR_INIT;
    struct catalog_key_buffer folder;
    uint64_t found = 0, total = 0;
    const struct catalog_slice all = { .offset = 0, .limit = UINT64_MAX };
    const struct catalog_search_query query = { .subject = "contract lunch 77" };
    struct vault_reader *reader = vault_reader_open(bench->vault, 0, &err);
    struct catalog *catalog = catalog_open(reader, root);
    uint64_t started = clock_monotonic_ms(clock_system());
    check(catalog_list(catalog, key_of(CATALOG_FOLDER, items / PER_FOLDER / 2, &folder), all, on_item, &found, &total,
                       &err),
          &err);
    uint64_t listed = clock_monotonic_ms(clock_system());
    printf("%9llu items  listing    %llu of a folder in %llu ms, %llu bytes read\n", (unsigned long long)items,
           (unsigned long long)found, (unsigned long long)(listed - started),
           (unsigned long long)reader->bytes_fetched);
    found = 0;
    clock_t cpu = clock();
    check(catalog_search(catalog, &query, on_item, &found, &err), &err);
    printf("%9llu items  search     %llu found in %llu ms, %.2f CPU s\n", (unsigned long long)items,
           (unsigned long long)found, (unsigned long long)(clock_monotonic_ms(clock_system()) - listed),
           (double)(clock() - cpu) / CLOCKS_PER_SEC);
    catalog_close(catalog);
    vault_reader_close(reader);
}

int
main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: bench_catalog FOLDER ITEMS...\n");
        return 64;
    }
    for (int i = 2; i < argc; i++) {
        struct bench bench;
        uint64_t items = strtoull(argv[i], NULL, 10);
        CLEANUP(memory_free_p) char *path = memory_printf("%s-%s", argv[1], argv[i]);
        bench_open(&bench, path);
        struct catalog_root root = change(&bench, BUILD, NULL, items, "build");
        (void)change(&bench, ARRIVE, &root, items, "arrive");
        (void)change(&bench, SCATTERED, &root, items, "scattered");
        look(&bench, &root, items);
        bench_close(&bench);
    }
    return 0;
}
