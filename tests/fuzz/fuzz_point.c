/* A recovery point: the clear header as a host reads it, then the input taken as an opened body. */

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/vault/point_format.h"
#include "common/vault/vault_format.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = ERROR_INIT;
    struct point_header header;
    struct vault_format format;
    struct point point;
    (void)point_header_decode(data, size, &header, &err);
    (void)vault_format_decode(data, size, &format, &err);
    memset(&point, 0, sizeof(point));
    if (point_format_decode_body(data, size, &point, &err) != 0 || error_is_set(&err))
        return 0;
    struct buffer again = BUFFER_INIT(POINT_BODY_MAX);
    struct point back;
    memset(&back, 0, sizeof(back));
    if (point_format_encode_body(&point, &again, &err) != 0 ||
        point_format_decode_body(again.data, again.len, &back, &err) != 0 ||
        memcmp(&back.counts, &point.counts, sizeof(back.counts)) != 0 || strcmp(back.previous, point.previous) != 0 ||
        strcmp(back.copied_from, point.copied_from) != 0)
        abort();
    buffer_clear(&again);
    return 0;
}
