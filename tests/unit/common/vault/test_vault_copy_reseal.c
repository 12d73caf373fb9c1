#include "tests/unit/common/vault/copy_fixture.h"

#include <unistd.h>

#define ITEMS 200

struct two {
    struct vault_fixture from, to;
    struct copy_told told;
    struct vault_copy_options options;
    struct vault_copy_counts counts;
    struct point a, b;
};

static void
open_two(struct two *t)
{
    memset(t, 0, sizeof(*t));
    copy_fixture_open(&t->from, 11, "vault-one");
    copy_fixture_open(&t->to, 12, "vault-two");
    t->options = copy_fixture_options(&t->told);
    copy_fixture_commit(&t->from, &(struct copy_state){ "point-a", "object-1", NULL, 0, ITEMS, 1, 0 }, &t->a);
}

static void
close_two(struct two *t)
{
    fixture_close(&t->from);
    fixture_close(&t->to);
}

static void
commit_b(struct two *t)
{
    fixture_reopen(&t->from);
    copy_fixture_commit(&t->from, &(struct copy_state){ "point-b", "object-1", &t->a, 50, 3, 2, 2 }, &t->b);
}

static int
copy(struct two *t, const char *const *ids, size_t count, struct error *err)
{
    t->options = copy_fixture_options(&t->told);
    return vault_copy_reseal(&t->from.vault, &t->to.vault, ids, count, &t->options, &t->counts, err);
}

static const char *const only_a[] = { "point-a" };
static const char *const a_and_b[] = { "point-a", "point-b" };

static void
a_copy_under_other_keys_holds_the_same(void **state)
{
    struct two t;
    struct point back;
    struct error err = ERROR_INIT;
    (void)state;
    open_two(&t);
    assert_ok(copy(&t, only_a, 1, &err), err);
    assert_int_equal(t.counts.points_copied, 1);
    assert_int_equal(t.told.copied, 1);
    assert_int_equal(t.counts.damaged, 0);
    assert_int_equal(t.counts.items_done, ITEMS);
    assert_int_equal(t.counts.items_total, ITEMS);
    copy_fixture_same(&t.from, &t.to, "point-a", &back);
    assert_string_equal(back.copied_from, "vault-one");
    assert_int_equal(back.header.fence, 9);
    assert_memory_not_equal(&back.catalog.items.id, &t.a.catalog.items.id, sizeof(back.catalog.items.id));
    close_two(&t);
}

static void
a_copy_of_little_reads_and_writes_little(void **state)
{
    struct two t;
    struct point back, whole;
    struct vault_fixture other;
    struct error err = ERROR_INIT;
    (void)state;
    open_two(&t);
    assert_ok(copy(&t, only_a, 1, &err), err);
    uint64_t full = t.counts.contents_read, bytes = t.counts.bytes_stored;
    assert_true(full >= ITEMS);
    commit_b(&t);
    assert_ok(copy(&t, a_and_b, 2, &err), err);
    assert_int_equal(t.counts.points_there, 1);
    assert_int_equal(t.counts.points_copied, 1);
    assert_int_equal(t.counts.items_done, 3);
    assert_int_equal(t.counts.contents_read, 3);
    assert_true(t.counts.bytes_stored < bytes / 10);
    copy_fixture_same(&t.from, &t.to, "point-b", &back);
    assert_string_equal(back.previous, "point-a");
    /* The same state copied from nothing has the same roots. */
    copy_fixture_open(&other, 12, "vault-two");
    t.options = copy_fixture_options(&t.told);
    assert_ok(vault_copy_reseal(&t.from.vault, &other.vault, a_and_b + 1, 1, &t.options, &t.counts, &err), err);
    assert_ok(point_read(&other.vault, "point-b", &whole, &err), err);
    assert_memory_equal(&whole.catalog.items, &back.catalog.items, sizeof(back.catalog.items));
    assert_memory_equal(&whole.catalog.children, &back.catalog.children, sizeof(back.catalog.children));
    fixture_close(&other);
    close_two(&t);
}

