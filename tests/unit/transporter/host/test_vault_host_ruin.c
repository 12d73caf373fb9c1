#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/key_slot.h"
#include "common/vault/catalog_edit.h"
#include "common/vault/pack_marks.h"
#include "common/vault/point.h"
#include "common/vault/vault.h"
#include "common/vault/vault_copy.h"
#include "common/vault/vault_heal.h"
#include "common/vault/vault_reader.h"
#include "common/vault/vault_verify.h"
#include "common/vault/vault_writer.h"
#include "tests/fakes/scratch_folder.h"
#include "transporter/host/vault_host.h"
#include "transporter/storage/storage.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A replica whose storage has acknowledged a pack and then lost a part of it. */

#define assert_ok(expression, error)                                                                                   \
    do {                                                                                                               \
        if ((expression) != 0)                                                                                         \
            fail_msg("%s: %s", #expression, (error).text);                                                             \
    } while (0)

#define ITEMS 12
#define BYTES ((size_t)40000)

struct engine {
    struct storage *storage;
    struct vault_host *host;
    struct vault *vault;
};

struct world {
    struct scratch_folder folder;
    struct secret *password;
    struct engine from, to;
    char *pack; /* a large one of the replica */
    uint64_t size;
};

static void
open_host(const struct world *w, const char *name, struct engine *e)
{
    struct error err = ERROR_INIT;
    CLEANUP(memory_free_p)
    char *location = memory_printf("{\"driver\":\"local\",\"create\":true,\"path\":\"%s/%s\"}", w->folder.path, name);
    CLEANUP(memory_free_p) char *state_dir = memory_printf("%s/state-%s", w->folder.path, name);
    struct vault_host_options options = { .vault_id = "vault-r", .state_dir = state_dir };
    memset(e, 0, sizeof(*e));
    e->storage = storage_open(location, strlen(location), clock_system(), true, &err);
    e->host = e->storage == NULL ? NULL : vault_host_open(e->storage, clock_system(), &options, &err);
    if (e->host == NULL)
        fail_msg("%s", err.text);
}

static void
close_engine(struct engine *e)
{
    vault_close(e->vault);
    vault_host_close(e->host);
    storage_close(e->storage);
}

/* ITEMS files; those below `changed` are others than without. */
static void
back_up(struct vault *vault, const char *id, unsigned changed)
{
    struct error err = ERROR_INIT;
    struct point point = { .header = { .scope = "object-1", .fence = 1 } };
    struct vault_writer_options options = { .pack_bytes = 64 << 10 };
    struct vault_reader *reader = vault_reader_open(vault, 0, &err);
    struct vault_writer *writer = vault_writer_open(vault, &options, &err);
    struct catalog_edit *edit = catalog_edit_begin(reader, writer, NULL, NULL, &err);
    uint8_t *bytes = memory_new(BYTES);
    assert_ok(vault_begin(vault, &point.epoch, &err), err);
    for (unsigned i = 0; i < ITEMS; i++) {
        struct catalog_key_buffer key;
        struct catalog_item item = { .kind = CATALOG_FILE, .name = "file", .size = BYTES };
        uint64_t random = i < changed ? 1000 + i : i;
        for (size_t b = 0; b < BYTES; b++)
            bytes[b] = (uint8_t)((random = random * UINT64_C(6364136223846793005) + 1442695040888963407U) >> 40);
        assert_ok(catalog_key_make(CATALOG_FILE, &i, sizeof(i), &key, &err), err);
        item.key = catalog_key_of(&key);
        assert_ok(vault_writer_put(writer, VAULT_FILE, bytes, BYTES, &item.content, &err), err);
        assert_ok(catalog_edit_put(edit, &item, &err), err);
    }
    snprintf(point.header.id, sizeof(point.header.id), "%s", id);
    assert_ok(catalog_edit_commit(edit, &point.catalog, NULL, &err), err);
    assert_ok(point_commit(vault, writer, &point, "cursor", 6, &err), err);
    free(bytes);
    catalog_edit_free(edit);
    vault_writer_close(writer);
    vault_reader_close(reader);
}

static int
copy(struct world *w, size_t count, struct vault_copy_counts *counts, struct error *err)
{
    static const char *const ids[] = { "point-1", "point-2" };
    const struct vault_copy_source from = { vault_host_backend(w->from.host), w->from.vault };
    const struct vault_copy_options options = { .fence = 1 };
    return vault_copy_verbatim(&from, vault_host_backend(w->to.host), ids, count, &options, counts, err);
}

static int
on_pack(void *ctx, const char *name, const struct storage_stat *stat, struct error *err)
{
    struct world *w = ctx;
    if (stat->size <= w->size)
        return 0;
    free(w->pack);
    w->size = stat->size;
    return w->to.storage->driver->path(w->to.storage, name, &w->pack, err);
}

/* A vault with a point that its replica has too, and a second one that needs most packs of the first. */
static void
begin(struct world *w)
{
    struct error err = ERROR_INIT;
    struct vault_copy_counts counts;
    struct vault_params params = { .password_cost = &key_slot_cost_least };
    memset(w, 0, sizeof(*w));
    scratch_folder_init(&w->folder);
    log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_ERROR);
    w->password = secret_new("correct horse", 13, NULL);
    open_host(w, "from", &w->from);
    struct vault_backend backend = vault_host_backend(w->from.host);
    assert_ok(vault_create(backend, clock_system(), "vault-r", w->password, &params, &err), err);
    w->from.vault = vault_open(backend, clock_system(), "vault-r", w->password, &err);
    assert_non_null(w->from.vault);
    back_up(w->from.vault, "point-1", 0);
    open_host(w, "to", &w->to);
    assert_ok(copy(w, 1, &counts, &err), err);
    back_up(w->from.vault, "point-2", 1);
    assert_ok(storage_list(w->to.storage, "vault-r/packs", on_pack, w, &err), err);
    assert_int_equal(chmod(w->pack, 0600), 0);
}

