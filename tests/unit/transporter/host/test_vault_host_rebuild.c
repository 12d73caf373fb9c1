#include "common/crypto/key_slot.h"
#include "common/vault/vault_writer.h"
#include "tests/fakes/torn_storage.h"
#include "tests/unit/transporter/vault_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#define assert_ok(expression, error)                                                                                   \
    do {                                                                                                               \
        if ((expression) != 0)                                                                                         \
            fail_msg("%s: %s", #expression, (error).text);                                                             \
    } while (0)

#define PACKS 5
#define LEN   3000 /* one chunk */

/* One chunk in each of several packs, a segment each. */
struct world {
    struct content_ref refs[PACKS];
    struct chunk_place places[PACKS];
};

static struct content_ref
put(struct vault *vault, unsigned seed)
{
    struct error err = ERROR_INIT;
    struct content_ref ref;
    uint8_t data[LEN];
    struct vault_writer *writer = vault_writer_open(vault, NULL, &err);
    for (size_t i = 0; i < LEN; i++)
        data[i] = (uint8_t)((i * 2654435761U * (seed + 1)) >> 11);
    struct point point = { .header = { .scope = "object-1", .fence = 1 } };
    snprintf(point.header.id, sizeof(point.header.id), "point-%u", seed);
    assert_ok(vault_begin(vault, &point.epoch, &err), err);
    assert_ok(vault_writer_put(writer, VAULT_FILE, data, LEN, &ref, &err), err);
    assert_ok(point_commit(vault, writer, &point, "cursor", 6, &err), err);
    vault_writer_close(writer);
    return ref;
}

static void
fill(struct world *w, struct vault *vault, struct vault_host *host)
{
    struct error err = ERROR_INIT;
    for (unsigned i = 0; i < PACKS; i++)
        w->refs[i] = put(vault, i);
    for (unsigned i = 0; i < PACKS; i++) {
        assert_ok(vault_host_locate_chunks(host, &w->refs[i].id, 1, &w->places[i], &err), err);
        assert_true(w->places[i].known);
    }
}

/* but: NULL, or a pack that need not be known any more. */
static void
same_places(const struct world *w, struct vault_host *host, const char *but)
{
    struct error err = ERROR_INIT;
    struct chunk_place place;
    for (unsigned i = 0; i < PACKS; i++) {
        assert_ok(vault_host_locate_chunks(host, &w->refs[i].id, 1, &place, &err), err);
        if (but != NULL && strcmp(w->places[i].pack, but) == 0)
            continue;
        assert_memory_equal(&place, &w->places[i], sizeof(place));
    }
}

/* Every file of one class below the vault, however it is spread over folders. */
static unsigned
each_file(const char *folder, void (*act)(const char *path))
{
    unsigned count = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        CLEANUP(memory_free_p) char *path = memory_printf("%s/%s", folder, entry->d_name);
        if (entry->d_name[0] == '.')
            continue;
        struct stat about;
        assert_int_equal(lstat(path, &about), 0);
        if (S_ISDIR(about.st_mode))
            count += each_file(path, act);
        else if (++count > 0 && act != NULL)
            act(path);
    }
    if (dir != NULL)
        closedir(dir);
    return count;
}

static void
remove_file(const char *path)
{
    assert_int_equal(unlink(path), 0);
}

static void
spoil_file(const char *path)
{
    uint8_t byte;
    assert_int_equal(chmod(path, 0600), 0);
    int fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, &byte, 1, 40), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, 40), 1);
    close(fd);
}

static void
reopen(struct vault_fixture *f)
{
    vault_host_close(f->host);
    vault_fixture_open_host(f);
    struct vault *vault = vault_share(f->vault, vault_host_backend(f->host));
    vault_close(f->vault);
    f->vault = vault;
}

static void
an_index_that_is_lost_is_made_anew(void **state)
{
    static void (*const ways[])(const char *) = { remove_file, spoil_file };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        struct vault_fixture f;
        struct world w;
        struct error err = ERROR_INIT;
        struct vault_host_stats stats;
        vault_fixture_init(&f);
        CLEANUP(memory_free_p) char *index = memory_printf("%s/repository/vault-1/index", f.folder.path);
        fill(&w, f.vault, f.host);
        assert_true(each_file(index, ways[i]) > 0);
        assert_ok(vault_host_rebuild_index(f.host, &err), err);
        same_places(&w, f.host, NULL);
        assert_true(each_file(index, NULL) > 0);
        reopen(&f);
        vault_host_stats(f.host, &stats);
        assert_int_equal(stats.recovered_packs, 0);
        same_places(&w, f.host, NULL);
        assert_ok(vault_host_rebuild_index(f.host, &err), err);
        same_places(&w, f.host, NULL);
        vault_fixture_clear(&f);
    }
}