static void
what_is_there_already_is_not_written_again(void **state)
{
    struct two t;
    struct point other;
    struct error err = ERROR_INIT;
    (void)state;
    open_two(&t);
    copy_fixture_commit(&t.to, &(struct copy_state){ "point-z", "object-1", NULL, 0, ITEMS, 1, 0 }, &other);
    assert_ok(copy(&t, only_a, 1, &err), err);
    assert_true(t.counts.bytes_stored < 1000);
    close_two(&t);
}

static void
a_copy_cut_off_anywhere_goes_on(void **state)
{
    struct two t;
    struct point back;
    bool done = false;
    (void)state;
    open_two(&t);
    commit_b(&t);
    for (int after = 0; !done; after += 1 + after / 6) {
        struct vault_fixture *side = after % 2 == 0 ? &t.to : &t.from;
        struct error err = ERROR_INIT;
        fake_backend_fail_after(side->fake, after);
        done = copy(&t, a_and_b, 2, &err) == 0;
        if (!done)
            assert_int_equal(err.kind, ERROR_NETWORK);
        assert_int_equal(t.counts.damaged, 0);
        fake_backend_fail_after(side->fake, -1);
        /* A point that is there is whole. */
        for (int i = 0; i < 2; i++) {
            struct vault_verify_result result;
            struct error missing = ERROR_INIT;
            const struct vault_verify_options options = { .data = false };
            if (point_read(&t.to.vault, a_and_b[i], &back, &missing) != 0)
                continue;
            assert_ok(vault_verify(&t.to.vault, &a_and_b[i], 1, &options, &result, &missing), missing);
            assert_int_equal(result.damaged, 0);
        }
    }
    copy_fixture_same(&t.from, &t.to, "point-a", &back);
    copy_fixture_same(&t.from, &t.to, "point-b", &back);
    close_two(&t);
}

static void
on_progress_cancel(void *ctx, const struct vault_copy_counts *counts)
{
    bool *cancelled = ((struct copy_told *)ctx)->cancelled;
    *cancelled = counts->items_done > 0;
}

static void
what_a_cut_off_copy_brought_is_not_read_again(void **state)
{
    struct two t;
    struct point back;
    struct error err = ERROR_INIT;
    bool cancelled = false;
    char folder[] = "/tmp/copy-refs-XXXXXX", path[64];
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/refs", folder);
    open_two(&t);
    t.options.refs_path = path;
    t.options.checkpoint_bytes = 1;
    t.options.cancelled = &cancelled;
    t.options.progress = on_progress_cancel;
    t.told.cancelled = &cancelled;
    assert_int_equal(vault_copy_reseal(&t.from.vault, &t.to.vault, only_a, 1, &t.options, &t.counts, &err), -1);
    assert_int_equal(err.kind, ERROR_CANCELLED);
    uint64_t read = t.counts.contents_read;
    assert_true(read >= ITEMS);
    err = (struct error)ERROR_INIT;
    t.options = copy_fixture_options(&t.told);
    t.options.refs_path = path;
    assert_ok(vault_copy_reseal(&t.from.vault, &t.to.vault, only_a, 1, &t.options, &t.counts, &err), err);
    assert_int_equal(t.counts.contents_read, 0);
    assert_int_equal(t.counts.contents_known, read);
    copy_fixture_same(&t.from, &t.to, "point-a", &back);
    /* Another destination with the same keys does not have what the file says. */
    fixture_close(&t.to);
    copy_fixture_open(&t.to, 12, "vault-two");
    assert_ok(vault_copy_reseal(&t.from.vault, &t.to.vault, only_a, 1, &t.options, &t.counts, &err), err);
    assert_int_equal(t.counts.contents_read, read);
    copy_fixture_same(&t.from, &t.to, "point-a", &back);
    close_two(&t);
    unlink(path);
    rmdir(folder);
}

static int
on_find_flagged(void *ctx, const struct catalog_item *item, struct error *err)
{
    unsigned *found = ctx;
    (void)err;
    if ((item->flags & CATALOG_FLAG_DAMAGED) == 0)
        return 0;
    ++*found;
    assert_null(item->tag);
    assert_true(item->content.form == CONTENT_NONE || item->metadata_ref.form == CONTENT_NONE);
    return 0;
}

