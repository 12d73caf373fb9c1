#ifndef LONGHAUL_TESTS_UNIT_COMMON_VAULT_COPY_FIXTURE_H
#define LONGHAUL_TESTS_UNIT_COMMON_VAULT_COPY_FIXTURE_H

/* Two vaults in memory, states to copy, and the check that both hold the same. */

#include "common/base/buffer.h"
#include "common/vault/catalog_edit.h"
#include "common/vault/point.h"
#include "common/vault/vault_copy.h"
#include "common/vault/vault_verify.h"
#include "tests/unit/common/vault/vault_fixture.h"

/* As fixture_open(), with keys of its own. */
static inline void
copy_fixture_open(struct vault_fixture *f, uint8_t key_byte, const char *id)
{
    struct error err = ERROR_INIT;
    uint8_t key[VAULT_KEY_LEN] = { key_byte };
    uint64_t seed = 0x9e3779b97f4a7c15u * key_byte;
    fixture_open(f);
    secret_free(f->vault.naming);
    secret_free(f->vault.data);
    secret_free(f->vault.points);
    snprintf(f->vault.id, sizeof(f->vault.id), "%s", id);
    f->vault.naming = secret_new(key, sizeof(key), &err);
    f->vault.data = secret_new(key, sizeof(key), &err);
    f->vault.points = secret_new(key, sizeof(key), &err);
    for (int i = 0; i < CHUNKER_TABLE; i++)
        f->vault.gear[i] = fixture_random(&seed);
    fixture_reopen(f);
}

static inline struct catalog_key
copy_fixture_key(unsigned i, struct catalog_key_buffer *key)
{
    char id[32];
    int n = snprintf(id, sizeof(id), "item-%06u", i);
    catalog_key_make(i % 3 == 0 ? CATALOG_MESSAGE : CATALOG_FILE, id, (size_t)n, key, NULL);
    return catalog_key_of(key);
}

static inline void
copy_fixture_noise(struct buffer *out, uint64_t seed, size_t len)
{
    uint64_t random = seed * 2654435761u + 1;
    for (size_t i = 0; i < len; i++)
        assert_int_equal(buffer_append_u8(out, (uint8_t)(fixture_random(&random) >> 13), NULL), 0);
}

/* A message with an attachment that several share, or a file. */
static inline void
copy_fixture_content(unsigned i, unsigned revision, struct buffer *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    out->len = 0;
    if (i % 3 != 0)
        return copy_fixture_noise(out, i * 100 + revision, i % 20 == 1 ? 300000 : 2000);
    uint64_t random = i % 5 + 77;
    buffer_printf(out, NULL, "Subject: %u of %u\r\n\r\n", i, revision);
    for (unsigned line = 0; line < 100; line++) {
        for (unsigned c = 0; c < 76; c++)
            buffer_append_u8(out, (uint8_t)digits[(fixture_random(&random) >> 20) % 64], NULL);
        buffer_append_text(out, "\r\n", NULL);
    }
    buffer_append_text(out, "\r\nend\r\n", NULL);
}

static inline void
copy_fixture_put(struct vault_fixture *f, struct catalog_edit *edit, unsigned i, unsigned revision)
{
    struct error err = ERROR_INIT;
    struct catalog_key_buffer key;
    char name[32], tag[32];
    CLEANUP(buffer_clear) struct buffer content = BUFFER_INIT((size_t)1 << 20);
    copy_fixture_content(i, revision, &content);
    snprintf(name, sizeof(name), "name %u", i);
    snprintf(tag, sizeof(tag), "tag-%u", revision);
    struct catalog_item item = { .kind = i % 3 == 0 ? CATALOG_MESSAGE : CATALOG_FILE,
                                 .key = copy_fixture_key(i, &key),
                                 .name = name,
                                 .tag = tag,
                                 .size = content.len };
    assert_ok(vault_writer_put(f->writer, i % 3 == 0 ? VAULT_MESSAGE : VAULT_FILE, content.data, content.len,
                               &item.content, &err),
              err);
    if (i % 7 == 0)
        assert_ok(vault_writer_put(f->writer, VAULT_METADATA, name, strlen(name), &item.metadata_ref, &err), err);
    assert_ok(catalog_edit_put(edit, &item, &err), err);
}

struct copy_state {
    const char *id, *scope;
    const struct point *previous; /* NULL: none */
    unsigned first, count;        /* items that are put */
    unsigned revision;
    unsigned remove; /* so many from item 0 on are removed */
};

/* Commits a state; its items are those of the previous one, changed. */
static inline void
copy_fixture_commit(struct vault_fixture *f, const struct copy_state *state, struct point *point)
{
    struct error err = ERROR_INIT;
    const struct catalog_root *base = state->previous == NULL ? NULL : &state->previous->catalog;
    struct catalog_edit *edit = catalog_edit_begin(f->reader, f->writer, base, NULL, &err);
    for (unsigned i = state->first; i < state->first + state->count; i++)
        copy_fixture_put(f, edit, i, state->revision);
    for (unsigned i = 0; i < state->remove; i++) {
        struct catalog_key_buffer key;
        assert_ok(catalog_edit_remove(edit, copy_fixture_key(i, &key), &err), err);
    }
    memset(point, 0, sizeof(*point));
    snprintf(point->header.id, sizeof(point->header.id), "%s", state->id);
    snprintf(point->header.scope, sizeof(point->header.scope), "%s", state->scope);
    point->header.fence = 3;
    point->header.created_ms = 1700000000000 + state->revision;
    assert_ok(catalog_edit_commit(edit, &point->catalog, NULL, &err), err);
    point->counts.items = point->catalog.items.count;
    assert_ok(vault_writer_put(f->writer, VAULT_METADATA, "{\"key\":\"01\"}\n", 13, &point->outcomes, &err), err);
    assert_ok(point_commit(&f->vault, f->writer, point, "the cursor", 10, &err), err);
    catalog_edit_free(edit);
}

