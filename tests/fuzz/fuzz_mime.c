/* Any bytes as a message: taken apart and put together they are the same. Then the bytes as a recipe. */

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/base64_line.h"
#include "common/vault/message_join.h"
#include "common/vault/mime_scan.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct rebuilt {
    struct buffer bytes;
    struct base64_lines lines;
};

static int
on_text(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    struct rebuilt *rebuilt = ctx;
    return buffer_append(&rebuilt->bytes, data, len, err);
}

static int
on_part_begin(void *ctx, size_t line_len, bool crlf, struct error *err)
{
    struct rebuilt *rebuilt = ctx;
    (void)err;
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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct mime_scan_vtable scan_vtable = { on_text, on_part_begin, on_part_data, on_part_end };
    static const struct message_join_vtable join_vtable = { on_message, on_recipe_part };
    struct error err = ERROR_INIT;
    struct rebuilt rebuilt = { .bytes = BUFFER_INIT((size_t)16 << 20) };
    struct mime_scan *scan = MEMORY_NEW(struct mime_scan);
    size_t piece = size == 0 ? 1 : 1 + data[0];
    mime_scan_begin(scan, &scan_vtable, &rebuilt);
    for (size_t at = 0; at < size; at += piece) {
        if (mime_scan_write(scan, data + at, size - at < piece ? size - at : piece, &err) != 0)
            abort();
    }
    if (mime_scan_end(scan, &err) != 0 || rebuilt.bytes.len != size ||
        (size > 0 && memcmp(rebuilt.bytes.data, data, size) != 0))
        abort();
    free(scan);
    buffer_clear(&rebuilt.bytes);

    struct message_join *join = message_join_new(&join_vtable, NULL);
    if (message_join_write(join, data, size / 2, &err) == 0)
        (void)message_join_write(join, data + size / 2, size - size / 2, &err);
    message_join_free(join);
    return 0;
}