static void
truncate_file(const char *path)
{
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(truncate(path, 100), 0);
}

/* Of a pack without a directory the old index knows more than the pack: it stays. */
static void
a_torn_pack_costs_none_of_the_others(void **state)
{
    struct vault_fixture f;
    struct world w;
    struct error err = ERROR_INIT;
    (void)state;
    vault_fixture_init(&f);
    fill(&w, f.vault, f.host);
    CLEANUP(memory_free_p) char *object = memory_printf("vault-1/packs/%s", w.places[2].pack);
    CLEANUP(memory_free_p) char *path = NULL;
    assert_ok(f.storage->driver->path(f.storage, object, &path, &err), err);
    truncate_file(path);
    assert_ok(vault_host_rebuild_index(f.host, &err), err);
    same_places(&w, f.host, NULL);
    CLEANUP(memory_free_p) char *index = memory_printf("%s/repository/vault-1/index", f.folder.path);
    each_file(index, remove_file);
    reopen(&f);
    assert_ok(vault_host_rebuild_index(f.host, &err), err);
    same_places(&w, f.host, w.places[2].pack);
    struct chunk_place place;
    assert_ok(vault_host_locate_chunks(f.host, &w.refs[2].id, 1, &place, &err), err);
    assert_false(place.known);
    vault_fixture_clear(&f);
}

/* A host over storage whose power fails. */
struct trial {
    struct scratch_folder folder;
    struct torn_storage *torn;
    struct storage *storage;
    struct vault_host *host;
};

static void
open_trial(struct trial *t, struct torn_storage *torn)
{
    struct error err = ERROR_INIT;
    memset(t, 0, sizeof(*t));
    scratch_folder_init(&t->folder);
    t->torn = torn;
    t->storage = torn_storage_open(torn);
    const struct vault_host_options options = { .vault_id = "vault-1", .state_dir = t->folder.path };
    t->host = vault_host_open(t->storage, clock_system(), &options, &err);
    if (t->host == NULL)
        fail_msg("%s", err.text);
}

static void
close_trial(struct trial *t)
{
    vault_host_close(t->host);
    storage_close(t->storage);
    scratch_folder_clear(&t->folder);
}

static void
fill_torn(struct world *w, struct torn_storage *torn)
{
    struct error err = ERROR_INIT;
    struct trial t;
    CLEANUP(secret_free_p) struct secret *password = secret_new("correct horse", 13, &err);
    struct vault_params params = { .password_cost = &key_slot_cost_least };
    open_trial(&t, torn);
    struct vault_backend backend = vault_host_backend(t.host);
    assert_ok(vault_create(backend, clock_system(), "vault-1", password, &params, &err), err);
    struct vault *vault = vault_open(backend, clock_system(), "vault-1", password, &err);
    assert_non_null(vault);
    fill(w, vault, t.host);
    vault_close(vault);
    close_trial(&t);
}

static void
a_rebuild_that_is_cut_off_anywhere_loses_nothing(void **state)
{
    static const enum torn_mode modes[] = { TORN_POWER_LOST, TORN_POWER_LOST_AFTER, TORN_WRITE_TORN, TORN_CALL_FAILS };
    struct torn_storage *whole = torn_storage_new(clock_system(), 0), *torn = torn_storage_new(clock_system(), 0);
    struct world w;
    unsigned faults = 0;
    (void)state;
    fill_torn(&w, whole);
    for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
        for (uint64_t at = 0;; at++, faults++) {
            struct trial t;
            struct error err = ERROR_INIT;
            torn_storage_copy(torn, whole);
            open_trial(&t, torn);
            torn_storage_set_fault(torn, &(struct torn_fault){ modes[m], at, ERROR_NETWORK });
            int failed = vault_host_rebuild_index(t.host, &err);
            bool struck = torn_storage_struck(torn);
            assert_true(struck || failed == 0);
            close_trial(&t);
            torn_storage_set_fault(torn, &(struct torn_fault){ TORN_NONE, 0, ERROR_NONE });
            open_trial(&t, torn);
            same_places(&w, t.host, NULL);
            error_clear(&err);
            assert_ok(vault_host_rebuild_index(t.host, &err), err);
            same_places(&w, t.host, NULL);
            close_trial(&t);
            if (!struck)
                break;
        }
    }
    assert_true(faults > 8);
    torn_storage_free(torn);
    torn_storage_free(whole);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_that_is_lost_is_made_anew),
        cmocka_unit_test(a_torn_pack_costs_none_of_the_others),
        cmocka_unit_test(a_rebuild_that_is_cut_off_anywhere_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
