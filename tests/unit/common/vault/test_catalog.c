#include "tests/unit/common/vault/vault_fixture.h"

#include "common/vault/catalog_edit.h"
#include "common/vault/catalog_folder.h"

#define IDS 3000

/* The model: what the catalog should hold. */
struct model_item {
    bool there;
    unsigned parent; /* folder number + 1; 0: top */
    unsigned version;
};

struct model {
    struct model_item items[IDS]; /* the first tenth are folders */
};

static bool
is_folder(unsigned i)
{
    return i < IDS / 10;
}

static struct catalog_key
key_of(unsigned i, struct catalog_key_buffer *out)
{
    static const enum catalog_kind containers[] = { CATALOG_FOLDER, CATALOG_CALENDAR, CATALOG_CONTACT_FOLDER,
                                                    CATALOG_TASK_LIST };
    static const enum catalog_kind leaves[] = { CATALOG_MESSAGE, CATALOG_FILE, CATALOG_EVENT,
                                                CATALOG_CONTACT, CATALOG_TASK, CATALOG_SETTING };
    char id[64];
    int n = snprintf(id, sizeof(id), "AAkALgAAAAAAHYQDEapmEc2byACqAC%08x", i * 2654435761u);
    catalog_key_make(is_folder(i) ? containers[i % ARRAY_LEN(containers)] : leaves[i % ARRAY_LEN(leaves)], id,
                     (size_t)n, out, NULL);
    return catalog_key_of(out);
}

static void
make_item(unsigned i, const struct model_item *model, struct catalog_item *item, struct catalog_key_buffer keys[2],
          char text[2][64])
{
    memset(item, 0, sizeof(*item));
    item->key = key_of(i, &keys[0]);
    item->kind = (enum catalog_kind)item->key.bytes[0];
    if (model->parent > 0)
        item->parent = key_of(model->parent - 1, &keys[1]);
    snprintf(text[0], 64, "Näme %u-%u", i % 97, model->version);
    snprintf(text[1], 64, "%u", model->version);
    item->name = text[0];
    item->tag = text[1];
    item->size = i;
    item->received_ms = (int64_t)(i % 50) * 1000;
    item->modified_ms = -(int64_t)i;
    item->flags = i % 2 == 0 ? CATALOG_FLAG_READ : 0;
    item->metadata = (const uint8_t *)"{\"a\":1}";
    item->metadata_len = 7;
    item->content = (struct content_ref){ .form = CONTENT_CHUNK, .len = i + 1 };
    memcpy(item->content.id.bytes, &i, sizeof(i));
}

static void
edit_put(struct catalog_edit *edit, unsigned i, const struct model_item *model)
{
    struct error err = ERROR_INIT;
    struct catalog_item item;
    struct catalog_key_buffer keys[2];
    char text[2][64];
    make_item(i, model, &item, keys, text);
    assert_ok(catalog_edit_put(edit, &item, &err), err);
}

static struct catalog_root
build(struct vault_fixture *f, const struct model *model, size_t memory)
{
    struct error err = ERROR_INIT;
    struct catalog_root root;
    struct catalog_edit_options options = { .memory_bytes = memory, .temp_dir = "/tmp" };
    struct catalog_edit *edit = catalog_edit_begin(f->reader, f->writer, NULL, &options, &err);
    for (unsigned i = IDS; i > 0; i--) {
        if (model->items[i - 1].there)
            edit_put(edit, i - 1, &model->items[i - 1]);
    }
    assert_ok(catalog_edit_commit(edit, &root, NULL, &err), err);
    assert_ok(vault_writer_flush(f->writer, &err), err);
    catalog_edit_free(edit);
    return root;
}

struct check {
    const struct model *model;
    struct catalog *catalog;
    unsigned seen;
    struct catalog_key last;
    uint8_t last_bytes[CATALOG_KEY_MAX];
};

