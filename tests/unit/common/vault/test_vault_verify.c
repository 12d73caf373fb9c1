#include "tests/unit/common/vault/vault_fixture.h"

#include "common/base/buffer.h"
#include "common/vault/catalog_edit.h"
#include "common/vault/pack_format.h"
#include "common/vault/point.h"
#include "common/vault/vault_verify.h"

#define ITEMS 60

static struct catalog_key
key_of(unsigned i, struct catalog_key_buffer *key)
{
    char id[32];
    int n = snprintf(id, sizeof(id), "file-%04u", i);
    catalog_key_make(CATALOG_FILE, id, (size_t)n, key, NULL);
    return catalog_key_of(key);
}

static void
make_point(struct vault_fixture *f, const char *id, struct point *point)
{
    struct error err = ERROR_INIT;
    struct catalog_edit *edit = catalog_edit_begin(f->reader, f->writer, NULL, NULL, &err);
    uint8_t *data = memory_new(300000);
    uint64_t random = 5;
    for (unsigned i = 0; i < ITEMS; i++) {
        struct catalog_key_buffer key;
        struct catalog_item item = { .kind = CATALOG_FILE, .key = key_of(i, &key), .name = "n" };
        size_t len = i % 20 == 0 ? 300000 : 2000;
        for (size_t b = 0; b < len; b++)
            data[b] = (uint8_t)(fixture_random(&random) >> 13);
        item.size = len;
        assert_ok(vault_writer_put(f->writer, VAULT_FILE, data, len, &item.content, &err), err);
        assert_ok(catalog_edit_put(edit, &item, &err), err);
    }
    free(data);
    memset(point, 0, sizeof(*point));
    snprintf(point->header.id, sizeof(point->header.id), "%s", id);
    snprintf(point->header.scope, sizeof(point->header.scope), "object-1");
    point->header.fence = 3;
    point->header.created_ms = 1234567890123;
    point->counts.items = ITEMS;
    point->counts.bytes_stored = 77;
    assert_ok(catalog_edit_commit(edit, &point->catalog, NULL, &err), err);
    assert_ok(point_commit(&f->vault, f->writer, point, "the cursor", 10, &err), err);
    catalog_edit_free(edit);
}

static void
a_point_comes_back_as_committed(void **state)
{
    struct vault_fixture f;
    struct point point, back;
    struct error err = ERROR_INIT;
    uint8_t *cursor;
    size_t len;
    (void)state;
    fixture_open(&f);
    make_point(&f, "point-a", &point);
    assert_ok(point_read(&f.vault, "point-a", &back, &err), err);
    assert_memory_equal(&back.header, &point.header, sizeof(back.header));
    assert_string_equal(back.tool_version, LONGHAUL_VERSION);
    assert_memory_equal(&back.catalog.items, &point.catalog.items, sizeof(struct tree_root));
    assert_int_equal(back.counts.items, ITEMS);
    assert_int_equal(back.counts.bytes_stored, 77);
    assert_ok(point_read_cursor(f.reader, &back, &cursor, &len, &err), err);
    assert_int_equal(len, 10);
    assert_memory_equal(cursor, "the cursor", 10);
    free(cursor);
    fixture_close(&f);
}

static void
every_flipped_byte_of_a_point_is_noticed(void **state)
{
    struct vault_fixture f;
    struct point point, back;
    enum object_class class;
    size_t len = 0;
    uint8_t *object = NULL;
    (void)state;
    fixture_open(&f);
    make_point(&f, "point-a", &point);
    for (size_t i = 0; i < fake_backend_objects(f.fake); i++) {
        object = fake_backend_object(f.fake, i, &class, &len);
        if (class == OBJECT_POINT)
            break;
    }
    for (size_t at = 0; at < len; at++) {
        struct error err = ERROR_INIT;
        object[at] ^= 1;
        assert_int_equal(point_read(&f.vault, "point-a", &back, &err), -1);
        object[at] ^= 1;
    }
    fixture_close(&f);
}

struct told {
    unsigned count;
    char text[512];
};

static int
on_damage(void *ctx, const struct vault_damage *damage, struct error *err)
{
    struct told *told = ctx;
    (void)err;
    told->count++;
    assert_true(damage->point_count <= 1);
    if (damage->point_count == 1)
        assert_string_equal(damage->points[0], "point-a");
    snprintf(told->text, sizeof(told->text), "%s", damage->meaning);
    return 0;
}

