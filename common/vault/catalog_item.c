#include "common/vault/catalog_item.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/crypto/digest.h"
#include "common/vault/varint.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* Of items; listings have the first only. */
#define VERSION       1
#define VERSION_PARTS 2

int
catalog_key_make(enum catalog_kind kind, const void *id, size_t id_len, struct catalog_key_buffer *out,
                 struct error *err)
{
    if (id_len == 0 || id_len > CATALOG_KEY_MAX - 1)
        return FAIL(err, ERROR_LIMIT, 0, "an item's id has %zu bytes; 1 to %d are possible", id_len,
                    CATALOG_KEY_MAX - 1);
    out->bytes[0] = (uint8_t)kind;
    memcpy(out->bytes + 1, id, id_len);
    out->len = id_len + 1;
    return 0;
}

struct catalog_key
catalog_key_of(const struct catalog_key_buffer *key)
{
    return (struct catalog_key){ key->bytes, key->len };
}

bool
catalog_key_equal(struct catalog_key a, struct catalog_key b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.bytes, b.bytes, a.len) == 0);
}

const char *
catalog_item_title(const struct catalog_item *item)
{
    return catalog_kind_by_time(item->kind) ? item->subject : item->name;
}

static bool
text_fits(const char *text)
{
    return text == NULL || strlen(text) <= CATALOG_TEXT_MAX;
}

static bool
key_fits(struct catalog_key key, unsigned kind)
{
    return key.bytes != NULL && key.len >= 2 && key.len <= CATALOG_KEY_MAX && key.bytes[0] == kind;
}

static bool
parent_fits(struct catalog_key parent)
{
    if (parent.len == 0)
        return true;
    const struct catalog_kind_facts *facts = parent.bytes != NULL ? catalog_kind_facts(parent.bytes[0]) : NULL;
    return facts != NULL && facts->contains && key_fits(parent, parent.bytes[0]);
}

int
catalog_item_check(const struct catalog_item *item, struct error *err)
{
    if (catalog_kind_facts(item->kind) == NULL || !key_fits(item->key, item->kind) || !parent_fits(item->parent))
        return FAIL(err, ERROR_USAGE, 0, "an item's key or parent does not fit its kind");
    if (!text_fits(item->name) || !text_fits(item->subject) || !text_fits(item->from) || !text_fits(item->tag) ||
        item->metadata_len > CATALOG_METADATA_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "an item's text is longer than %d bytes, or its metadata than %d",
                    CATALOG_TEXT_MAX, CATALOG_METADATA_MAX);
    return 0;
}

static int
add_varint(struct buffer *out, uint64_t v, struct error *err)
{
    uint8_t bytes[VARINT_MAX];
    return buffer_append(out, bytes, varint_put(bytes, v), err);
}

static int
add_signed(struct buffer *out, int64_t v, struct error *err)
{
    return add_varint(out, ((uint64_t)v << 1) ^ (uint64_t)(v >> 63), err);
}

