/* The catalog at growing sizes: what an incremental of 100 changes reads and writes, how long a folder's listing and a
 * search take.
 *
 *   bench_catalog FOLDER ITEMS...      such as: bench_catalog /tmp/catalog 1000 1000000
 *
 * Items are messages with ids like Exchange's (a common beginning, a counter near the end) in folders of 1,000.
 * "arrive": 100 new messages in one folder. "a day": 60 new messages in the newest folder, 30 of its newest 200 are
 * read, 10 move to another folder. Both are the mean of ten runs, each on top of the one before, as backups are.
 * "scattered": 100 messages anywhere change, once. Reads and writes are bytes of the vault after compression, counted
 * by the reader and the writer; requests are what a reader waits for: places asked for, and ranges fetched. */

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
#define RUNS       10

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
    uint64_t next; /* the number of the next new message */
    uint64_t requests;
};

/* The host's own, of the one bench that is open. */
static struct bench *counted;
static const struct vault_backend_vtable *host_vtable;

static int
count_locate(void *ctx, const struct chunk_id *ids, size_t n, struct chunk_place *places, struct error *err)
{
    counted->requests++;
    return host_vtable->locate_chunks(ctx, ids, n, places, err);
}

static int
count_ranges(void *ctx, const struct pack_range *ranges, size_t n, vault_block_fn *block, void *block_ctx,
             struct error *err)
{
    counted->requests++;
    return host_vtable->get_ranges(ctx, ranges, n, block, block_ctx, err);
}