static unsigned
verify(struct vault_fixture *f, bool data, struct vault_verify_result *result)
{
    struct error err = ERROR_INIT;
    struct told told = { 0 };
    struct vault_verify_options options = { .data = data, .damage = on_damage, .ctx = &told };
    assert_ok(vault_verify(&f->vault, NULL, 0, &options, result, &err), err);
    assert_int_equal(result->damaged, told.count);
    return told.count;
}

static void
a_good_vault_verifies(void **state)
{
    struct vault_fixture f;
    struct point point;
    struct vault_verify_result result;
    (void)state;
    fixture_open(&f);
    make_point(&f, "point-a", &point);
    assert_int_equal(verify(&f, false, &result), 0);
    assert_int_equal(result.items, ITEMS);
    assert_int_equal(verify(&f, true, &result), 0);
    assert_int_equal(result.points, 1);
    assert_in_range(result.bytes, 3 * 300000 + 57 * 2000, 3 * 300000 + 57 * 2000 + 40000);
    fixture_close(&f);
}

static void
damage_is_named_and_contained(void **state)
{
    struct vault_fixture f;
    struct point point;
    struct vault_verify_result result;
    enum object_class class;
    size_t len;
    (void)state;
    fixture_open(&f);
    make_point(&f, "point-a", &point);
    uint8_t *pack = fake_backend_object(f.fake, 0, &class, &len);
    assert_int_equal(class, OBJECT_PACK);
    pack[PACK_NAME_LEN + 500000] ^= 1;
    assert_int_equal(verify(&f, false, &result), 0);
    unsigned damaged = verify(&f, true, &result);
    assert_in_range(damaged, 1, ITEMS);
    assert_int_equal(result.items, ITEMS);
    fixture_close(&f);
}

/* Another id in the directory, and a digest that fits it: what somebody without the key can do. */
static void
rewrite_directory(uint8_t *pack, size_t len)
{
    struct error err = ERROR_INIT;
    struct pack_trailer trailer;
    CLEANUP(buffer_clear) struct buffer end = BUFFER_INIT(PACK_TRAILER_LEN);
    assert_ok(pack_trailer_decode(pack + len - PACK_TRAILER_LEN, len, &trailer, &err), err);
    uint8_t *directory = pack + len - PACK_TRAILER_LEN - trailer.directory_len;
    directory[trailer.directory_len - 1] ^= 1;
    assert_ok(pack_trailer_append(&trailer, pack, directory, &end, &err), err);
    memcpy(pack + len - PACK_TRAILER_LEN, end.data, end.len);
    struct pack_parts parts = { pack, directory, trailer.directory_len + (size_t)PACK_TRAILER_LEN, len };
    assert_ok(pack_directory_walk(&parts, NULL, NULL, NULL, &err), err);
}

static void
a_rewritten_directory_is_found(void **state)
{
    struct vault_fixture f;
    struct point point;
    struct vault_verify_result result;
    enum object_class class;
    size_t len;
    (void)state;
    fixture_open(&f);
    make_point(&f, "point-a", &point);
    uint8_t *pack = fake_backend_object(f.fake, 0, &class, &len);
    assert_int_equal(class, OBJECT_PACK);
    CLEANUP(memory_free_p) uint8_t *good = memory_new(len);
    memcpy(good, pack, len);
    assert_int_equal(verify(&f, false, &result), 0);
    assert_int_equal(result.packs, 1);
    rewrite_directory(pack, len);
    assert_int_equal(verify(&f, false, &result), 1);
    assert_int_equal(verify(&f, true, &result), 1);
    memcpy(pack, good, len);
    struct pack_trailer trailer;
    pack_trailer_decode(pack + len - PACK_TRAILER_LEN, len, &trailer, NULL);
    for (size_t back = 1; back <= trailer.directory_len + (size_t)PACK_TRAILER_LEN; back++) {
        pack[len - back] ^= 8;
        assert_int_equal(verify(&f, false, &result), 1);
        pack[len - back] ^= 8;
    }
    assert_int_equal(verify(&f, true, &result), 0);
    fixture_close(&f);
}

static void
a_missing_pack_is_damage_also_without_reading_data(void **state)
{
    struct vault_fixture f;
    struct point point;
    struct vault_verify_result result;
    (void)state;
    fixture_open(&f);
    make_point(&f, "point-a", &point);
    fake_backend_drop(f.fake, 0);
    assert_true(verify(&f, false, &result) >= 1);
    fixture_close(&f);
}