struct copy_told {
    unsigned damaged, items, copied, there;
    char text[768];
    bool *cancelled; /* for a test's own callbacks */
};

static inline int
copy_fixture_on_damage(void *ctx, const struct vault_copy_damage *damage, struct error *err)
{
    struct copy_told *told = ctx;
    (void)err;
    told->damaged++;
    told->items += damage->item.len > 0;
    snprintf(told->text, sizeof(told->text), "%s", damage->text);
    return 0;
}

static inline int
copy_fixture_on_copied(void *ctx, const char *id, const struct point *point, bool there, uint64_t stored,
                       struct error *err)
{
    struct copy_told *told = ctx;
    (void)err;
    assert_true(stored == 0 || !there);
    assert_true(point == NULL || strcmp(point->header.id, id) == 0);
    ++*(there ? &told->there : &told->copied);
    return 0;
}

static inline struct vault_copy_options
copy_fixture_options(struct copy_told *told)
{
    memset(told, 0, sizeof(*told));
    return (struct vault_copy_options){ .fence = 9,
                                        .ctx = told,
                                        .damage = copy_fixture_on_damage,
                                        .copied = copy_fixture_on_copied,
                                        .writer = { .pack_bytes = 64 << 10 } };
}

static inline void
copy_fixture_same_content(struct vault_reader *a, const struct content_ref *x, struct vault_reader *b,
                          const struct content_ref *y)
{
    struct error err = ERROR_INIT;
    uint8_t *one, *two;
    size_t one_len, two_len;
    assert_int_equal(x->form, y->form);
    if (x->form == CONTENT_NONE)
        return;
    assert_ok(vault_reader_get(a, x, (size_t)1 << 20, &one, &one_len, &err), err);
    assert_ok(vault_reader_get(b, y, (size_t)1 << 20, &two, &two_len, &err), err);
    assert_int_equal(one_len, two_len);
    assert_memory_equal(one, two, one_len);
    free(one), free(two);
}

struct copy_compare {
    struct vault_fixture *to;
    struct vault_reader *reader; /* of from, besides the one that walks */
    struct catalog *catalog;
    uint64_t items;
};

static inline int
copy_fixture_on_item(void *ctx, const struct catalog_item *item, struct error *err)
{
    struct copy_compare *c = ctx;
    struct catalog_item other;
    assert_ok(catalog_get(c->catalog, item->key, &other, err), *err);
    assert_string_equal(item->name, other.name);
    assert_string_equal(item->tag, other.tag);
    assert_true(item->flags == other.flags && item->size == other.size);
    copy_fixture_same_content(c->reader, &item->content, c->to->reader, &other.content);
    copy_fixture_same_content(c->reader, &item->metadata_ref, c->to->reader, &other.metadata_ref);
    c->items++;
    return 0;
}

/* Every byte of the point, and that the destination verifies. */
static inline void
copy_fixture_same(struct vault_fixture *from, struct vault_fixture *to, const char *id, struct point *copy)
{
    struct error err = ERROR_INIT;
    struct point point;
    struct copy_compare c = { .to = to };
    struct vault_verify_result result;
    const struct vault_verify_options options = { .data = true };
    fixture_reopen(from);
    fixture_reopen(to);
    assert_ok(point_read(&from->vault, id, &point, &err), err);
    assert_ok(point_read(&to->vault, id, copy, &err), err);
    assert_string_equal(point.header.scope, copy->header.scope);
    assert_true(point.header.created_ms == copy->header.created_ms && point.counts.items == copy->counts.items);
    copy_fixture_same_content(from->reader, &point.cursor, to->reader, &copy->cursor);
    copy_fixture_same_content(from->reader, &point.outcomes, to->reader, &copy->outcomes);
    c.reader = vault_reader_open(&from->vault, 0, &err);
    c.catalog = catalog_open(to->reader, &copy->catalog);
    struct catalog *catalog = catalog_open(from->reader, &point.catalog);
    assert_ok(catalog_walk(catalog, (struct catalog_key){ NULL, 0 }, copy_fixture_on_item, &c, &err), err);
    assert_int_equal(c.items, copy->catalog.items.count);
    catalog_close(catalog);
    catalog_close(c.catalog);
    vault_reader_close(c.reader);
    assert_ok(vault_verify(&to->vault, &(const char *){ id }, 1, &options, &result, &err), err);
    assert_int_equal(result.damaged, 0);
}

/* Flips a byte in the middle of the n-th pack. */
static inline uint8_t *
copy_fixture_damage_pack(struct vault_fixture *f, size_t n)
{
    for (size_t i = 0; i < fake_backend_objects(f->fake); i++) {
        enum object_class class;
        size_t len;
        uint8_t *data = fake_backend_object(f->fake, i, &class, &len);
        if (class != OBJECT_PACK || n-- > 0)
            continue;
        data[len / 3] ^= 0x40;
        return data + len / 3;
    }
    fail_msg("there is no such pack");
    return NULL;
}

#endif
