#include "common/rpc/rpc_status_details.h"

#include "common/base/arena.h"
#include "common/base/encoding.h"
#include "common/base/memory.h"
#include "common/net/h2_headers.h"
#include "common/rpc/rpc_call.h"

#include "proto/status.pb-c.h"

#include <string.h>
#include <utf8proc.h>

#define TRAILER    "grpc-status-details-bin"
#define DETAIL_URL "type.googleapis.com/longhaul.v1.ErrorDetail"
#define STATUS_MAX ((size_t)4096)
#define UNPACK_MAX (4 * STATUS_MAX)

/* A protobuf string has to be UTF-8; an error's text may be cut within a character. */
static void
copy_text(const char *text, char *out, size_t size)
{
    const utf8proc_uint8_t *from = (const utf8proc_uint8_t *)text;
    size_t left = strlen(text), used = 0;
    while (left > 0) {
        utf8proc_int32_t point = 0;
        utf8proc_ssize_t n = utf8proc_iterate(from, (utf8proc_ssize_t)left, &point);
        bool plain = n > 0 && point >= 0x20 && point != 0x7f;
        size_t step = n > 0 ? (size_t)n : 1;
        size_t need = plain ? step : 1;
        if (used + need >= size)
            break;
        memcpy(out + used, plain ? (const char *)from : "?", need);
        used += need;
        from += step;
        left -= step;
    }
    out[used] = '\0';
}

void
rpc_status_details_write(struct h2_headers *trailers, const struct error *err)
{
    char message[sizeof(err->text)], kind[32], url[] = DETAIL_URL;
    uint8_t detail_bytes[64], status_bytes[sizeof(message) + 256];
    char text[ENCODING_BASE64_LEN(sizeof(status_bytes))];

    copy_text(err->text, message, sizeof(message));
    copy_text(error_kind_name(err->kind), kind, sizeof(kind));
    Longhaul__V1__ErrorDetail detail;
    longhaul__v1__error_detail__init(&detail);
    detail.kind = kind;
    detail.retry_after_ms = err->retry_after_ms;
    Longhaul__V1__AnyDetail any, *list = &any;
    longhaul__v1__any_detail__init(&any);
    any.type_url = url;
    any.value = (ProtobufCBinaryData){ longhaul__v1__error_detail__pack(&detail, detail_bytes), detail_bytes };
    Longhaul__V1__Status status;
    longhaul__v1__status__init(&status);
    status.code = error_kind_rpc_status(err->kind);
    status.message = message;
    status.n_details = 1;
    status.details = &list;
    size_t len = longhaul__v1__status__pack(&status, status_bytes);
    h2_headers_add(trailers, TRAILER, strlen(TRAILER), text, encoding_base64(status_bytes, len, text), NULL);
}

static void
read_detail(const Longhaul__V1__AnyDetail *any, struct arena *arena, struct rpc_status_details *details)
{
    if (strcmp(any->type_url, DETAIL_URL) != 0)
        return;
    ProtobufCMessage *message =
        rpc_unpack(&longhaul__v1__error_detail__descriptor, any->value.data, any->value.len, arena, NULL);
    if (message == NULL)
        return;
    const Longhaul__V1__ErrorDetail *detail = (const Longhaul__V1__ErrorDetail *)message;
    /* A kind that is newer than this program reads as "internal", which the status says better. */
    enum error_kind kind = error_kind_from_name(detail->kind);
    details->kind = strcmp(error_kind_name(kind), detail->kind) == 0 ? kind : ERROR_NONE;
    details->retry_after_ms = detail->retry_after_ms <= INT32_MAX ? detail->retry_after_ms : 0;
}

int
rpc_status_details_read(const struct h2_headers *headers, struct rpc_status_details *details)
{
    uint8_t bytes[STATUS_MAX];
    size_t text_len = 0, len = sizeof(bytes);
    const char *text = h2_headers_get(headers, TRAILER, &text_len);
    if (text == NULL || encoding_unbase64(text, text_len, bytes, &len, NULL) != 0)
        return 0;
    CLEANUP(arena_free_p) struct arena *arena = arena_new(UNPACK_MAX);
    ProtobufCMessage *message = rpc_unpack(&longhaul__v1__status__descriptor, bytes, len, arena, NULL);
    if (message == NULL)
        return 0;
    const Longhaul__V1__Status *status = (const Longhaul__V1__Status *)message;
    *details = (struct rpc_status_details){ .code = status->code };
    copy_text(status->message, details->message, sizeof(details->message));
    for (size_t i = 0; i < status->n_details && details->kind == ERROR_NONE; i++)
        read_detail(status->details[i], arena, details);
    return 1;
}
