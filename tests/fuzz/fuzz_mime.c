/* Any bytes as a message: taken apart (base64, then quoted-printable in what is left) and put together they are the
 * same. Then the bytes as a recipe, and as the lines of a quoted-printable part in any style. */

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/base64_line.h"
#include "common/vault/message_join.h"
#include "common/vault/message_recipe.h"
#include "common/vault/mime_scan.h"
#include "common/vault/quoted_scan.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct rebuilt {
    struct buffer bytes;
    struct base64_lines lines;
    struct quoted_scan quoted;
    struct buffer long_run;
};

static int
on_plain(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    struct rebuilt *rebuilt = ctx;
    return buffer_append(&rebuilt->bytes, data, len, err);
}

static int
on_quoted(void *ctx, const struct quoted_style *style, const uint8_t *data, size_t len, struct error *err)
{
    struct quoted_lines *lines = MEMORY_NEW(struct quoted_lines);
    lines->style = *style;
    if (quoted_lines_encode(lines, data, len, on_plain, ctx, err) != 0 || lines->len != 0)
        abort();
    free(lines);
    return 0;
}

static int
on_long_data(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    struct rebuilt *rebuilt = ctx;
    return buffer_append(&rebuilt->long_run, data, len, err);
}

static int
on_long_end(void *ctx, const struct quoted_style *style, struct error *err)
{
    struct rebuilt *rebuilt = ctx;
    on_quoted(ctx, style, rebuilt->long_run.data, rebuilt->long_run.len, err);
    rebuilt->long_run.len = 0;
    return 0;
}

static int
on_text(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    struct rebuilt *rebuilt = ctx;
    return quoted_scan_write(&rebuilt->quoted, data, len, err);
}

static int
on_part_begin(void *ctx, size_t line_len, bool crlf, struct error *err)
{
    struct rebuilt *rebuilt = ctx;
    if (quoted_scan_flush(&rebuilt->quoted, err) != 0)
        abort();
    rebuilt->lines = (struct base64_lines){ .line_len = line_len, .crlf = crlf };
    return 0;
}

static int
on_part_data(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    struct rebuilt *rebuilt = ctx;
    uint8_t out[BASE64_LINES_OUT(MIME_SCAN_LINES)];
    return buffer_append(&rebuilt->bytes, out, base64_lines_encode(&rebuilt->lines, data, len, out), err);
}

static int
on_part_end(void *ctx, struct error *err)
{
    struct rebuilt *rebuilt = ctx;
    uint8_t out[BASE64_LINES_OUT(3)];
    return buffer_append(&rebuilt->bytes, out, base64_lines_finish(&rebuilt->lines, out), err);
}

static int
on_message(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    (void)ctx;
    (void)data;
    (void)len;
    (void)err;
    return 0;
}

static int
on_recipe_part(void *ctx, struct message_join *join, const struct content_ref *ref, struct error *err)
{
    (void)ctx;
    (void)ref;
    return message_join_part(join, (const uint8_t *)"part", 4, err);
}

static void
take_apart_and_join(const uint8_t *data, size_t size)
{
    static const struct quoted_scan_vtable quoted_vtable = { on_plain, on_quoted, on_long_data, on_long_end };
    static const struct mime_scan_vtable scan_vtable = { on_text, on_part_begin, on_part_data, on_part_end };
    struct error err = ERROR_INIT;
    struct rebuilt *rebuilt = MEMORY_NEW(struct rebuilt);
    buffer_init(&rebuilt->bytes, (size_t)16 << 20);
    buffer_init(&rebuilt->long_run, (size_t)16 << 20);
    quoted_scan_begin(&rebuilt->quoted, &quoted_vtable, rebuilt);
    struct mime_scan *scan = MEMORY_NEW(struct mime_scan);
    size_t piece = size == 0 ? 1 : 1 + data[0];
    mime_scan_begin(scan, &scan_vtable, rebuilt);
    for (size_t at = 0; at < size; at += piece) {
        if (mime_scan_write(scan, data + at, size - at < piece ? size - at : piece, &err) != 0)
            abort();
    }
    if (mime_scan_end(scan, &err) != 0 || quoted_scan_flush(&rebuilt->quoted, &err) != 0 ||
        rebuilt->bytes.len != size || (size > 0 && memcmp(rebuilt->bytes.data, data, size) != 0))
        abort();
    free(scan);
    buffer_clear(&rebuilt->bytes);
    buffer_clear(&rebuilt->long_run);
    free(rebuilt);
}

static int
on_ignored(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    (void)ctx;
    (void)data;
    (void)len;
    (void)err;
    return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct message_join_vtable join_vtable = { on_message, on_recipe_part };
    struct error err = ERROR_INIT;
    take_apart_and_join(data, size);
    struct quoted_lines *lines = MEMORY_NEW(struct quoted_lines);
    lines->style.room = (uint8_t)(QUOTED_ROOM_MIN + (size > 0 ? data[0] % (QUOTED_ROOM_MAX - QUOTED_ROOM_MIN + 1) : 0));
    lines->style.loose = size > 1 && (data[1] & 1) != 0;
    lines->style.crlf = size > 1 && (data[1] & 2) != 0;
    (void)quoted_lines_encode(lines, data, size, on_ignored, NULL, &err);
    free(lines);
    struct content_ref largest;
    message_recipe_largest(data, size, &largest);

    struct message_join *join = message_join_new(&join_vtable, NULL);
    if (message_join_write(join, data, size / 2, &err) == 0)
        (void)message_join_write(join, data + size / 2, size - size / 2, &err);
    message_join_free(join);
    return 0;
}