static void
damage_is_named_marked_and_healed_by_the_next_copy(void **state)
{
    struct two t;
    struct point back;
    struct error err = ERROR_INIT;
    unsigned flagged = 0;
    (void)state;
    open_two(&t);
    uint8_t *at = copy_fixture_damage_pack(&t.from, 0);
    assert_ok(copy(&t, only_a, 1, &err), err);
    assert_true(t.told.items > 0);
    assert_int_equal(t.counts.damaged, t.told.damaged);
    assert_non_null(strstr(t.told.text, "damaged in the source"));
    assert_ok(point_read(&t.to.vault, "point-a", &back, &err), err);
    assert_int_equal(back.catalog.items.count, ITEMS);
    fixture_reopen(&t.to);
    struct catalog *catalog = catalog_open(t.to.reader, &back.catalog);
    assert_ok(catalog_walk(catalog, (struct catalog_key){ NULL, 0 }, on_find_flagged, &flagged, &err), err);
    catalog_close(catalog);
    assert_true(flagged > 0);
    assert_int_equal(back.counts.items_damaged, flagged);
    *at ^= 0x40;
    commit_b(&t);
    assert_ok(copy(&t, a_and_b, 2, &err), err);
    assert_int_equal(t.counts.damaged, 0);
    assert_true(t.counts.items_done < ITEMS);
    copy_fixture_same(&t.from, &t.to, "point-b", &back);
    assert_int_equal(back.counts.items_damaged, 0);
    close_two(&t);
}

static void
a_point_without_its_catalog_is_told_and_left_out(void **state)
{
    struct two t;
    struct error err = ERROR_INIT, missing = ERROR_INIT;
    struct point back;
    (void)state;
    open_two(&t);
    for (size_t i = fake_backend_objects(t.from.fake); i > 0; i--) {
        enum object_class class;
        size_t len;
        fake_backend_object(t.from.fake, i - 1, &class, &len);
        if (class == OBJECT_PACK)
            fake_backend_drop(t.from.fake, i - 1);
    }
    assert_ok(copy(&t, only_a, 1, &err), err);
    assert_int_equal(t.counts.points_failed, 1);
    assert_int_equal(t.told.damaged, 1);
    assert_int_equal(point_read(&t.to.vault, "point-a", &back, &missing), -1);
    assert_int_equal(missing.kind, ERROR_NOT_FOUND);
    close_two(&t);
}

static void
a_point_that_has_gone_is_counted_and_no_damage(void **state)
{
    static const char *const gone[] = { "point-gone", "point-a" };
    struct two t;
    struct error err = ERROR_INIT;
    (void)state;
    open_two(&t);
    assert_ok(copy(&t, gone, 2, &err), err);
    assert_int_equal(t.counts.points_gone, 1);
    assert_int_equal(t.counts.points_copied, 1);
    assert_int_equal(t.told.damaged, 0);
    close_two(&t);
}

static void
a_cancelled_copy_ends(void **state)
{
    struct two t;
    struct error err = ERROR_INIT;
    bool cancelled = true;
    (void)state;
    open_two(&t);
    t.options.cancelled = &cancelled;
    assert_int_equal(vault_copy_reseal(&t.from.vault, &t.to.vault, only_a, 1, &t.options, &t.counts, &err), -1);
    assert_int_equal(err.kind, ERROR_CANCELLED);
    close_two(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_under_other_keys_holds_the_same),
        cmocka_unit_test(a_copy_of_little_reads_and_writes_little),
        cmocka_unit_test(what_is_there_already_is_not_written_again),
        cmocka_unit_test(a_copy_cut_off_anywhere_goes_on),
        cmocka_unit_test(what_a_cut_off_copy_brought_is_not_read_again),
        cmocka_unit_test(damage_is_named_marked_and_healed_by_the_next_copy),
        cmocka_unit_test(a_point_without_its_catalog_is_told_and_left_out),
        cmocka_unit_test(a_point_that_has_gone_is_counted_and_no_damage),
        cmocka_unit_test(a_cancelled_copy_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
