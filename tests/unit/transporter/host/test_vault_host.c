#include "transporter/host/vault_host.h"

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/base/log.h"
#include "common/crypto/key_slot.h"
#include "common/vault/catalog_edit.h"
#include "common/vault/pack_format.h"
#include "common/vault/point.h"
#include "common/vault/vault.h"
#include "common/vault/vault_reader.h"
#include "common/vault/vault_verify.h"
#include "common/vault/vault_writer.h"
#include "tests/fakes/scratch_folder.h"
#include "transporter/storage/storage.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define assert_ok(expression, error)                                                                                   \
    do {                                                                                                               \
        if ((expression) != 0)                                                                                         \
            fail_msg("%s: %s", #expression, (error).text);                                                             \
    } while (0)

static struct scratch_folder folder;
static const char *scratch = folder.path;
static struct secret *password;

struct engine {
    struct storage *storage;
    struct vault_host *host;
    struct vault *vault;
};

static int
setup(void **state)
{
    (void)state;
    scratch_folder_init(&folder);
    log_setup(2, LOG_ERROR);
    password = secret_new("correct horse", 13, NULL);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    secret_free(password);
    scratch_folder_clear(&folder);
    return 0;
}

static void
open_host(struct engine *e, const char *name)
{
    struct error err = ERROR_INIT;
    char location[6000], state_dir[5000];
    int n = snprintf(location, sizeof(location), "{\"driver\":\"local\",\"create\":true,\"path\":\"%s/%s\"}", scratch,
                     name);
    snprintf(state_dir, sizeof(state_dir), "%s/state-%s", scratch, name);
    memset(e, 0, sizeof(*e));
    e->storage = storage_open(location, (size_t)n, clock_system(), true, &err);
    assert_non_null(e->storage);
    struct vault_host_options options = { .vault_id = "vault-h", .state_dir = state_dir };
    e->host = vault_host_open(e->storage, clock_system(), &options, &err);
    if (e->host == NULL)
        fail_msg("%s", err.text);
}

static void
open_engine(struct engine *e, const char *name)
{
    struct error err = ERROR_INIT;
    open_host(e, name);
    struct vault_backend backend = vault_host_backend(e->host);
    e->vault = vault_open(backend, clock_system(), "vault-h", password, &err);
    if (e->vault == NULL && err.kind == ERROR_NOT_FOUND) {
        err = (struct error)ERROR_INIT;
        struct vault_params params = { .password_cost = &key_slot_cost_least };
        assert_ok(vault_create(backend, clock_system(), "vault-h", password, &params, &err), err);
        e->vault = vault_open(backend, clock_system(), "vault-h", password, &err);
    }
    if (e->vault == NULL)
        fail_msg("%s", err.text);
}

static void
close_engine(struct engine *e)
{
    vault_close(e->vault);
    vault_host_close(e->host);
    storage_close(e->storage);
}

/* One small content: its pack's directory and its segment have few bytes. */
static uint64_t
write_little(struct engine *e, bool commit)
{
    struct error err = ERROR_INIT;
    struct vault_writer_progress progress;
    struct content_ref ref;
    struct vault_reader *reader = vault_reader_open(e->vault, 0, &err);
    struct vault_writer *writer = vault_writer_open(e->vault, NULL, &err);
    struct catalog_edit *edit = catalog_edit_begin(reader, writer, NULL, NULL, &err);
    assert_ok(vault_writer_put(writer, VAULT_FILE, "little", 6, &ref, &err), err);
    assert_ok(vault_writer_flush(writer, &err), err);
    struct point point = { .header = { .id = "point-1", .scope = "object-1", .fence = 1 } };
    if (commit) {
        assert_ok(catalog_edit_commit(edit, &point.catalog, NULL, &err), err);
        assert_ok(point_commit(e->vault, writer, &point, "c", 1, &err), err);
    }
    vault_writer_progress(writer, &progress);
    catalog_edit_free(edit);
    vault_writer_close(writer);
    vault_reader_close(reader);
    return progress.packs;
}

/* The same 1,200,000 bytes every time. */
static int
write_content(struct engine *e, bool commit, const char *point_id, struct vault_writer_progress *progress)
{
    struct error err = ERROR_INIT;
    struct vault_writer_options options = { .pack_bytes = 128 << 10 };
    struct vault_reader *reader = vault_reader_open(e->vault, 0, &err);
    struct vault_writer *writer = vault_writer_open(e->vault, &options, &err);
    struct catalog_edit *edit = catalog_edit_begin(reader, writer, NULL, NULL, &err);
    uint8_t *data = memory_new(60000);
    uint64_t random = 77;
    for (unsigned i = 0; i < 20; i++) {
        struct catalog_key_buffer key;
        char id[16];
        int n = snprintf(id, sizeof(id), "f%u", i);
        struct catalog_item item = { .kind = CATALOG_FILE, .name = id, .size = 60000 };
        for (size_t b = 0; b < 60000; b++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            data[b] = (uint8_t)(random >> 40);
        }
        catalog_key_make(CATALOG_FILE, id, (size_t)n, &key, &err);
        item.key = catalog_key_of(&key);
        assert_ok(vault_writer_put(writer, VAULT_FILE, data, 60000, &item.content, &err), err);
        assert_ok(catalog_edit_put(edit, &item, &err), err);
    }
    free(data);
    int failed = 0;
    if (commit) {
        struct point point = { .header = { .scope = "object-1", .fence = 1 } };
        snprintf(point.header.id, sizeof(point.header.id), "%s", point_id);
        assert_ok(catalog_edit_commit(edit, &point.catalog, NULL, &err), err);
        failed = point_commit(e->vault, writer, &point, "c", 1, &err);
    } else {
        assert_ok(vault_writer_flush(writer, &err), err);
    }
    vault_writer_progress(writer, progress);
    catalog_edit_free(edit);
    vault_writer_close(writer);
    vault_reader_close(reader);
    return failed;
}

static void
assert_verifies(struct engine *e, unsigned points)
{
    struct error err = ERROR_INIT;
    struct vault_verify_options options = { .data = true };
    struct vault_verify_result result;
    assert_ok(vault_verify(e->vault, NULL, 0, &options, &result, &err), err);
    assert_int_equal(result.damaged, 0);
    assert_int_equal(result.points, points);
    assert_int_equal(result.items, 20); /* what points share is looked at once */
}

static void
what_one_process_stored_the_next_one_finds(void **state)
{
    struct engine e;
    struct vault_writer_progress first, second;
    struct vault_host_stats stats;
    (void)state;
    open_engine(&e, "a");
    assert_int_equal(write_content(&e, true, "point-1", &first), 0);
    close_engine(&e);
    open_engine(&e, "a");
    vault_host_stats(e.host, &stats);
    assert_int_equal(stats.recovered_packs, 0);
    assert_int_equal(stats.segments, 1);
    assert_int_equal(stats.packs, first.packs);
    assert_int_equal(write_content(&e, true, "point-2", &second), 0);
    assert_int_equal(second.bytes_new, 0);
    assert_verifies(&e, 2);
    close_engine(&e);
}

static void
packs_of_a_run_that_was_killed_are_used_by_the_next(void **state)
{
    struct engine e;
    struct vault_writer_progress first, second;
    struct vault_host_stats stats;
    (void)state;
    open_engine(&e, "b");
    assert_int_equal(write_content(&e, false, NULL, &first), 0);
    close_engine(&e);
    open_engine(&e, "b");
    vault_host_stats(e.host, &stats);
    assert_int_equal(stats.segments, 0);
    assert_int_equal(stats.recovered_packs, first.packs);
    assert_int_equal(write_content(&e, true, "point-1", &second), 0);
    assert_true(second.bytes_new < 10000);
    close_engine(&e);
    open_engine(&e, "b");
    vault_host_stats(e.host, &stats);
    assert_int_equal(stats.recovered_packs, 0);
    assert_verifies(&e, 1);
    close_engine(&e);
}

static char found_path[5000];
static const char *wanted;

static int
on_path(const char *path, const struct stat *st, int type)
{
    (void)st;
    if (type == FTW_F && strstr(path, wanted) != NULL)
        snprintf(found_path, sizeof(found_path), "%s", path);
    return 0;
}

static bool
find_path(const char *repository, const char *part)
{
    char root[5000];
    snprintf(root, sizeof(root), "%s/%s", scratch, repository);
    wanted = part;
    found_path[0] = '\0';
    ftw(root, on_path, 16);
    return found_path[0] != '\0';
}

static const char *
find_file(const char *repository, const char *part)
{
    assert_true(find_path(repository, part));
    return found_path;
}

static void
flip(const char *path, long at)
{
    chmod(path, 0600);
    FILE *file = fopen(path, "r+e");
    assert_non_null(file);
    fseek(file, at, SEEK_SET);
    int byte = fgetc(file);
    fseek(file, at, SEEK_SET);
    fputc(byte ^ 1, file);
    fclose(file);
}

static void
a_damaged_or_lost_index_is_rebuilt_from_the_packs(void **state)
{
    struct engine e;
    struct vault_writer_progress progress;
    struct vault_host_stats stats;
    (void)state;
    open_engine(&e, "c");
    assert_int_equal(write_content(&e, true, "point-1", &progress), 0);
    close_engine(&e);
    flip(find_file("c", "/index/"), 100);
    open_engine(&e, "c");
    vault_host_stats(e.host, &stats);
    assert_int_equal(stats.recovered_packs, progress.packs);
    assert_verifies(&e, 1);
    close_engine(&e);
    assert_int_equal(unlink(find_file("c", "/index/")), 0);
    open_engine(&e, "c");
    assert_verifies(&e, 1);
    close_engine(&e);
}

static void
a_garbage_pack_harms_nobody(void **state)
{
    struct engine e;
    struct error err = ERROR_INIT;
    struct vault_writer_progress progress;
    uint8_t garbage[5000];
    (void)state;
    open_engine(&e, "d");
    assert_int_equal(write_content(&e, true, "point-1", &progress), 0);
    memset(garbage, 'x', sizeof(garbage));
    assert_ok(
        storage_put(e.storage, "vault-h/packs/00112233445566778899aabbccddeeff", garbage, sizeof(garbage), 0, &err),
        err);
    assert_int_equal(
        vault_host_put_pack(e.host, NULL, "ffeeddccbbaa99887766554433221100", garbage, sizeof(garbage), &err), -1);
    assert_int_equal(err.kind, ERROR_FORMAT);
    close_engine(&e);
    open_engine(&e, "d");
    assert_verifies(&e, 1);
    close_engine(&e);
}

static void
only_the_right_password_opens(void **state)
{
    struct engine e;
    struct error err = ERROR_INIT;
    CLEANUP(secret_free_p) struct secret *wrong = secret_new("battery staple", 14, &err);
    (void)state;
    open_engine(&e, "e");
    struct vault_backend backend = vault_host_backend(e.host);
    assert_null(vault_open(backend, clock_system(), "vault-h", wrong, &err));
    assert_int_equal(err.kind, ERROR_DENIED);
    err = (struct error)ERROR_INIT;
    assert_int_equal(vault_create(backend, clock_system(), "vault-h", wrong, NULL, &err), -1);
    assert_int_equal(err.kind, ERROR_DENIED);
    err = (struct error)ERROR_INIT;
    assert_null(vault_open(backend, clock_system(), "vault-other", password, &err));
    assert_int_equal(err.kind, ERROR_CORRUPT);
    err = (struct error)ERROR_INIT;
    assert_ok(vault_create(backend, clock_system(), "vault-h", password, NULL, &err), err);
    close_engine(&e);
}

static void
an_older_owner_is_fenced_off_for_good(void **state)
{
    struct engine e;
    struct error err = ERROR_INIT;
    (void)state;
    open_host(&e, "f");
    assert_ok(vault_host_check_fence(e.host, "object-1", 5, &err), err);
    assert_ok(vault_host_check_fence(e.host, "object-2", 1, &err), err);
    assert_ok(vault_host_check_fence(e.host, "", 1, &err), err);
    assert_ok(vault_host_raise_fence(e.host, "object-1", 9, &err), err);
    assert_ok(vault_host_raise_fence(e.host, "object-1", 2, &err), err);
    close_engine(&e);
    open_host(&e, "f");
    assert_int_equal(vault_host_check_fence(e.host, "object-1", 8, &err), -1);
    assert_int_equal(err.kind, ERROR_FENCED);
    err = (struct error)ERROR_INIT;
    assert_ok(vault_host_check_fence(e.host, "object-1", 9, &err), err);
    assert_ok(vault_host_check_fence(e.host, "object-2", 1, &err), err);
    close_engine(&e);
}

static void
a_point_must_fit_its_grant(void **state)
{
    struct engine e;
    struct error err = ERROR_INIT;
    struct vault_writer_progress progress;
    uint8_t *data;
    size_t len;
    (void)state;
    open_engine(&e, "g");
    assert_int_equal(write_content(&e, true, "point-1", &progress), 0);
    assert_ok(vault_host_get_object(e.host, OBJECT_POINT, "point-1", &data, &len, &err), err);
    struct vault_commit point = { .name = "point-1", .data = data, .len = len };
    struct vault_host_owner right = { "object-1", 1, 0 }, scope = { "object-2", 1, 0 }, fence = { "object-1", 2, 0 };
    struct vault_host_owner whole = { "", 7, 0 };
    assert_ok(vault_host_commit_point(e.host, &right, &point, NULL, &err), err);
    /* What a replica's copy has: points of any object, with fences of their own. */
    assert_ok(vault_host_commit_point(e.host, &whole, &point, NULL, &err), err);
    assert_int_equal(vault_host_commit_point(e.host, &scope, &point, NULL, &err), -1);
    assert_int_equal(err.kind, ERROR_DENIED);
    err = (struct error)ERROR_INIT;
    assert_int_equal(vault_host_commit_point(e.host, &fence, &point, NULL, &err), -1);
    assert_int_equal(err.kind, ERROR_DENIED);
    err = (struct error)ERROR_INIT;
    point.name = "point-2";
    assert_int_equal(vault_host_commit_point(e.host, &right, &point, NULL, &err), -1);
    assert_int_equal(err.kind, ERROR_FORMAT);
    err = (struct error)ERROR_INIT;
    const char missing[1][PACK_NAME_LEN] = { "0123456789abcdef0123456789abcdef" };
    point.name = "point-1";
    point.packs = missing;
    point.pack_count = 1;
    assert_int_equal(vault_host_commit_point(e.host, &right, &point, NULL, &err), -1);
    assert_int_equal(err.kind, ERROR_CONFLICT);
    free(data);
    close_engine(&e);
}

static void
every_flipped_byte_of_a_segment_is_noticed(void **state)
{
    struct engine e;
    (void)state;
    open_engine(&e, "s");
    uint64_t packs = write_little(&e, true);
    vault_close(e.vault);
    vault_host_close(e.host);
    char path[5000];
    struct stat st;
    snprintf(path, sizeof(path), "%s", find_file("s", "/index/"));
    assert_int_equal(stat(path, &st), 0);
    for (long at = 0; at < st.st_size; at++) {
        struct vault_host_stats stats;
        struct error err = ERROR_INIT;
        char state_dir[5000];
        snprintf(state_dir, sizeof(state_dir), "%s/state-s", scratch);
        struct vault_host_options options = { .vault_id = "vault-h", .state_dir = state_dir };
        flip(path, at);
        struct vault_host *host = vault_host_open(e.storage, clock_system(), &options, &err);
        /* The version field: a newer one must not be mistaken for damage. */
        if (host == NULL) {
            assert_int_equal(err.kind, ERROR_UNSUPPORTED);
        } else {
            vault_host_stats(host, &stats);
            assert_int_equal(stats.segments, 0);
            assert_int_equal(stats.recovered_packs, packs);
            vault_host_close(host);
        }
        flip(path, at);
    }
    storage_close(e.storage);
}

/* Also with a digest that is wrong only because of that byte, the pack is left out whole: nothing is found in places
 * that the directory does not really say. */
static void
every_flipped_byte_of_a_directory_is_noticed_when_the_index_is_rebuilt(void **state)
{
    struct engine e;
    struct stat st;
    char path[5000], state_dir[5000];
    (void)state;
    open_engine(&e, "t");
    assert_int_equal(write_little(&e, false), 1);
    vault_close(e.vault);
    vault_host_close(e.host);
    snprintf(path, sizeof(path), "%s", find_file("t", "/packs/"));
    snprintf(state_dir, sizeof(state_dir), "%s/state-t", scratch);
    assert_int_equal(stat(path, &st), 0);
    const struct vault_host_options options = { .vault_id = "vault-h", .state_dir = state_dir };
    /* One group of six bytes, codec byte and tag: 23 bytes between header and directory. */
    for (long at = -1; at < st.st_size; at = at == PACK_HEADER_LEN - 1 ? PACK_HEADER_LEN + 23 : at + 1) {
        struct vault_host_stats stats;
        struct error err = ERROR_INIT;
        if (at >= 0)
            flip(path, at);
        struct vault_host *host = vault_host_open(e.storage, clock_system(), &options, &err);
        assert_non_null(host);
        vault_host_stats(host, &stats);
        assert_int_equal(stats.recovered_packs, at < 0 ? 1 : 0);
        vault_host_close(host);
        if (at >= 0)
            flip(path, at);
    }
    storage_close(e.storage);
}

static int
nothing_is_known(void *host, const struct chunk_id *ids, size_t n, struct chunk_place *places, struct error *err)
{
    (void)host;
    (void)ids;
    (void)err;
    memset(places, 0, n * sizeof(*places));
    return 0;
}

/* Stores a chunk in a pack of its own, whether the vault holds it already or not. */
static struct chunk_id
store_regardless(const struct engine *e)
{
    static struct vault_backend_vtable forgetful;
    struct error err = ERROR_INIT;
    struct content_ref ref;
    struct vault_writer_progress progress;
    struct vault_backend backend = vault_host_backend(e->host);
    forgetful = *backend.vtable;
    forgetful.find_chunks = nothing_is_known;
    forgetful.locate_chunks = nothing_is_known;
    backend.vtable = &forgetful;
    struct vault *vault = vault_share(e->vault, backend);
    struct vault_writer *writer = vault_writer_open(vault, NULL, &err);
    assert_ok(vault_writer_put(writer, VAULT_METADATA, "stored before", 13, &ref, &err), err);
    assert_ok(vault_writer_flush(writer, &err), err);
    vault_writer_progress(writer, &progress);
    assert_int_equal(progress.packs, 1);
    vault_writer_close(writer);
    vault_close(vault);
    return ref.id;
}

static void
a_later_pack_does_not_take_the_place_of_what_is_stored(void **state)
{
    struct engine e;
    struct error err = ERROR_INIT;
    struct vault_writer_progress progress;
    struct chunk_place first, now;
    (void)state;
    open_engine(&e, "place");
    struct chunk_id id = store_regardless(&e);
    assert_ok(vault_host_find_chunks(e.host, &id, 1, &first, &err), err);
    assert_true(first.known);
    for (int round = 0; round < 3; round++) {
        store_regardless(&e);
        assert_ok(vault_host_find_chunks(e.host, &id, 1, &now, &err), err);
        assert_string_equal(now.pack, first.pack);
        if (round == 0) /* what was pending becomes a segment */
            assert_int_equal(write_content(&e, true, "point-1", &progress), 0);
        if (round == 1) {
            close_engine(&e);
            open_engine(&e, "place");
        }
    }
    close_engine(&e);
}

static void
what_missing_packs_held_is_stored_again(void **state)
{
    struct engine e;
    struct error err = ERROR_INIT;
    struct vault_writer_progress first, second, third;
    struct chunk_place place;
    (void)state;
    open_engine(&e, "lost");
    struct chunk_id id = store_regardless(&e);
    assert_ok(vault_host_find_chunks(e.host, &id, 1, &place, &err), err);
    assert_true(place.known);
    assert_int_equal(write_content(&e, true, "point-1", &first), 0);
    close_engine(&e);
    assert_int_equal(unlink(find_file("lost", place.pack)), 0);
    open_engine(&e, "lost");
    assert_ok(vault_host_find_chunks(e.host, &id, 1, &place, &err), err);
    assert_false(place.known);
    /* The rest is still found, and what is stored again as well, now and after the next start. */
    assert_int_equal(write_content(&e, true, "point-2", &second), 0);
    assert_int_equal(second.bytes_new, 0);
    store_regardless(&e);
    for (int round = 0; round < 2; round++) {
        assert_ok(vault_host_find_chunks(e.host, &id, 1, &place, &err), err);
        assert_true(place.known);
        assert_int_equal(write_content(&e, true, round == 0 ? "point-3" : "point-4", &third), 0);
        close_engine(&e);
        open_engine(&e, "lost");
    }
    close_engine(&e);
    while (find_path("lost", "/packs/"))
        assert_int_equal(unlink(found_path), 0);
    open_engine(&e, "lost");
    assert_int_equal(write_content(&e, true, "point-5", &third), 0);
    assert_int_equal(third.bytes_new, first.bytes_new);
    close_engine(&e);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_one_process_stored_the_next_one_finds),
        cmocka_unit_test(packs_of_a_run_that_was_killed_are_used_by_the_next),
        cmocka_unit_test(a_damaged_or_lost_index_is_rebuilt_from_the_packs),
        cmocka_unit_test(a_garbage_pack_harms_nobody),
        cmocka_unit_test(only_the_right_password_opens),
        cmocka_unit_test(an_older_owner_is_fenced_off_for_good),
        cmocka_unit_test(a_point_must_fit_its_grant),
        cmocka_unit_test(a_later_pack_does_not_take_the_place_of_what_is_stored),
        cmocka_unit_test(what_missing_packs_held_is_stored_again),
        cmocka_unit_test(every_flipped_byte_of_a_segment_is_noticed),
        cmocka_unit_test(every_flipped_byte_of_a_directory_is_noticed_when_the_index_is_rebuilt),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