static void
assert_item_is(const struct model *model, unsigned i, const struct catalog_item *item, bool whole)
{
    struct catalog_item expected;
    struct catalog_key_buffer keys[2];
    char text[2][64];
    assert_true(model->items[i].there);
    make_item(i, &model->items[i], &expected, keys, text);
    assert_true(catalog_key_equal(item->key, expected.key));
    assert_true(catalog_key_equal(item->parent, expected.parent));
    assert_string_equal(item->name, expected.name);
    assert_int_equal(item->size, expected.size);
    assert_int_equal(item->modified_ms, expected.modified_ms);
    assert_int_equal(item->flags, expected.flags);
    if (!whole)
        return;
    assert_string_equal(item->tag, expected.tag);
    assert_true(content_equal(&item->content, &expected.content));
    assert_int_equal(item->metadata_len, 7);
    assert_null(item->subject);
}

static int
on_walked(void *ctx, const struct catalog_item *item, struct error *err)
{
    struct check *check = ctx;
    (void)err;
    assert_item_is(check->model, (unsigned)item->size, item, true);
    if (check->seen++ > 0) {
        size_t common = item->key.len < check->last.len ? item->key.len : check->last.len;
        int order = memcmp(check->last_bytes, item->key.bytes, common);
        assert_true(order < 0 || (order == 0 && check->last.len < item->key.len));
    }
    memcpy(check->last_bytes, item->key.bytes, item->key.len);
    check->last.len = item->key.len;
    return 0;
}

static int
on_listed(void *ctx, const struct catalog_item *item, struct error *err)
{
    struct check *check = ctx;
    (void)err;
    assert_item_is(check->model, (unsigned)item->size, item, false);
    check->seen++;
    return 0;
}

static void
assert_holds(struct vault_fixture *f, const struct model *model, const struct catalog_root *root)
{
    struct error err = ERROR_INIT;
    unsigned count = 0, children[IDS / 10 + 1] = { 0 }, folders_checked = 0;
    for (unsigned i = 0; i < IDS; i++) {
        if (model->items[i].there) {
            count++;
            children[model->items[i].parent]++;
        }
    }
    struct check check = { .model = model };
    check.catalog = catalog_open(f->reader, root);
    assert_int_equal(catalog_count(root), count);
    assert_ok(catalog_walk(check.catalog, (struct catalog_key){ NULL, 0 }, on_walked, &check, &err), err);
    assert_int_equal(check.seen, count);
    for (unsigned parent = 0; parent <= IDS / 10; parent += 13, folders_checked++) {
        struct catalog_key_buffer key = { .len = 0 };
        uint64_t total;
        check.seen = 0;
        if (parent > 0)
            key_of(parent - 1, &key);
        for (uint64_t at = 0;; at += 7) {
            struct catalog_slice slice = { at, 7 };
            assert_ok(catalog_list(check.catalog, catalog_key_of(&key), slice, on_listed, &check, &total, &err), err);
            if (at + 7 >= total)
                break;
        }
        assert_int_equal(total, children[parent]);
        assert_int_equal(check.seen, children[parent]);
    }
    for (unsigned i = 0; i < IDS; i += 11) {
        struct catalog_key_buffer key;
        struct catalog_item item;
        struct error why = ERROR_INIT;
        int failed = catalog_get(check.catalog, key_of(i, &key), &item, &why);
        assert_int_equal(failed, model->items[i].there ? 0 : -1);
        if (failed == 0)
            assert_item_is(model, i, &item, true);
        else
            assert_int_equal(why.kind, ERROR_NOT_FOUND);
    }
    catalog_close(check.catalog);
}

static void
change_some(struct model *model, unsigned how_many, uint64_t *random, struct catalog_edit *edit)
{
    for (unsigned n = 0; n < how_many; n++) {
        unsigned i = (unsigned)(fixture_random(random) % IDS);
        struct model_item *item = &model->items[i];
        struct catalog_key_buffer key;
        struct error err = ERROR_INIT;
        if (fixture_random(random) % 3 == 0) {
            item->there = false;
            assert_ok(catalog_edit_remove(edit, key_of(i, &key), &err), err);
            continue;
        }
        item->there = true;
        item->version++;
        item->parent = (unsigned)(fixture_random(random) % (IDS / 10 + 1));
        edit_put(edit, i, item);
    }
}

