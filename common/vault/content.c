#include "common/vault/content.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/varint.h"

#include <string.h>

#define MESSAGE_BIT 0x10

bool
content_equal(const struct content_ref *a, const struct content_ref *b)
{
    if (a->form != b->form || a->len != b->len || a->message != b->message)
        return false;
    bool named = a->form == CONTENT_CHUNK || a->form == CONTENT_LIST;
    return !named || memcmp(&a->id, &b->id, sizeof(a->id)) == 0;
}

int
content_encode(const struct content_ref *ref, struct buffer *out, struct error *err)
{
    uint8_t bytes[CONTENT_REF_MAX_ENCODED];
    size_t n = 0;
    bytes[n++] = (uint8_t)((unsigned)ref->form | (ref->message ? MESSAGE_BIT : 0));
    if (ref->form == CONTENT_CHUNK || ref->form == CONTENT_LIST) {
        n += varint_put(bytes + n, ref->len);
        memcpy(bytes + n, ref->id.bytes, CHUNK_ID_LEN);
        n += CHUNK_ID_LEN;
    }
    return buffer_append(out, bytes, n, err);
}

int
content_decode(struct reader *in, struct content_ref *ref, struct error *err)
{
    memset(ref, 0, sizeof(*ref));
    uint8_t head = reader_u8(in);
    unsigned form = head & 0x0f;
    ref->message = (head & MESSAGE_BIT) != 0;
    bool named = form == CONTENT_CHUNK || form == CONTENT_LIST;
    if (in->failed || form > CONTENT_LIST || (head & 0xe0) != 0 || (ref->message && !named))
        return FAIL(err, ERROR_FORMAT, 0, "not a content reference");
    ref->form = (enum content_form)form;
    if (!named)
        return 0;
    ref->len = varint_get(in);
    const uint8_t *id = reader_bytes(in, CHUNK_ID_LEN);
    if (id == NULL || ref->len == 0)
        return FAIL(err, ERROR_FORMAT, 0, "not a content reference");
    memcpy(ref->id.bytes, id, CHUNK_ID_LEN);
    return 0;
}

void
content_parts_begin(struct content_parts *parts)
{
    parts->known = true;
    parts->count = parts->len = 0;
}

int
content_parts_add(struct content_parts *parts, const struct content_ref *ref, struct error *err)
{
    struct reader in = READER_INIT(parts->bytes, parts->len);
    struct content_ref there;
    if (!parts->known)
        return 0;
    while (reader_left(&in) > 0) {
        if (content_decode(&in, &there, err) != 0)
            return -1;
        if (content_equal(&there, ref))
            return 0;
    }
    CLEANUP(buffer_clear) struct buffer encoded = BUFFER_INIT(CONTENT_REF_MAX_ENCODED);
    if (content_encode(ref, &encoded, err) != 0)
        return -1;
    parts->known = parts->count < CONTENT_PARTS_MAX;
    if (!parts->known)
        return 0;
    memcpy(parts->bytes + parts->len, encoded.data, encoded.len);
    parts->len += encoded.len;
    parts->count++;
    return 0;
}

int
content_parts_check(const uint8_t *bytes, size_t len, size_t *count, struct error *err)
{
    struct reader in = READER_INIT(bytes, len);
    struct content_ref ref;
    for (*count = 0; reader_left(&in) > 0; ++*count) {
        if (content_decode(&in, &ref, err) != 0)
            return -1;
        if (ref.message || (ref.form != CONTENT_CHUNK && ref.form != CONTENT_LIST) || *count == CONTENT_PARTS_MAX)
            return FAIL(err, ERROR_FORMAT, 0, "a message's parts are malformed");
    }
    return 0;
}
