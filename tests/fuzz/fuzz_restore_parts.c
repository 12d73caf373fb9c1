/* Any bytes as a message: its parts lie within it, in each other, and can be decoded. */

#include "common/base/memory.h"
#include "transporter/restore/restore_headers.h"
#include "transporter/restore/restore_parts.h"

#include <gmime/gmime.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;
    struct restore_parts parts;
    CLEANUP(memory_free_p) char *out = memory_new(RESTORE_DECODE_BLOCK);

    if (!started)
        g_mime_init();
    started = true;
    restore_parts_read(&parts, (const char *)data, size);
    free(restore_headers_find(parts.data, parts.body, "Subject"));
    for (size_t i = 0; i < parts.count; i++) {
        const struct restore_part *part = &parts.parts[i],
                                  *outer = part->parent < 0 ? part : &parts.parts[part->parent];
        if (part->offset < outer->offset || part->offset + part->len > outer->offset + outer->len)
            abort();
        struct restore_decode decode;
        size_t len, total = 0;
        restore_decode_begin(&decode, part->encoding, parts.data + part->offset, part->len);
        while (restore_decode_next(&decode, out, &len))
            total += len;
        if (total > part->len)
            abort();
    }
    restore_parts_clear(&parts);
    return 0;
}
