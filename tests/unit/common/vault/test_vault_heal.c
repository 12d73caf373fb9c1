#include "common/vault/vault_heal.h"

#include "tests/unit/common/vault/copy_fixture.h"

#define ITEMS 400

/* A vault, and a copy of it under other keys. */
struct two {
    struct vault_fixture vault, copy;
    struct point point;
    struct copy_told told;
    unsigned healed, left, items;
};

static void
open_two(struct two *t)
{
    struct error err = ERROR_INIT;
    struct vault_copy_counts counts;
    memset(t, 0, sizeof(*t));
    copy_fixture_open(&t->vault, 21, "vault-one");
    copy_fixture_open(&t->copy, 22, "vault-two");
    vault_writer_close(t->vault.writer);
    fixture_open_writer(&t->vault, 64 << 10);
    copy_fixture_commit(&t->vault, &(struct copy_state){ "point-a", "object-1", NULL, 0, ITEMS, 1, 0 }, &t->point);
    const struct vault_copy_options options = copy_fixture_options(&t->told);
    assert_ok(
        vault_copy_reseal(&t->vault.vault, &t->copy.vault, &(const char *){ "point-a" }, 1, &options, &counts, &err),
        err);
}

static void
close_two(struct two *t)
{
    fixture_close(&t->vault);
    fixture_close(&t->copy);
}

static int
on_left(void *ctx, const char *point, struct catalog_key item, const struct error *cause, struct error *err)
{
    struct two *t = ctx;
    (void)cause;
    (void)err;
    assert_string_equal(point, "point-a");
    t->left++;
    t->items += item.len > 0;
    return 0;
}

static int
on_healed(void *ctx, const char *point, struct catalog_key item, struct error *err)
{
    struct two *t = ctx;
    (void)item;
    (void)err;
    assert_string_equal(point, "point-a");
    t->healed++;
    return 0;
}

static struct vault_heal_result
heal(struct two *t, struct vault *from)
{
    struct error err = ERROR_INIT;
    struct vault_heal_result result;
    const struct vault_heal_options options = {
        .writer = { .pack_bytes = 64 << 10 }, .ctx = t, .left = on_left, .healed = on_healed
    };
    t->healed = t->left = t->items = 0;
    assert_ok(vault_heal(&t->vault.vault, from, &options, &result, &err), err);
    assert_int_equal(result.healed, t->healed);
    assert_int_equal(result.left, t->left);
    return result;
}

static uint64_t
damaged(struct two *t)
{
    struct error err = ERROR_INIT;
    struct vault_verify_result result;
    const struct vault_verify_options options = { .data = true };
    assert_ok(vault_verify(&t->vault.vault, NULL, 0, &options, &result, &err), err);
    return result.damaged;
}

/* Forgets every pack for which the random bit is set, as if somebody had deleted it. */
static unsigned
lose_packs(struct two *t, uint64_t *random)
{
    unsigned lost = 0;
    for (size_t i = fake_backend_objects(t->vault.fake); i-- > 0;) {
        enum object_class class;
        size_t len;
        fake_backend_object(t->vault.fake, i, &class, &len);
        if (class != OBJECT_PACK || (random != NULL && fixture_random(random) % 3 != 0))
            continue;
        fake_backend_forget_pack(t->vault.fake, i);
        lost++;
    }
    return lost;
}

static void
everything_comes_back_under_the_same_names(void **state)
{
    struct two t;
    struct point back;
    (void)state;
    open_two(&t);
    assert_true(lose_packs(&t, NULL) > 0);
    struct vault_heal_result result = heal(&t, NULL);
    assert_true(result.left > 0);
    assert_int_equal(result.healed, 0);
    result = heal(&t, &t.copy.vault);
    assert_int_equal(result.left, 0);
    /* These records do not tell a message's parts, as a backup's do: the second try comes out the same. */
    assert_int_equal(result.catalogs_rebuilt, 2);
    assert_true(result.healed > 0 && result.bytes_stored > 0);
    assert_int_equal(damaged(&t), 0);
    copy_fixture_same(&t.copy, &t.vault, "point-a", &back);
    assert_memory_equal(&back.catalog, &t.point.catalog, sizeof(back.catalog));
    result = heal(&t, &t.copy.vault);
    assert_int_equal(result.healed + result.left + result.bytes_stored, 0);
    close_two(&t);
}

/* Some of the nodes, some of the contents, each time others. */
static void
whatever_is_lost_comes_back(void **state)
{
    struct two t;
    struct point back;
    uint64_t random = 4711;
    (void)state;
    open_two(&t);
    for (int round = 0; round < 6; round++) {
        if (lose_packs(&t, &random) == 0)
            continue;
        struct vault_heal_result result = heal(&t, &t.copy.vault);
        assert_int_equal(result.left, 0);
        assert_true(result.healed > 0);
        assert_int_equal(damaged(&t), 0);
    }
    copy_fixture_same(&t.copy, &t.vault, "point-a", &back);
    assert_memory_equal(&back.catalog, &t.point.catalog, sizeof(back.catalog));
    close_two(&t);
}

/* The point as it was before is gone; the same state is there again, with other salt. */
static void
a_damaged_point_is_made_anew(void **state)
{
    struct two t;
    struct point back;
    (void)state;
    open_two(&t);
    lose_packs(&t, NULL);
    for (size_t i = fake_backend_objects(t.vault.fake); i-- > 0;) {
        enum object_class class;
        size_t len;
        uint8_t *data = fake_backend_object(t.vault.fake, i, &class, &len);
        if (class == OBJECT_POINT)
            data[len / 2] ^= 1;
    }
    struct vault_heal_result result = heal(&t, NULL);
    assert_int_equal(result.left, 1);
    result = heal(&t, &t.copy.vault);
    assert_int_equal(result.left, 0);
    assert_int_equal(result.points_replaced, 1);
    copy_fixture_same(&t.copy, &t.vault, "point-a", &back);
    assert_string_equal(back.copied_from, "vault-two");
    close_two(&t);
}

static void
an_item_that_the_copy_lacks_is_left_and_told(void **state)
{
    struct two t;
    struct error err = ERROR_INIT;
    struct point there;
    (void)state;
    open_two(&t);
    lose_packs(&t, NULL);
    copy_fixture_damage_pack(&t.copy, 0);
    assert_ok(point_read(&t.copy.vault, "point-a", &there, &err), err);
    struct vault_heal_result result = heal(&t, &t.copy.vault);
    assert_true(result.left > 0);
    /* What could be had is there: a second time finds no more to do. */
    result = heal(&t, &t.copy.vault);
    assert_true(result.left > 0);
    assert_int_equal(result.bytes_stored, 0);
    assert_int_equal(result.left, damaged(&t));
    close_two(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_comes_back_under_the_same_names),
        cmocka_unit_test(whatever_is_lost_comes_back),
        cmocka_unit_test(a_damaged_point_is_made_anew),
        cmocka_unit_test(an_item_that_the_copy_lacks_is_left_and_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
