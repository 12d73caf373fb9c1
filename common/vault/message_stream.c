#include "common/vault/message_stream.h"

#include "common/base/memory.h"
#include "common/crypto/digest.h"
#include "common/vault/content_stream.h"
#include "common/vault/message_recipe.h"
#include "common/vault/mime_scan.h"
#include "common/vault/quoted_scan.h"
#include "common/vault/varint.h"
#include "common/vault/vault_format.h"

#include <stdlib.h>
#include <string.h>

/* A message without anything to take apart, and no longer than the text buffer, is stored as it is. */
struct message_stream {
    struct mime_scan scan;
    struct quoted_scan quoted;     /* what is no base64 goes through it */
    bool quoted_wanted;            /* the vault's format has it */
    struct content_stream *recipe; /* borrowed */
    struct content_stream part;
    struct digest *digest;
    struct content_parts parts;
    uint64_t total;
    bool recipe_begun;
    uint8_t *text;
    size_t text_len;

    size_t line_len;
    bool crlf;
    bool detached; /* the part goes into a content of its own */
    uint8_t small[RECIPE_INLINE_MAX];
    size_t small_len;
};

static const struct mime_scan_vtable scan_vtable;
static const struct quoted_scan_vtable quoted_vtable;

struct message_stream *
message_stream_new(struct vault_writer *writer, struct hmac *naming, struct content_stream *recipe)
{
    struct message_stream *stream = MEMORY_NEW(struct message_stream);
    stream->recipe = recipe;
    content_stream_init(&stream->part, writer, naming);
    stream->digest = digest_new();
    stream->text = memory_new(RECIPE_TEXT_MAX);
    stream->quoted_wanted = writer->vault->version >= VAULT_FORMAT_QUOTED;
    return stream;
}

void
message_stream_free(struct message_stream *stream)
{
    if (stream == NULL)
        return;
    content_stream_clear(&stream->part);
    digest_free(stream->digest);
    free(stream->text);
    free(stream);
}

void
message_stream_begin(struct message_stream *stream)
{
    uint8_t drop[DIGEST_LEN];
    /* What an aborted message left behind. */
    digest_final(stream->digest, drop);
    mime_scan_begin(&stream->scan, &scan_vtable, stream);
    quoted_scan_begin(&stream->quoted, &quoted_vtable, stream);
    content_stream_begin(stream->recipe, CLASS_TEXT);
    stream->total = 0;
    stream->text_len = 0;
    stream->recipe_begun = false;
    content_parts_begin(&stream->parts);
}

static int
write_recipe(struct message_stream *stream, const uint8_t *data, size_t len, struct error *err)
{
    if (!stream->recipe_begun) {
        const uint8_t version = stream->quoted_wanted ? RECIPE_VERSION : RECIPE_VERSION_BASE64;
        stream->recipe_begun = true;
        if (content_stream_write(stream->recipe, &version, 1, err) != 0)
            return -1;
    }
    return content_stream_write(stream->recipe, data, len, err);
}

static int
flush_text(struct message_stream *stream, struct error *err)
{
    uint8_t head[1 + VARINT_MAX] = { RECIPE_TEXT };
    size_t len = stream->text_len;
    if (len == 0)
        return 0;
    stream->text_len = 0;
    if (write_recipe(stream, head, 1 + varint_put(head + 1, len), err) != 0)
        return -1;
    return write_recipe(stream, stream->text, len, err);
}

static int
on_plain_text(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    struct message_stream *stream = ctx;
    while (len > 0) {
        size_t room = RECIPE_TEXT_MAX - stream->text_len, n = len < room ? len : room;
        if (n == 0) {
            if (flush_text(stream, err) != 0)
                return -1;
            continue;
        }
        memcpy(stream->text + stream->text_len, data, n);
        stream->text_len += n;
        data += n;
        len -= n;
    }
    return 0;
}

static int
on_text(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    struct message_stream *stream = ctx;
    return stream->quoted_wanted ? quoted_scan_write(&stream->quoted, data, len, err)
                                 : on_plain_text(stream, data, len, err);
}

static size_t
put_style(const struct quoted_style *style, uint8_t *out)
{
    out[0] = (uint8_t)((style->crlf ? RECIPE_STYLE_CRLF : 0) | (style->lower ? RECIPE_STYLE_LOWER : 0) |
                       (style->loose ? RECIPE_STYLE_LOOSE : 0));
    out[1] = style->room;
    memcpy(out + 2, style->escaped, QUOTED_SET_LEN);
    return RECIPE_STYLE_LEN;
}

static int
on_quoted_part(void *ctx, const struct quoted_style *style, const uint8_t *data, size_t len, struct error *err)
{
    struct message_stream *stream = ctx;
    uint8_t head[1 + RECIPE_STYLE_LEN + VARINT_MAX] = { RECIPE_QUOTED };
    size_t n = 1 + put_style(style, head + 1);
    n += varint_put(head + n, len);
    if (flush_text(stream, err) != 0 || write_recipe(stream, head, n, err) != 0)
        return -1;
    return write_recipe(stream, data, len, err);
}