static int64_t
get_signed(struct reader *in)
{
    uint64_t v = varint_get(in);
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

static int
add_bytes(struct buffer *out, const void *data, size_t len, struct error *err)
{
    return add_varint(out, len, err) != 0 ? -1 : buffer_append(out, data, len, err);
}

/* With its NUL, so that it can be used where it lies; length 0 stands for no text. */
static int
add_text(struct buffer *out, const char *text, struct error *err)
{
    return add_bytes(out, text, text == NULL ? 0 : strlen(text) + 1, err);
}

static const char *
get_text(struct reader *in)
{
    uint64_t len = varint_get(in);
    const uint8_t *text = len > CATALOG_TEXT_MAX + 1 ? NULL : reader_bytes(in, (size_t)len);
    if (len == 0)
        return NULL;
    if (text == NULL || memchr(text, '\0', (size_t)len) != text + len - 1) {
        in->failed = true;
        return NULL;
    }
    return (const char *)text;
}

/* What items and children have in common. */
static int
add_shown(const struct catalog_item *item, uint8_t version, struct buffer *out, struct error *err)
{
    return buffer_append_u8(out, version, err) != 0 || add_varint(out, item->flags, err) != 0 ||
                   add_varint(out, item->size, err) != 0 || add_signed(out, item->created_ms, err) != 0 ||
                   add_signed(out, item->modified_ms, err) != 0 || add_signed(out, item->received_ms, err) != 0 ||
                   add_text(out, item->name, err) != 0 || add_text(out, item->subject, err) != 0 ||
                   add_text(out, item->from, err) != 0
               ? -1
               : 0;
}

static int
get_shown(struct reader *in, uint8_t newest, uint8_t *version, struct catalog_item *item, struct error *err)
{
    *version = reader_u8(in);
    if (!in->failed && (*version < VERSION || *version > newest))
        return FAIL(err, ERROR_UNSUPPORTED, *version, "a catalog item of version %u. Update this program", *version);
    uint64_t flags = varint_get(in);
    item->flags = (uint32_t)flags;
    item->size = varint_get(in);
    item->created_ms = get_signed(in);
    item->modified_ms = get_signed(in);
    item->received_ms = get_signed(in);
    item->name = get_text(in);
    item->subject = get_text(in);
    item->from = get_text(in);
    return in->failed || flags > UINT32_MAX ? FAIL(err, ERROR_FORMAT, 0, "a catalog item is malformed") : 0;
}

/* What any program can derive from a name without tables; anything else is stored. */
static size_t
plain_sort(const char *name, uint8_t out[CATALOG_SORT_MAX])
{
    size_t len = 0;
    for (; name != NULL && name[len] != '\0' && len < CATALOG_SORT_MAX; len++)
        out[len] = (uint8_t)(name[len] >= 'A' && name[len] <= 'Z' ? name[len] + 32 : name[len]);
    return len;
}

static size_t
message_sort(int64_t received_ms, uint8_t out[CATALOG_SORT_MAX])
{
    uint64_t newest_first = ~((uint64_t)received_ms ^ ((uint64_t)1 << 63));
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(newest_first >> (56 - 8 * i));
    return 8;
}

void
catalog_item_sort(const struct catalog_item *item, struct catalog_sort *sort)
{
    utf8proc_uint8_t *folded = NULL;
    if (catalog_kind_by_time(item->kind)) {
        sort->len = message_sort(item->received_ms, sort->bytes);
        return;
    }
    sort->len = plain_sort(item->name, sort->bytes);
    bool ascii = true;
    for (size_t i = 0; i < sort->len; i++)
        ascii = ascii && sort->bytes[i] < 0x80;
    if (ascii || item->name == NULL)
        return;
    utf8proc_ssize_t len = utf8proc_map((const utf8proc_uint8_t *)item->name, 0, &folded,
                                        UTF8PROC_NULLTERM | UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD);
    if (len > 0) {
        sort->len = (size_t)len < CATALOG_SORT_MAX ? (size_t)len : CATALOG_SORT_MAX;
        memcpy(sort->bytes, folded, sort->len);
    }
    free(folded);
}

static int
add_sort(const struct catalog_item *item, struct buffer *out, struct error *err)
{
    struct catalog_sort sort;
    uint8_t plain[CATALOG_SORT_MAX];
    catalog_item_sort(item, &sort);
    bool derived = catalog_kind_by_time(item->kind) ||
                   (plain_sort(item->name, plain) == sort.len && memcmp(plain, sort.bytes, sort.len) == 0);
    return add_bytes(out, sort.bytes, derived ? 0 : sort.len, err);
}

static int
add_parts(const struct catalog_item *item, struct buffer *out, struct error *err)
{
    size_t count;
    if (content_parts_check(item->parts, item->parts_len, &count, err) != 0 || add_varint(out, count, err) != 0)
        return -1;
    return buffer_append(out, item->parts, item->parts_len, err);
}

int
catalog_item_encode(const struct catalog_item *item, struct buffer *out, struct error *err)
{
    bool parts = item->content.message && item->parts != NULL;
    out->len = 0;
    if (add_shown(item, parts ? VERSION_PARTS : VERSION, out, err) != 0 ||
        add_bytes(out, item->parent.bytes, item->parent.len, err) != 0 || add_sort(item, out, err) != 0 ||
        add_text(out, item->tag, err) != 0 || content_encode(&item->content, out, err) != 0 ||
        content_encode(&item->metadata_ref, out, err) != 0)
        return -1;
    if (add_bytes(out, item->metadata, item->metadata_len, err) != 0)
        return -1;
    return parts ? add_parts(item, out, err) : 0;
}

static int
get_parts(struct reader *in, struct catalog_item *item, struct error *err)
{
    size_t given = (size_t)varint_get(in), count;
    item->parts_len = reader_left(in);
    item->parts = reader_bytes(in, item->parts_len);
    if (in->failed || !item->content.message || given > CONTENT_PARTS_MAX)
        return FAIL(err, ERROR_FORMAT, 0, "a catalog item is malformed");
    if (content_parts_check(item->parts, item->parts_len, &count, err) != 0)
        return -1;
    return count == given ? 0 : FAIL(err, ERROR_FORMAT, 0, "a catalog item is malformed");
}

/* sort may be NULL. */
static int
decode(struct tree_bytes key, struct tree_bytes value, struct catalog_item *item, struct catalog_sort *sort,
       struct error *err)
{
    struct reader in = READER_INIT(value.data, value.len);
    uint8_t version;
    memset(item, 0, sizeof(*item));
    if (key.len < 2 || key.len > CATALOG_KEY_MAX || catalog_kind_facts(key.data[0]) == NULL)
        return FAIL(err, ERROR_FORMAT, 0, "a catalog item has an impossible key");
    item->kind = (enum catalog_kind)key.data[0];
    item->key = (struct catalog_key){ key.data, key.len };
    if (get_shown(&in, VERSION_PARTS, &version, item, err) != 0)
        return -1;
    item->parent.len = (size_t)varint_get(&in);
    item->parent.bytes = reader_bytes(&in, item->parent.len);
    size_t sort_len = (size_t)varint_get(&in);
    const uint8_t *sort_bytes = reader_bytes(&in, sort_len);
    item->tag = get_text(&in);
    if (in.failed || sort_len > CATALOG_SORT_MAX || !parent_fits(item->parent))
        return FAIL(err, ERROR_FORMAT, 0, "a catalog item is malformed");
    if (content_decode(&in, &item->content, err) != 0 || content_decode(&in, &item->metadata_ref, err) != 0)
        return -1;
    item->metadata_len = (size_t)varint_get(&in);
    item->metadata = reader_bytes(&in, item->metadata_len);
    if (version == VERSION_PARTS && get_parts(&in, item, err) != 0)
        return -1;
    if (in.failed || reader_left(&in) != 0 || item->metadata_len > CATALOG_METADATA_MAX)
        return FAIL(err, ERROR_FORMAT, 0, "a catalog item is malformed");
    if (sort == NULL)
        return 0;
    if (catalog_kind_by_time(item->kind)) {
        sort->len = message_sort(item->received_ms, sort->bytes);
    } else if (sort_len == 0) {
        sort->len = plain_sort(item->name, sort->bytes);
    } else {
        sort->len = sort_len;
        memcpy(sort->bytes, sort_bytes, sort_len);
    }
    return 0;
}

int
catalog_item_decode(struct tree_bytes key, struct tree_bytes value, struct catalog_item *item, struct error *err)
{
    return decode(key, value, item, NULL, err);
}

int
catalog_item_stored_sort(struct tree_bytes key, struct tree_bytes value, struct catalog_sort *sort, struct error *err)
{
    struct catalog_item item;
    return decode(key, value, &item, sort, err);
}

void
catalog_item_parent_hash(struct catalog_key parent, uint8_t out[CATALOG_PARENT_LEN])
{
    uint8_t digest[DIGEST_LEN];
    digest_sha256(parent.len == 0 ? (const uint8_t *)"" : parent.bytes, parent.len, digest);
    memcpy(out, digest, CATALOG_PARENT_LEN);
}

size_t
catalog_item_child_key(const struct catalog_item *item, const struct catalog_sort *sort, uint8_t out[CATALOG_CHILD_MAX])
{
    size_t n = CATALOG_PARENT_LEN;
    catalog_item_parent_hash(item->parent, out);
    out[n++] = (uint8_t)item->kind;
    memcpy(out + n, sort->bytes, sort->len);
    n += sort->len;
    if (!catalog_kind_by_time(item->kind))
        out[n++] = 0;
    memcpy(out + n, item->key.bytes, item->key.len);
    return n + item->key.len;
}

int
catalog_item_child_encode(const struct catalog_item *item, struct buffer *out, struct error *err)
{
    out->len = 0;
    return add_shown(item, VERSION, out, err);
}

int
catalog_item_child_decode(struct tree_bytes key, struct tree_bytes value, struct catalog_item *item, struct error *err)
{
    struct reader names = READER_INIT(key.data, key.len), in = READER_INIT(value.data, value.len);
    uint8_t version;
    memset(item, 0, sizeof(*item));
    (void)reader_bytes(&names, CATALOG_PARENT_LEN);
    uint8_t kind = reader_u8(&names);
    const struct catalog_kind_facts *facts = catalog_kind_facts(kind);
    if (facts != NULL && facts->by_time) {
        (void)reader_bytes(&names, 8);
    } else {
        while (!names.failed && reader_u8(&names) != 0)
            ;
    }
    item->key.len = reader_left(&names);
    item->key.bytes = reader_bytes(&names, item->key.len);
    if (names.failed || facts == NULL || !key_fits(item->key, kind))
        return FAIL(err, ERROR_FORMAT, 0, "a catalog's listing has an impossible key");
    item->kind = (enum catalog_kind)kind;
    if (get_shown(&in, VERSION, &version, item, err) != 0)
        return -1;
    return reader_left(&in) == 0 ? 0 : FAIL(err, ERROR_FORMAT, 0, "a catalog's listing is malformed");
}