static void
end(struct world *w)
{
    close_engine(&w->to);
    close_engine(&w->from);
    free(w->pack);
    secret_free(w->password);
    scratch_folder_clear(&w->folder);
}

static uint64_t
damaged(struct world *w)
{
    struct error err = ERROR_INIT;
    struct vault_verify_options options = { .data = true, .quarantine = true };
    struct vault_verify_result result;
    struct vault *vault = vault_share(w->from.vault, vault_host_backend(w->to.host));
    assert_ok(vault_verify(vault, NULL, 0, &options, &result, &err), err);
    vault_close(vault);
    return result.damaged;
}

static int
on_name(void *ctx, const char *name, struct error *err)
{
    (void)name;
    (void)err;
    ++*(unsigned *)ctx;
    return 0;
}

static unsigned
listed(struct world *w, enum object_class class)
{
    unsigned count = 0;
    struct error err = ERROR_INIT;
    assert_ok(vault_host_list_objects(w->to.host, class, on_name, &count, &err), err);
    return count;
}

/* With the host that has acknowledged the pack, and with one that finds it as it is. */
static void
a_pack_that_was_cut_off_does_not_count_and_is_copied_again(void **state)
{
    (void)state;
    for (int opened_anew = 0; opened_anew < 2; opened_anew++) {
        struct world w;
        struct stat stat_of;
        struct error err = ERROR_INIT;
        struct vault_copy_counts counts;
        begin(&w);
        unsigned all = listed(&w, OBJECT_WHOLE_PACK);
        assert_int_equal(listed(&w, OBJECT_PACK), all);
        assert_int_equal(truncate(w.pack, (off_t)w.size / 2), 0);
        if (opened_anew == 1) {
            close_engine(&w.to);
            open_host(&w, "to", &w.to);
        }
        assert_int_equal(listed(&w, OBJECT_WHOLE_PACK), all - 1);
        assert_int_equal(listed(&w, OBJECT_DAMAGED_PACK), 1);
        assert_ok(copy(&w, 2, &counts, &err), err);
        assert_int_equal(counts.points_there, 1);
        assert_int_equal(counts.points_copied, 1);
        assert_int_equal(stat(w.pack, &stat_of), 0);
        assert_int_equal(stat_of.st_size, w.size);
        assert_int_equal(listed(&w, OBJECT_DAMAGED_PACK), 0);
        assert_int_equal(damaged(&w), 0);
        end(&w);
    }
}

/* No host can tell which of two is right when both fit their directory: nothing is replaced, and nothing is taken for
 * whole that is known not to be. */
static void
a_pack_with_wrong_bytes_stays_until_it_is_healed(void **state)
{
    struct world w;
    struct error err = ERROR_INIT;
    struct vault_copy_counts counts;
    struct vault_heal_options options = { .left = NULL };
    struct vault_heal_result healed;
    (void)state;
    begin(&w);
    int fd = open(w.pack, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "wrong", 5, (off_t)w.size / 2), 5);
    close(fd);
    assert_true(damaged(&w) > 0); /* notes it */
    assert_int_equal(listed(&w, OBJECT_DAMAGED_PACK), 1);
    assert_int_equal(copy(&w, 2, &counts, &err), -1);
    assert_int_equal(err.kind, ERROR_EXISTS);
    assert_non_null(strstr(err.text, "heal it"));
    assert_int_equal(counts.points_copied, 0);
    err = (struct error)ERROR_INIT;
    struct vault *vault = vault_share(w.from.vault, vault_host_backend(w.to.host));
    assert_ok(vault_heal(vault, w.from.vault, &options, &healed, &err), err);
    vault_close(vault);
    assert_ok(copy(&w, 2, &counts, &err), err);
    assert_int_equal(counts.points_copied, 1);
    assert_int_equal(damaged(&w), 0);
    end(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pack_that_was_cut_off_does_not_count_and_is_copied_again),
        cmocka_unit_test(a_pack_with_wrong_bytes_stays_until_it_is_healed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