static int
on_quoted_data(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    struct message_stream *stream = ctx;
    if (!stream->detached) {
        stream->detached = true;
        content_stream_begin(&stream->part, CLASS_FILE);
    }
    return content_stream_write(&stream->part, data, len, err);
}

/* head: the operation, up to the reference of the part's content. */
static int
write_reference(struct message_stream *stream, const uint8_t *head, size_t len, struct error *err)
{
    struct content_ref ref;
    CLEANUP(buffer_clear) struct buffer encoded = BUFFER_INIT(CONTENT_REF_MAX_ENCODED);
    stream->detached = false;
    if (content_stream_end(&stream->part, &ref, err) != 0 || content_encode(&ref, &encoded, err) != 0 ||
        content_parts_add(&stream->parts, &ref, err) != 0 || write_recipe(stream, head, len, err) != 0)
        return -1;
    return write_recipe(stream, encoded.data, encoded.len, err);
}

static int
on_quoted_end(void *ctx, const struct quoted_style *style, struct error *err)
{
    struct message_stream *stream = ctx;
    uint8_t head[1 + RECIPE_STYLE_LEN] = { RECIPE_QUOTED_REF };
    if (flush_text(stream, err) != 0)
        return -1;
    return write_reference(stream, head, 1 + put_style(style, head + 1), err);
}

static const struct quoted_scan_vtable quoted_vtable = { on_plain_text, on_quoted_part, on_quoted_data, on_quoted_end };

static int
on_part_begin(void *ctx, size_t line_len, bool crlf, struct error *err)
{
    struct message_stream *stream = ctx;
    if (quoted_scan_flush(&stream->quoted, err) != 0)
        return -1;
    stream->line_len = line_len;
    stream->crlf = crlf;
    stream->detached = false;
    stream->small_len = 0;
    return flush_text(stream, err);
}

static int
on_part_data(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    struct message_stream *stream = ctx;
    if (!stream->detached && stream->small_len + len <= RECIPE_INLINE_MAX) {
        memcpy(stream->small + stream->small_len, data, len);
        stream->small_len += len;
        return 0;
    }
    if (!stream->detached) {
        stream->detached = true;
        content_stream_begin(&stream->part, CLASS_FILE);
        if (content_stream_write(&stream->part, stream->small, stream->small_len, err) != 0)
            return -1;
    }
    return content_stream_write(&stream->part, data, len, err);
}

static int
on_part_end(void *ctx, struct error *err)
{
    struct message_stream *stream = ctx;
    uint8_t head[2 + 2 * VARINT_MAX];
    size_t n = 0;
    head[n++] = stream->detached ? RECIPE_BASE64_REF : RECIPE_BASE64;
    n += varint_put(head + n, stream->line_len);
    head[n++] = stream->crlf;
    if (!stream->detached) {
        n += varint_put(head + n, stream->small_len);
        if (write_recipe(stream, head, n, err) != 0)
            return -1;
        return write_recipe(stream, stream->small, stream->small_len, err);
    }
    return write_reference(stream, head, n, err);
}

static const struct mime_scan_vtable scan_vtable = { on_text, on_part_begin, on_part_data, on_part_end };

int
message_stream_write(struct message_stream *stream, const uint8_t *data, size_t len, struct error *err)
{
    digest_update(stream->digest, data, len);
    stream->total += len;
    return mime_scan_write(&stream->scan, data, len, err);
}

int
message_stream_end(struct message_stream *stream, struct content_parts *parts, struct content_ref *ref,
                   struct error *err)
{
    uint8_t end[1 + VARINT_MAX + DIGEST_LEN] = { RECIPE_END };
    if (mime_scan_end(&stream->scan, err) != 0 || quoted_scan_flush(&stream->quoted, err) != 0)
        return -1;
    if (parts != NULL)
        *parts = stream->parts;
    if (!stream->recipe_begun) {
        if (content_stream_write(stream->recipe, stream->text, stream->text_len, err) != 0)
            return -1;
        return content_stream_end(stream->recipe, ref, err);
    }
    size_t n = 1 + varint_put(end + 1, stream->total);
    uint8_t digest[DIGEST_LEN];
    digest_final(stream->digest, digest);
    memcpy(end + n, digest, RECIPE_DIGEST_LEN);
    if (flush_text(stream, err) != 0 || write_recipe(stream, end, n + RECIPE_DIGEST_LEN, err) != 0 ||
        content_stream_end(stream->recipe, ref, err) != 0)
        return -1;
    ref->message = true;
    ref->len = stream->total;
    return 0;
}