static void
bench_open(struct bench *bench, const char *path)
{
    struct error err = ERROR_INIT;
    const struct clock *clock = clock_system();
    CLEANUP(memory_free_p)
    char *location = memory_printf("{\"driver\":\"local\",\"create\":true,\"path\":\"%s\"}", path);
    CLEANUP(memory_free_p) char *state = memory_printf("%s.state", path);
    CLEANUP(secret_free_p) struct secret *password = secret_new("bench", 5, &err);
    struct vault_host_options options = { .vault_id = VAULT_ID, .state_dir = state };
    bench->storage = storage_open(location, strlen(location), clock, true, &err);
    check(bench->storage == NULL, &err);
    bench->host = vault_host_open(bench->storage, clock, &options, &err);
    check(bench->host == NULL, &err);
    struct vault_backend backend = vault_host_backend(bench->host);
    static struct vault_backend_vtable counting;
    host_vtable = backend.vtable;
    counting = *host_vtable;
    counting.locate_chunks = count_locate;
    counting.get_ranges = count_ranges;
    backend.vtable = &counting;
    counted = bench;
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

enum what { BUILD, ARRIVE, DAY, SCATTERED };

static void
put_changes(struct bench *bench, struct catalog_edit *edit, enum what what, uint64_t items, unsigned run)
{
    uint64_t folders = (items + PER_FOLDER - 1) / PER_FOLDER;
    switch (what) {
    case BUILD:
        for (uint64_t i = 0; i <= folders; i++)
            put_folder(edit, i);
        for (uint64_t i = 0; i < items; i++)
            put_message(edit, i, i / PER_FOLDER, 1);
        bench->next = items;
        break;
    case ARRIVE:
        for (uint64_t i = 0; i < CHANGES; i++)
            put_message(edit, bench->next++, folders / 2, 1);
        break;
    case DAY:
        for (uint64_t i = 0; i < 40; i++)
            put_message(edit, bench->next - 1 - i * 5, i % 4 == 3 ? folders : folders - 1, run + 2);
        for (uint64_t i = 0; i < 60; i++)
            put_message(edit, bench->next++, folders - 1, 1);
        break;
    case SCATTERED:
        for (uint64_t i = 0; i < CHANGES; i++) {
            uint64_t number = i * items / CHANGES;
            put_message(edit, number, number / PER_FOLDER, 2);
        }
        break;
    }
}

struct cost {
    uint64_t read, written, requests;
    double cpu;
};

/* A new reader and writer, as each run has. */
static void
change(struct bench *bench, enum what what, struct catalog_root *root, uint64_t items, unsigned run, struct cost *cost)
{
    struct error err = ERROR_INIT;
    struct catalog_root base = *root;
    struct vault_writer_progress progress;
    clock_t started = clock();
    uint64_t before = bench->requests;
    struct vault_reader *reader = vault_reader_open(bench->vault, 0, &err);
    struct vault_writer *writer = vault_writer_open(bench->vault, NULL, &err);
    struct catalog_edit *edit = catalog_edit_begin(reader, writer, &base, NULL, &err);
    put_changes(bench, edit, what, items, run);
    check(catalog_edit_commit(edit, root, NULL, &err), &err);
    check(vault_writer_flush(writer, &err), &err);
    vault_writer_progress(writer, &progress);
    cost->read += reader->bytes_fetched;
    cost->written += progress.bytes_stored;
    cost->requests += bench->requests - before;
    cost->cpu += (double)(clock() - started) / CLOCKS_PER_SEC;
    catalog_edit_free(edit);
    vault_writer_close(writer);
    vault_reader_close(reader);
}

static void
measure(struct bench *bench, enum what what, const struct catalog_root *root, uint64_t items, const char *label)
{
    struct catalog_root at = *root;
    struct cost cost = { 0 };
    unsigned runs = what == SCATTERED ? 1 : RUNS;
    bench->next = items;
    for (unsigned run = 0; run < runs; run++)
        change(bench, what, &at, items, run, &cost);
    printf("%9llu items  %-9s  read %9llu in %3llu requests  written %9llu bytes  %5.3f CPU s\n",
           (unsigned long long)items, label, (unsigned long long)(cost.read / runs),
           (unsigned long long)(cost.requests / runs), (unsigned long long)(cost.written / runs), cost.cpu / runs);
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
    struct catalog_key_buffer key;
    struct catalog_item item;
    uint64_t found = 0, total = 0, before = bench->requests;
    const struct catalog_slice all = { .offset = 0, .limit = UINT64_MAX };
    const struct catalog_search_query query = { .subject = "contract lunch 77" };
    struct vault_reader *reader = vault_reader_open(bench->vault, 0, &err);
    struct catalog *catalog = catalog_open(reader, root);
    check(catalog_get(catalog, key_of(CATALOG_MESSAGE, items / 3, &key), &item, &err), &err);
    printf("%9llu items  one item   %llu bytes in %llu requests, trees of %u and %u levels\n",
           (unsigned long long)items, (unsigned long long)reader->bytes_fetched,
           (unsigned long long)(bench->requests - before), root->items.height, root->children.height);
    uint64_t read = reader->bytes_fetched, started = clock_monotonic_ms(clock_system());
    before = bench->requests;
    check(
        catalog_list(catalog, key_of(CATALOG_FOLDER, items / PER_FOLDER / 2, &key), all, on_item, &found, &total, &err),
        &err);
    uint64_t listed = clock_monotonic_ms(clock_system());
    printf("%9llu items  listing    %llu of a folder in %llu ms, %llu bytes in %llu requests\n",
           (unsigned long long)items, (unsigned long long)found, (unsigned long long)(listed - started),
           (unsigned long long)(reader->bytes_fetched - read), (unsigned long long)(bench->requests - before));
    found = 0;
    before = bench->requests;
    clock_t cpu = clock();
    check(catalog_search(catalog, &query, on_item, &found, &err), &err);
    printf("%9llu items  search     %llu found in %llu ms, %.2f CPU s, %llu requests\n", (unsigned long long)items,
           (unsigned long long)found, (unsigned long long)(clock_monotonic_ms(clock_system()) - listed),
           (double)(clock() - cpu) / CLOCKS_PER_SEC, (unsigned long long)(bench->requests - before));
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
        struct bench bench = { .requests = 0 };
        struct catalog_root root = { 0 };
        struct cost cost = { 0 };
        uint64_t items = strtoull(argv[i], NULL, 10);
        CLEANUP(memory_free_p) char *path = memory_printf("%s-%s", argv[1], argv[i]);
        bench_open(&bench, path);
        change(&bench, BUILD, &root, items, 0, &cost);
        printf("%9llu items  build      written %llu bytes  %.2f CPU s\n", (unsigned long long)items,
               (unsigned long long)cost.written, cost.cpu);
        measure(&bench, ARRIVE, &root, items, "arrive");
        measure(&bench, DAY, &root, items, "a day");
        measure(&bench, SCATTERED, &root, items, "scattered");
        look(&bench, &root, items);
        bench_close(&bench);
    }
    return 0;
}
