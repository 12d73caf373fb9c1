#include "common/rpc/rpc_frame.h"

#include "common/base/block_cache.h"
#include "common/base/error.h"

#include <string.h>

/* A length alone does not buy more memory than this: 1 MiB of bytes and the fields beside them. */
#define FIRST_ALLOCATION (((size_t)1 << 20) + 1024)

void
rpc_frame_reader_init(struct rpc_frame_reader *reader, size_t limit)
{
    *reader = (struct rpc_frame_reader){ .limit = limit };
}

void
rpc_frame_reader_clear(struct rpc_frame_reader *reader)
{
    rpc_frame_message_free(reader->partial);
    rpc_frame_reader_init(reader, reader->limit);
}

static int
make_room(struct rpc_frame_reader *reader, size_t capacity, struct error *err)
{
    struct rpc_message *old = reader->partial, *message;
    size_t size = sizeof(*message) + capacity;
    message = old == NULL ? block_cache_take(size) : block_cache_grow(old, sizeof(*old) + old->len, size);
    if (message == NULL)
        return FAIL(err, ERROR_LIMIT, 0, "out of memory for a message of %zu bytes", reader->wanted);
    if (old == NULL)
        *message = (struct rpc_message){ 0 };
    reader->partial = message;
    reader->capacity = capacity;
    return 0;
}

static int
begin_message(struct rpc_frame_reader *reader, struct error *err)
{
    const uint8_t *head = reader->head;
    size_t len = (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
    if (head[0] == 1)
        return FAIL(err, ERROR_UNSUPPORTED, 0, "compressed messages are not supported: send with identity encoding");
    if (head[0] != 0)
        return FAIL(err, ERROR_FORMAT, head[0], "a message with the unknown flag %u", head[0]);
    if (len > reader->limit)
        return FAIL(err, ERROR_LIMIT, 0, "a message of %zu bytes is over the limit of %zu bytes", len, reader->limit);
    reader->wanted = len;
    return make_room(reader, len < FIRST_ALLOCATION ? len : FIRST_ALLOCATION, err);
}

static int
read_body(struct rpc_frame_reader *reader, const uint8_t **data, size_t *len, struct error *err)
{
    size_t left = reader->wanted - reader->partial->len;
    size_t n = *len < left ? *len : left;
    if (n > reader->capacity - reader->partial->len) {
        size_t doubled = reader->capacity * 2;
        if (make_room(reader, doubled < reader->wanted ? doubled : reader->wanted, err) != 0)
            return -1;
        if (n > reader->capacity - reader->partial->len)
            n = reader->capacity - reader->partial->len;
    }
    memcpy(reader->partial->data + reader->partial->len, *data, n);
    reader->partial->len += n;
    *data += n;
    *len -= n;
    return 0;
}

int
rpc_frame_read(struct rpc_frame_reader *reader, const uint8_t **data, size_t *len, struct rpc_message **message,
               struct error *err)
{
    for (;;) {
        if (reader->partial == NULL) {
            size_t n = RPC_FRAME_HEAD - reader->head_len;
            n = *len < n ? *len : n;
            if (n > 0)
                memcpy(reader->head + reader->head_len, *data, n);
            reader->head_len += n;
            *data += n;
            *len -= n;
            if (reader->head_len < RPC_FRAME_HEAD)
                return 0;
            if (begin_message(reader, err) != 0)
                return -1;
        }
        if (reader->partial->len == reader->wanted) {
            *message = reader->partial;
            reader->partial = NULL;
            reader->head_len = 0;
            return 1;
        }
        if (*len == 0)
            return 0;
        if (read_body(reader, data, len, err) != 0)
            return -1;
    }
}

void
rpc_frame_message_free(struct rpc_message *message)
{
    block_cache_give(message);
}

bool
rpc_frame_at_boundary(const struct rpc_frame_reader *reader)
{
    return reader->partial == NULL && reader->head_len == 0;
}

void
rpc_frame_write_head(uint8_t out[RPC_FRAME_HEAD], uint32_t len)
{
    out[0] = 0;
    out[1] = (uint8_t)(len >> 24);
    out[2] = (uint8_t)(len >> 16);
    out[3] = (uint8_t)(len >> 8);
    out[4] = (uint8_t)len;
}
