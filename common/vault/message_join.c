#include "common/vault/message_join.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/crypto/digest.h"
#include "common/vault/base64_line.h"
#include "common/vault/message_recipe.h"
#include "common/vault/varint.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PENDING_MAX                                                                                                    \
    ((size_t)8 << 20)              /* a recipe that is given whole; else a piece, and what is left of the one before */
#define SLICE   6144               /* bytes encoded at a time */
#define OUT_MAX ((size_t)64 << 10) /* given on at a time */
#define LARGE   (OUT_MAX / 4)      /* is given on without a copy */

struct message_join {
    const struct message_join_vtable *vtable;
    void *ctx;
    struct buffer pending;
    struct digest *digest;
    uint64_t total;
    uint64_t text_left; /* of a text that is passing through */
    bool begun, ended;
    bool quoted; /* the part that is being encoded; else base64 */
    struct base64_lines lines;
    struct quoted_lines quoted_lines;
    size_t out_len; /* waiting to be given on */
    uint8_t out[OUT_MAX];
};

static_assert(BASE64_LINES_OUT(SLICE) <= OUT_MAX, "a slice fits");

struct message_join *
message_join_new(const struct message_join_vtable *vtable, void *ctx)
{
    struct message_join *join = malloc(sizeof(*join));
    if (join == NULL)
        abort();
    memset(join, 0, offsetof(struct message_join, out));
    join->vtable = vtable;
    join->ctx = ctx;
    join->digest = digest_new();
    buffer_init(&join->pending, PENDING_MAX);
    return join;
}

void
message_join_free(struct message_join *join)
{
    if (join == NULL)
        return;
    digest_free(join->digest);
    buffer_clear(&join->pending);
    free(join);
}

static int
give(struct message_join *join, const uint8_t *data, size_t len, struct error *err)
{
    digest_update(join->digest, data, len);
    return join->vtable->message(join->ctx, data, len, err);
}

static int
flush(struct message_join *join, struct error *err)
{
    size_t len = join->out_len;
    join->out_len = 0;
    return len == 0 ? 0 : give(join, join->out, len, err);
}

static int
put(struct message_join *join, const uint8_t *data, size_t len, struct error *err)
{
    join->total += len;
    if ((len >= LARGE || len > OUT_MAX - join->out_len) && flush(join, err) != 0)
        return -1;
    if (len >= LARGE)
        return give(join, data, len, err);
    if (len > 0)
        memcpy(join->out + join->out_len, data, len);
    join->out_len += len;
    return 0;
}

static int
on_quoted(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    return put(ctx, data, len, err);
}

int
message_join_part(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    struct message_join *join = ctx;
    if (join->quoted)
        return quoted_lines_encode(&join->quoted_lines, data, len, on_quoted, join, err);
    while (len > 0) {
        size_t n = len < SLICE ? len : SLICE;
        if (OUT_MAX - join->out_len < BASE64_LINES_OUT(SLICE) && flush(join, err) != 0)
            return -1;
        size_t encoded = base64_lines_encode(&join->lines, data, n, join->out + join->out_len);
        join->out_len += encoded;
        join->total += encoded;
        data += n;
        len -= n;
    }
    return 0;
}

static int
bad_recipe(struct error *err)
{
    return FAIL(err, ERROR_FORMAT, 0, "a message's recipe is malformed");
}

static int
end_part(struct message_join *join, struct error *err)
{
    if (join->quoted)
        return join->quoted_lines.len == 0 ? 0 : bad_recipe(err);
    uint8_t last[BASE64_LINES_OUT(3)];
    return put(join, last, base64_lines_finish(&join->lines, last), err);
}

/* The readers of a part's head: 1 when it is there and good, 0: more of it must come first, -1. */
static int
read_base64_head(struct message_join *join, struct reader *in, struct error *err)
{
    uint64_t line_len = varint_get(in);
    uint8_t crlf = reader_u8(in);
    if (in->failed)
        return 0;
    if (line_len < 4 || line_len % 4 != 0 || line_len > SIZE_MAX / 2 || crlf > 1)
        return bad_recipe(err);
    join->quoted = false;
    join->lines = (struct base64_lines){ .line_len = (size_t)line_len, .crlf = crlf == 1 };
    return 1;
}

static int
read_quoted_head(struct message_join *join, struct reader *in, struct error *err)
{
    struct quoted_style *style = &join->quoted_lines.style;
    uint8_t flags = reader_u8(in), room = reader_u8(in);
    const uint8_t *escaped = reader_bytes(in, QUOTED_SET_LEN);
    if (escaped == NULL)
        return 0;
    if (flags > (RECIPE_STYLE_CRLF | RECIPE_STYLE_LOWER | RECIPE_STYLE_LOOSE) || room < QUOTED_ROOM_MIN ||
        room > QUOTED_ROOM_MAX)
        return bad_recipe(err);
    style->crlf = (flags & RECIPE_STYLE_CRLF) != 0;
    style->lower = (flags & RECIPE_STYLE_LOWER) != 0;
    style->loose = (flags & RECIPE_STYLE_LOOSE) != 0;
    style->room = room;
    memcpy(style->escaped, escaped, QUOTED_SET_LEN);
    join->quoted = true;
    join->quoted_lines.len = 0;
    return 1;
}