static void
random_histories_agree(unsigned version)
{
    struct vault_fixture f;
    struct model *model = MEMORY_NEW(struct model);
    struct catalog_root root = { 0 };
    uint64_t random = 20260914;
    fixture_open(&f);
    f.vault.version = (uint8_t)version;
    for (int round = 0; round < 12; round++) {
        struct error err = ERROR_INIT;
        struct catalog_root next;
        struct catalog_edit_options options = { .memory_bytes = round % 2 == 0 ? 0 : 20000, .temp_dir = "/tmp" };
        struct catalog_edit *edit = catalog_edit_begin(f.reader, f.writer, &root, &options, &err);
        change_some(model, round < 4 ? 1500 : 40, &random, edit);
        assert_ok(catalog_edit_commit(edit, &next, NULL, &err), err);
        assert_ok(vault_writer_flush(f.writer, &err), err);
        catalog_edit_free(edit);
        root = next;
        struct catalog_root fresh = build(&f, model, round % 2 == 0 ? 30000 : 0);
        assert_memory_equal(&fresh.items.id, &root.items.id, CHUNK_ID_LEN);
        assert_memory_equal(&fresh.children.id, &root.children.id, CHUNK_ID_LEN);
        assert_int_equal(fresh.items.height, root.items.height);
        if (round % 4 == 3)
            assert_holds(&f, model, &root);
    }
    free(model);
    fixture_close(&f);
}

static void
random_histories_agree_with_a_plain_map(void **state)
{
    (void)state;
    random_histories_agree(VAULT_FORMAT_NEWEST);
}

static void
random_histories_agree_in_a_vault_of_version_2(void **state)
{
    (void)state;
    random_histories_agree(2);
}

/* What was cut in one way is never cut in another: the roots of one map, as programs of each version's time made them.
 */
static void
each_version_keeps_its_roots(void **state)
{
    static const struct {
        unsigned version, height;
        uint8_t items[4], children[4];
    } cases[] = {
        { 1, 2, { 0xe2, 0x44, 0x98, 0x32 }, { 0xdf, 0x11, 0x79, 0x13 } },
        { 2, 2, { 0xe2, 0x44, 0x98, 0x32 }, { 0xdf, 0x11, 0x79, 0x13 } },
        { 3, 4, { 0x8f, 0x6a, 0xe0, 0x17 }, { 0x6f, 0xd5, 0x60, 0xcc } },
    };
    struct model *model = MEMORY_NEW(struct model);
    (void)state;
    for (unsigned i = 0; i < IDS; i++)
        model->items[i] = (struct model_item){ i % 7 != 0, is_folder(i) ? 0 : i % 40, i % 3 };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct vault_fixture f;
        fixture_open(&f);
        f.vault.version = (uint8_t)cases[i].version;
        struct catalog_root root = build(&f, model, 0);
        assert_int_equal(root.items.height, cases[i].height);
        assert_memory_equal(root.items.id.bytes, cases[i].items, sizeof(cases[i].items));
        assert_memory_equal(root.children.id.bytes, cases[i].children, sizeof(cases[i].children));
        fixture_close(&f);
    }
    free(model);
}

