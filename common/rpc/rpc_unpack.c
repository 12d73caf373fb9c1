#include "common/base/arena.h"
#include "common/base/error.h"
#include "common/rpc/rpc_call.h"

/* protobuf-c answers NULL for bytes it cannot parse and for an allocator that refuses; the wrapper tells them
 * apart. */
struct watched_arena {
    struct arena *arena;
    bool refused;
};

static void *
watched_alloc(void *ctx, size_t size)
{
    struct watched_arena *watched = ctx;
    void *p = arena_alloc(watched->arena, size);
    watched->refused = watched->refused || p == NULL;
    return p;
}

static void
watched_free(void *ctx, void *pointer)
{
    (void)ctx;
    (void)pointer;
}

ProtobufCMessage *
rpc_unpack(const ProtobufCMessageDescriptor *type, const void *data, size_t len, struct arena *arena, struct error *err)
{
    struct watched_arena watched = { .arena = arena };
    ProtobufCAllocator allocator = { watched_alloc, watched_free, &watched };
    ProtobufCMessage *message = protobuf_c_message_unpack(type, &allocator, len, data);
    if (message == NULL && watched.refused)
        FAIL(err, ERROR_LIMIT, 0, "a %s does not fit the memory set aside for it", type->short_name);
    else if (message == NULL)
        FAIL(err, ERROR_FORMAT, 0, "a %s cannot be parsed", type->short_name);
    return message;
}
