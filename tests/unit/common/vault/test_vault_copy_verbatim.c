#include "common/vault/vault_format.h"
#include "tests/unit/common/vault/copy_fixture.h"

#define ITEMS 120

struct two {
    struct vault_fixture from, to;
    struct copy_told told;
    struct vault_copy_options options;
    struct vault_copy_counts counts;
    struct point a, b, c;
    bool keyless;
};

static void
put_format(struct vault_fixture *f, uint8_t key)
{
    struct error err = ERROR_INIT;
    uint8_t mac_key[32] = { key };
    struct vault_format format = {
        .version = VAULT_FORMAT_NEWEST, .compression_level = 3, .sizes = chunker_sizes_new, .created_ms = 5
    };
    struct vault_backend backend = f->vault.backend;
    CLEANUP(buffer_clear) struct buffer object = BUFFER_INIT(VAULT_FORMAT_MAX);
    snprintf(format.vault_id, sizeof(format.vault_id), "%s", f->vault.id);
    assert_ok(vault_format_encode(&format, mac_key, &object, &err), err);
    assert_ok(backend.vtable->put_object(backend.ctx, OBJECT_KEY_SLOT, "slot-1", (const uint8_t *)"slot", 4, &err),
              err);
    assert_ok(backend.vtable->put_object(backend.ctx, OBJECT_FORMAT, VAULT_FORMAT_NAME, object.data, object.len, &err),
              err);
}

/* Packs of 64 KiB, so that there are several. */
static void
open_two(struct two *t)
{
    memset(t, 0, sizeof(*t));
    copy_fixture_open(&t->from, 11, "vault-one");
    copy_fixture_open(&t->to, 11, "vault-one");
    put_format(&t->from, 1);
    vault_writer_close(t->from.writer);
    fixture_open_writer(&t->from, 64 << 10);
    copy_fixture_commit(&t->from, &(struct copy_state){ "point-a", "object-1", NULL, 0, ITEMS, 1, 0 }, &t->a);
    copy_fixture_commit(&t->from, &(struct copy_state){ "point-b", "object-2", NULL, 1000, 20, 2, 0 }, &t->b);
    copy_fixture_commit(&t->from, &(struct copy_state){ "point-c", "object-1", &t->a, 30, 2, 3, 1 }, &t->c);
}

static void
close_two(struct two *t)
{
    fixture_close(&t->from);
    fixture_close(&t->to);
}

static int
copy(struct two *t, const char *const *ids, size_t count, struct error *err)
{
    const struct vault_copy_source from = { t->from.vault.backend, t->keyless ? NULL : &t->from.vault };
    t->options = copy_fixture_options(&t->told);
    return vault_copy_verbatim(&from, t->to.vault.backend, ids, count, &t->options, &t->counts, err);
}

static const char *const all[] = { "point-a", "point-b", "point-c" };

static unsigned
packs_of(struct vault_fixture *f)
{
    unsigned packs = 0;
    for (size_t i = 0; i < fake_backend_objects(f->fake); i++) {
        enum object_class class;
        size_t len;
        fake_backend_object(f->fake, i, &class, &len);
        packs += class == OBJECT_PACK;
    }
    return packs;
}

static void
a_replica_holds_the_same_bytes(void **state)
{
    struct two t;
    struct point back;
    struct error err = ERROR_INIT;
    (void)state;
    for (int keyless = 0; keyless < 2; keyless++) {
        open_two(&t);
        t.keyless = keyless == 1;
        assert_ok(copy(&t, all, 3, &err), err);
        assert_int_equal(t.counts.points_copied, 3);
        assert_int_equal(packs_of(&t.to), packs_of(&t.from));
        for (int i = 0; i < 3; i++)
            copy_fixture_same(&t.from, &t.to, all[i], &back);
        assert_memory_equal(&back.catalog, &t.c.catalog, sizeof(back.catalog));
        assert_string_equal(back.copied_from, "");
        assert_ok(copy(&t, all, 3, &err), err);
        assert_int_equal(t.counts.points_there, 3);
        assert_int_equal(t.counts.packs_copied, 0);
        close_two(&t);
    }
}