static void
a_folder_that_is_none_is_not_found(void **state)
{
    struct vault_fixture f;
    struct model *model = MEMORY_NEW(struct model);
    struct error err = ERROR_INIT;
    struct catalog_key_buffer key;
    const struct catalog_key top = { .len = 0 };
    (void)state;
    fixture_open(&f);
    model->items[1].there = model->items[IDS - 1].there = true;
    struct catalog_root root = build(&f, model, 0);
    CLEANUP(catalog_close_p) struct catalog *catalog = catalog_open(f.reader, &root);
    assert_ok(catalog_folder_check(catalog, top, &err), err);
    assert_ok(catalog_folder_check(catalog, key_of(1, &key), &err), err);
    assert_int_equal(catalog_folder_check(catalog, key_of(2, &key), &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    error_clear(&err);
    assert_int_equal(catalog_folder_check(catalog, key_of(IDS - 1, &key), &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_non_null(strstr(err.text, "not of a folder"));
    catalog_close(catalog);
    catalog = NULL;
    free(model);
    fixture_close(&f);
}

static void
removing_everything_gives_the_empty_root(void **state)
{
    struct vault_fixture f;
    struct model *model = MEMORY_NEW(struct model);
    struct catalog_root empty = { 0 }, after;
    struct error err = ERROR_INIT;
    struct catalog_edit_counts counts;
    struct catalog_key_buffer key;
    (void)state;
    fixture_open(&f);
    for (unsigned i = 0; i < IDS; i++)
        model->items[i].there = true;
    struct catalog_root root = build(&f, model, 0);
    /* From the full tree down to one, to a few, to none: each is what building it afresh gives. */
    for (unsigned keep = 3; keep < 4; keep--) {
        struct catalog_edit *edit = catalog_edit_begin(f.reader, f.writer, &root, NULL, &err);
        for (unsigned i = keep; i < IDS; i++) {
            model->items[i].there = false;
            assert_ok(catalog_edit_remove(edit, key_of(i, &key), &err), err);
        }
        assert_ok(catalog_edit_commit(edit, &after, &counts, &err), err);
        assert_int_equal(counts.removed, IDS - keep);
        assert_ok(vault_writer_flush(f.writer, &err), err);
        struct catalog_root fresh = build(&f, model, 0);
        assert_memory_equal(&fresh.items, &after.items, sizeof(fresh.items));
        catalog_edit_free(edit);
    }
    assert_memory_equal(&after.items.id, &empty.items.id, CHUNK_ID_LEN);
    assert_int_equal(after.items.height, 0);
    free(model);
    fixture_close(&f);
}

static int
on_differs(void *ctx, const struct catalog_item *before, const struct catalog_item *after, struct error *err)
{
    struct model *expected = ctx;
    (void)err;
    unsigned i = (unsigned)(before == NULL ? after : before)->size;
    assert_true(expected->items[i].version > 0);
    assert_int_equal(expected->items[i].there, after != NULL);
    expected->items[i].version = 0;
    return 0;
}

static void
a_diff_tells_exactly_what_differs(void **state)
{
    struct vault_fixture f;
    struct model *a = MEMORY_NEW(struct model), *b = MEMORY_NEW(struct model), *expected = MEMORY_NEW(struct model);
    struct error err = ERROR_INIT;
    (void)state;
    fixture_open(&f);
    for (unsigned i = 0; i < IDS; i++) {
        a->items[i] = (struct model_item){ i % 3 != 0, 0, 1 };
        b->items[i] = a->items[i];
        if (i % 100 == 0)
            b->items[i].there = !a->items[i].there;
        if (i % 100 == 1)
            b->items[i].version = 2;
        bool differs =
            a->items[i].there != b->items[i].there || (a->items[i].there && a->items[i].version != b->items[i].version);
        expected->items[i] = (struct model_item){ b->items[i].there, 0, differs };
    }
    struct catalog_root root_a = build(&f, a, 0), root_b = build(&f, b, 0);
    assert_ok(catalog_diff(f.reader, &root_a, &root_b, on_differs, expected, &err), err);
    for (unsigned i = 0; i < IDS; i++)
        assert_int_equal(expected->items[i].version, 0);
    free(a);
    free(b);
    free(expected);
    fixture_close(&f);
}

/* Bytes that a hundred neighbouring additions to a catalog of this many messages cost. */
static uint64_t
cost_of_hundred(unsigned items)
{
    struct vault_fixture f;
    struct error err = ERROR_INIT;
    struct catalog_root root = { 0 }, next;
    struct vault_writer_progress before, after;
    fixture_open(&f);
    for (unsigned part = 0; part < 2; part++) {
        struct catalog_edit *edit = catalog_edit_begin(f.reader, f.writer, &root, NULL, &err);
        unsigned first = part == 0 ? 0 : items, count = part == 0 ? items : 100;
        for (unsigned i = first; i < first + count; i++) {
            char id[32], subject[64];
            struct catalog_key_buffer key;
            int n = snprintf(id, sizeof(id), "message-%08u", i);
            snprintf(subject, sizeof(subject), "subject %u", i * 2654435761u);
            catalog_key_make(CATALOG_MESSAGE, id, (size_t)n, &key, &err);
            struct catalog_item item = { .kind = CATALOG_MESSAGE,
                                         .key = catalog_key_of(&key),
                                         .subject = subject,
                                         .received_ms = (int64_t)i * 60000 };
            assert_ok(catalog_edit_put(edit, &item, &err), err);
        }
        vault_writer_progress(f.writer, &before);
        assert_ok(catalog_edit_commit(edit, &next, NULL, &err), err);
        assert_ok(vault_writer_flush(f.writer, &err), err);
        vault_writer_progress(f.writer, &after);
        root = next;
        catalog_edit_free(edit);
    }
    fixture_close(&f);
    return after.bytes_in - before.bytes_in;
}

static void
a_hundred_changes_cost_about_the_same_in_a_large_catalog(void **state)
{
    (void)state;
    uint64_t small = cost_of_hundred(1000), large = cost_of_hundred(50000);
    print_message("100 additions: %llu bytes of nodes at 1,000 items, %llu at 50,000\n", (unsigned long long)small,
                  (unsigned long long)large);
    assert_true(large < 2 * small);
    assert_true(large < 300000);
}

static void
an_edit_sees_its_own_changes(void **state)
{
    struct vault_fixture f;
    struct model *model = MEMORY_NEW(struct model);
    struct catalog_key_buffer key;
    struct catalog_item item;
    struct error err = ERROR_INIT, missing = ERROR_INIT;
    (void)state;
    fixture_open(&f);
    for (unsigned i = 0; i < 500; i++)
        model->items[i].there = true;
    struct catalog_root root = build(&f, model, 0);
    struct catalog_edit_options options = { .memory_bytes = 5000, .temp_dir = "/tmp" };
    struct catalog_edit *edit = catalog_edit_begin(f.reader, f.writer, &root, &options, &err);
    for (unsigned i = 0; i < 100; i++) {
        model->items[i].version = 5;
        edit_put(edit, i, &model->items[i]);
    }
    assert_ok(catalog_edit_remove(edit, key_of(7, &key), &err), err);
    assert_ok(catalog_edit_get(edit, key_of(3, &key), &item, &err), err);
    assert_string_equal(item.tag, "5");
    assert_ok(catalog_edit_get(edit, key_of(400, &key), &item, &err), err);
    assert_string_equal(item.tag, "0");
    assert_int_equal(catalog_edit_get(edit, key_of(7, &key), &item, &missing), -1);
    assert_int_equal(missing.kind, ERROR_NOT_FOUND);
    catalog_edit_free(edit);
    free(model);
    fixture_close(&f);
}

static void
impossible_items_are_refused(void **state)
{
    struct vault_fixture f;
    struct error err = ERROR_INIT;
    struct catalog_key_buffer key;
    char *text = memory_new(CATALOG_TEXT_MAX + 2);
    (void)state;
    fixture_open(&f);
    memset(text, 'x', CATALOG_TEXT_MAX + 1);
    struct catalog_edit *edit = catalog_edit_begin(f.reader, f.writer, NULL, NULL, &err);
    struct catalog_item item = { .kind = CATALOG_FILE, .key = key_of(1, &key) };
    assert_int_equal(catalog_edit_put(edit, &item, &err), -1);
    assert_int_equal(err.kind, ERROR_USAGE);
    err = (struct error)ERROR_INIT;
    item.kind = (enum catalog_kind)item.key.bytes[0];
    struct catalog_key_buffer leaf;
    item.parent = key_of(IDS - 1, &leaf);
    assert_int_equal(catalog_edit_put(edit, &item, &err), -1);
    assert_int_equal(err.kind, ERROR_USAGE);
    err = (struct error)ERROR_INIT;
    item.parent.len = 0;
    item.name = text;
    assert_int_equal(catalog_edit_put(edit, &item, &err), -1);
    assert_int_equal(err.kind, ERROR_LIMIT);
    catalog_edit_free(edit);
    free(text);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_histories_agree_with_a_plain_map),
        cmocka_unit_test(random_histories_agree_in_a_vault_of_version_2),
        cmocka_unit_test(each_version_keeps_its_roots),
        cmocka_unit_test(a_folder_that_is_none_is_not_found),
        cmocka_unit_test(removing_everything_gives_the_empty_root),
        cmocka_unit_test(a_diff_tells_exactly_what_differs),
        cmocka_unit_test(a_hundred_changes_cost_about_the_same_in_a_large_catalog),
        cmocka_unit_test(an_edit_sees_its_own_changes),
        cmocka_unit_test(impossible_items_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