static void
an_unreachable_backend_is_an_error_and_not_damage(void **state)
{
    struct vault_fixture f;
    struct point point;
    struct vault_verify_result result;
    struct told told = { 0 };
    struct vault_verify_options options = { .data = true, .damage = on_damage, .ctx = &told };
    (void)state;
    fixture_open(&f);
    make_point(&f, "point-a", &point);
    for (int after = 0; after < 6; after++) {
        struct error err = ERROR_INIT;
        fake_backend_fail_after(f.fake, after);
        assert_int_equal(vault_verify(&f.vault, NULL, 0, &options, &result, &err), -1);
        assert_int_equal(err.kind, ERROR_NETWORK);
        fake_backend_fail_after(f.fake, -1);
    }
    assert_int_equal(told.count, 0);
    fixture_close(&f);
}

/* Samples that go on where the last one ended read everything once in a round, and no more. */
static void
samples_in_rotation_read_everything_once(void **state)
{
    struct vault_fixture f;
    struct point point;
    struct vault_verify_result result;
    struct vault_verify_options options = { .data = true, .sample_ppm = 200000, .sample_start = 12345 };
    uint64_t groups = 0, bytes = 0, total = 0;
    (void)state;
    fixture_open(&f);
    make_point(&f, "point-a", &point);
    for (int i = 0; i < 5; i++) {
        struct error err = ERROR_INIT;
        assert_ok(vault_verify(&f.vault, NULL, 0, &options, &result, &err), err);
        groups += result.groups;
        bytes += result.stored_bytes;
        total = result.stored_total;
        options.sample_start = result.sample_next;
    }
    assert_int_equal(bytes, total);
    options.sample_ppm = 0;
    struct error err = ERROR_INIT;
    assert_ok(vault_verify(&f.vault, NULL, 0, &options, &result, &err), err);
    assert_int_equal(result.groups, groups);
    assert_int_equal(result.stored_bytes, total);
    fixture_close(&f);
}

struct seen {
    unsigned items, packs, most_points;
    enum vault_newest newest;
};

static int
on_seen(void *ctx, const struct vault_damage *damage, struct error *err)
{
    struct seen *seen = ctx;
    (void)err;
    if (damage->item.len > 0) {
        seen->items++;
        seen->newest = damage->newest;
        if (damage->point_count > seen->most_points)
            seen->most_points = (unsigned)damage->point_count;
        assert_non_null(strstr(damage->meaning, "Restoring this item from 2 recovery points will fail"));
        assert_true(strlen(damage->advice) > 0);
    }
    seen->packs += damage->pack[0] != '\0';
    return 0;
}

/* Two points with the same items: each is told once, with both, and read once. */
static void
an_item_is_told_once_with_all_its_points(void **state)
{
    struct vault_fixture f;
    struct point first, second;
    struct vault_verify_result whole, result;
    struct seen seen = { 0 };
    struct vault_verify_options options = { .data = true, .damage = on_seen, .ctx = &seen };
    struct error err = ERROR_INIT;
    enum object_class class;
    size_t len;
    (void)state;
    fixture_open(&f);
    make_point(&f, "point-a", &first);
    make_point(&f, "point-b", &second);
    assert_ok(vault_verify(&f.vault, NULL, 0, &options, &whole, &err), err);
    assert_int_equal(whole.items, ITEMS);
    assert_in_range(whole.bytes, 3 * 300000 + 57 * 2000, 3 * 300000 + 57 * 2000 + 40000);
    uint8_t *pack = fake_backend_object(f.fake, 0, &class, &len);
    pack[500000] ^= 1;
    assert_ok(vault_verify(&f.vault, NULL, 0, &options, &result, &err), err);
    assert_in_range(seen.items, 1, ITEMS - 1);
    assert_int_equal(result.damaged_items, seen.items);
    assert_int_equal(result.damaged_points, 2);
    assert_int_equal(result.marks, 1);
    assert_int_equal(seen.most_points, 2);
    assert_int_equal(seen.newest, VAULT_NEWEST_DAMAGED);
    assert_int_equal(seen.packs, seen.items);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_point_comes_back_as_committed),
        cmocka_unit_test(every_flipped_byte_of_a_point_is_noticed),
        cmocka_unit_test(a_good_vault_verifies),
        cmocka_unit_test(damage_is_named_and_contained),
        cmocka_unit_test(a_rewritten_directory_is_found),
        cmocka_unit_test(a_missing_pack_is_damage_also_without_reading_data),
        cmocka_unit_test(samples_in_rotation_read_everything_once),
        cmocka_unit_test(an_item_is_told_once_with_all_its_points),
        cmocka_unit_test(an_unreachable_backend_is_an_error_and_not_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