/* 1: the operation is done, 0: more of it must come first, -1. */
static int
run_part_here(struct message_join *join, struct reader *in, uint64_t most, struct error *err)
{
    uint64_t len = varint_get(in);
    if (!in->failed && len > most)
        return bad_recipe(err);
    const uint8_t *data = reader_bytes(in, (size_t)len);
    if (data == NULL)
        return 0;
    return message_join_part(join, data, (size_t)len, err) != 0 || end_part(join, err) != 0 ? -1 : 1;
}

static int
run_part_elsewhere(struct message_join *join, struct reader *in, struct error *err)
{
    struct content_ref ref;
    if (reader_left(in) < CONTENT_REF_MAX_ENCODED) {
        struct error early = ERROR_INIT;
        struct reader trial = *in;
        if (content_decode(&trial, &ref, &early) != 0)
            return trial.failed ? 0 : bad_recipe(err);
    }
    if (content_decode(in, &ref, err) != 0)
        return -1;
    if (ref.message)
        return bad_recipe(err);
    return join->vtable->part(join->ctx, join, &ref, err) != 0 || end_part(join, err) != 0 ? -1 : 1;
}

static int
run_part(struct message_join *join, struct reader *in, uint8_t operation, struct error *err)
{
    bool quoted = operation == RECIPE_QUOTED || operation == RECIPE_QUOTED_REF;
    int head = quoted ? read_quoted_head(join, in, err) : read_base64_head(join, in, err);
    if (head != 1)
        return head;
    if (operation == RECIPE_BASE64_REF || operation == RECIPE_QUOTED_REF)
        return run_part_elsewhere(join, in, err);
    return run_part_here(join, in, quoted ? RECIPE_QUOTED_MAX : RECIPE_INLINE_MAX, err);
}

static int
run_end(struct message_join *join, struct reader *in, struct error *err)
{
    uint64_t total = varint_get(in);
    const uint8_t *expected = reader_bytes(in, RECIPE_DIGEST_LEN);
    uint8_t digest[DIGEST_LEN];
    if (expected == NULL)
        return 0;
    if (flush(join, err) != 0)
        return -1;
    digest_final(join->digest, digest);
    join->ended = true;
    if (total != join->total || memcmp(digest, expected, RECIPE_DIGEST_LEN) != 0)
        return FAIL(err, ERROR_CORRUPT, 0, "a message came out other than it was stored");
    return 1;
}

static int
run_operation(struct message_join *join, struct reader *in, struct error *err)
{
    if (join->ended)
        return bad_recipe(err);
    if (!join->begun) {
        join->begun = true;
        uint8_t version = reader_u8(in);
        if (version < RECIPE_VERSION_BASE64 || version > RECIPE_VERSION)
            return FAIL(err, ERROR_UNSUPPORTED, version, "a message's recipe of version %u. Update this program",
                        version);
        return 1;
    }
    uint8_t operation = reader_u8(in);
    switch (operation) {
    case RECIPE_END:
        return run_end(join, in, err);
    case RECIPE_TEXT:
        join->text_left = varint_get(in);
        if (in->failed)
            join->text_left = 0;
        return in->failed ? 0 : 1;
    case RECIPE_BASE64:
    case RECIPE_BASE64_REF:
    case RECIPE_QUOTED:
    case RECIPE_QUOTED_REF:
        return run_part(join, in, operation, err);
    }
    return bad_recipe(err);
}

int
message_join_write(struct message_join *join, const uint8_t *data, size_t len, struct error *err)
{
    /* An operation is short but for what it holds, so little waits here. */
    if (buffer_append(&join->pending, data, len, err) != 0)
        return -1;
    size_t at = 0;
    while (at < join->pending.len) {
        size_t left = join->pending.len - at;
        if (join->text_left > 0) {
            size_t n = left < join->text_left ? left : (size_t)join->text_left;
            if (put(join, join->pending.data + at, n, err) != 0)
                return -1;
            join->text_left -= n;
            at += n;
            continue;
        }
        struct reader in = READER_INIT(join->pending.data + at, left);
        int done = run_operation(join, &in, err);
        if (done < 0)
            return -1;
        if (done == 0)
            break;
        at += in.at;
    }
    buffer_consume(&join->pending, at);
    return 0;
}

int
message_join_end(struct message_join *join, uint64_t total, struct error *err)
{
    if (!join->ended || join->total != total)
        return FAIL(err, ERROR_CORRUPT, 0, "a message's recipe is cut off");
    return 0;
}

bool
message_join_ended(const struct message_join *join)
{
    return join->ended;
}
