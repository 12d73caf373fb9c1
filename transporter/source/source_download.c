#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/source/source_internal.h"

struct delivery {
    const struct source_sink *sink;
    uint64_t bytes;
};

static int
on_bytes(void *ctx, const void *data, size_t len, struct error *err)
{
    struct delivery *delivery = ctx;
    delivery->bytes += len;
    return delivery->sink->write(delivery->sink->ctx, data, len, err);
}

static int
on_restart(void *ctx, struct error *err)
{
    struct delivery *delivery = ctx;
    delivery->bytes = 0;
    return delivery->sink->restart(delivery->sink->ctx, err);
}

int
source_download(struct source *source, const char *url, const struct source_sink *sink, struct graph_response *response,
                uint64_t *bytes, struct error *err)
{
    static const char *const headers[] = { "Prefer: IdType=\"ImmutableId\"" };
    struct delivery delivery = { .sink = sink };
    const struct graph_request request = {
        .url = url,
        .service = GRAPH_EXCHANGE,
        .mailbox = source->user,
        .headers = headers,
        .header_count = ARRAY_LEN(headers),
        .sink = on_bytes,
        .sink_ctx = &delivery,
        .sink_restart = on_restart,
        .cancel = source->cancel,
    };
    int status = graph_client_request(source->graph, &request, response, err);
    *bytes = delivery.bytes;
    return status;
}