static void
only_the_packs_of_the_chosen_points_are_copied(void **state)
{
    struct two t;
    struct point back;
    struct error err = ERROR_INIT;
    (void)state;
    open_two(&t);
    assert_ok(copy(&t, all + 1, 1, &err), err);
    copy_fixture_same(&t.from, &t.to, "point-b", &back);
    assert_true(packs_of(&t.to) < packs_of(&t.from));
    assert_ok(copy(&t, all, 1, &err), err);
    unsigned before = packs_of(&t.to);
    /* Built on point-a: only what changed is looked at. */
    assert_ok(copy(&t, all, 3, &err), err);
    assert_int_equal(t.counts.points_there, 2);
    assert_true(t.counts.items_done < 5);
    assert_int_equal(packs_of(&t.to), before + t.counts.packs_copied);
    copy_fixture_same(&t.from, &t.to, "point-c", &back);
    close_two(&t);
}

static void
a_copy_cut_off_anywhere_goes_on(void **state)
{
    struct two t;
    struct point back;
    bool done = false;
    uint64_t copied = 0;
    (void)state;
    open_two(&t);
    for (int after = 0; !done; after += 1 + after / 5) {
        struct vault_fixture *side = after % 2 == 0 ? &t.to : &t.from;
        struct error err = ERROR_INIT;
        fake_backend_fail_after(side->fake, after);
        done = copy(&t, all, 3, &err) == 0;
        copied += t.counts.packs_copied;
        fake_backend_fail_after(side->fake, -1);
        if (!done)
            assert_int_equal(err.kind, ERROR_NETWORK);
        assert_int_equal(t.counts.damaged, 0);
    }
    /* No pack came twice. */
    assert_int_equal(copied, packs_of(&t.from));
    for (int i = 0; i < 3; i++)
        copy_fixture_same(&t.from, &t.to, all[i], &back);
    close_two(&t);
}

static void
a_damaged_pack_is_never_copied(void **state)
{
    struct two t;
    struct point back;
    struct error err = ERROR_INIT;
    (void)state;
    open_two(&t);
    unsigned packs = packs_of(&t.from);
    for (unsigned n = 0; n < packs; n += 1 + packs / 8) {
        uint8_t *at = copy_fixture_damage_pack(&t.from, n);
        fixture_close(&t.to);
        copy_fixture_open(&t.to, 11, "vault-one");
        assert_ok(copy(&t, all, 3, &err), err);
        assert_true(t.counts.points_failed >= 1);
        assert_true(t.counts.points_failed + t.counts.points_copied == 3);
        assert_true(t.counts.packs_damaged <= 1);
        assert_true(t.told.damaged >= 1);
        for (int i = 0; i < 3; i++) {
            struct error missing = ERROR_INIT;
            struct vault_verify_result result;
            const struct vault_verify_options options = { .data = true };
            if (point_read(&t.to.vault, all[i], &back, &missing) != 0)
                continue;
            assert_ok(vault_verify(&t.to.vault, &all[i], 1, &options, &result, &err), err);
            assert_int_equal(result.damaged, 0);
        }
        *at ^= 0x40;
        assert_ok(copy(&t, all, 3, &err), err);
        assert_int_equal(t.counts.points_copied + t.counts.points_there, 3);
    }
    for (int i = 0; i < 3; i++)
        copy_fixture_same(&t.from, &t.to, all[i], &back);
    close_two(&t);
}

static void
without_a_key_a_damaged_directory_is_noticed(void **state)
{
    struct two t;
    struct error err = ERROR_INIT;
    enum object_class class = OBJECT_FORMAT;
    size_t len = 0;
    uint8_t *pack = NULL;
    (void)state;
    open_two(&t);
    t.keyless = true;
    for (size_t i = 0; class != OBJECT_PACK; i++)
        pack = fake_backend_object(t.from.fake, i, &class, &len);
    pack[len - 80] ^= 1;
    assert_ok(copy(&t, all, 3, &err), err);
    assert_int_equal(t.counts.packs_damaged, 1);
    assert_int_equal(t.counts.points_failed, 3);
    assert_int_equal(packs_of(&t.to), packs_of(&t.from) - 1);
    close_two(&t);
}

static void
another_vault_is_refused(void **state)
{
    struct two t;
    struct error err = ERROR_INIT;
    (void)state;
    open_two(&t);
    put_format(&t.to, 2);
    assert_int_equal(copy(&t, all, 3, &err), -1);
    assert_int_equal(err.kind, ERROR_CONFLICT);
    assert_int_equal(packs_of(&t.to), 0);
    close_two(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_replica_holds_the_same_bytes),
        cmocka_unit_test(only_the_packs_of_the_chosen_points_are_copied),
        cmocka_unit_test(a_copy_cut_off_anywhere_goes_on),
        cmocka_unit_test(a_damaged_pack_is_never_copied),
        cmocka_unit_test(without_a_key_a_damaged_directory_is_noticed),
        cmocka_unit_test(another_vault_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
