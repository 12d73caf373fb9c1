#ifndef LONGHAUL_COMMON_RPC_RPC_CHANNEL_H
#define LONGHAUL_COMMON_RPC_RPC_CHANNEL_H

/* The client side: one peer, one HTTP/2 connection that is made when needed and made again after a loss (calls
 * in flight fail with ERROR_NETWORK; they are not repeated). Any thread. */

#include "common/rpc/rpc_call.h"

struct event_loop;
struct rpc_channel;
struct tls_context;

struct rpc_channel_options {
    const char *host; /* name or address; borrowed for the call */
    uint16_t port;
    struct tls_context *tls;     /* retained */
    const char *expected_node;   /* node id the peer's certificate must carry; NULL: any that the trust allows */
    uint32_t connect_timeout_ms; /* 0: 10 s */
    uint32_t keepalive_ms;       /* ping interval; 0: 20 s. A ping unanswered for as long ends the connection */
};

struct rpc_channel *rpc_channel_new(struct event_loop *loop, const struct rpc_channel_options *options,
                                    struct error *err);
/* Cancels what runs. Not from the loop thread. */
void rpc_channel_free(struct rpc_channel *channel);

struct rpc_metadata {
    const char *key; /* lower case; a key that ends in "-bin" carries bytes */
    const void *value;
    size_t len;
};

struct rpc_call_options {
    int timeout_ms; /* the deadline sent to the peer; 0 or RPC_NO_TIMEOUT: none */
    const struct rpc_metadata *metadata;
    size_t metadata_count;
    size_t message_limit; /* largest message accepted; 0: RPC_MESSAGE_LIMIT */
};

/* path: "/longhaul.v1.Vault/PutPack". NULL when no connection can be had: the error says why (refused, below the
 * TLS floor, certificate expired, wrong node). Worker threads only. Free with rpc_call_free(). */
struct rpc_call *rpc_channel_open(struct rpc_channel *channel, const char *path, const struct rpc_call_options *options,
                                  struct error *err);

/* One request, one reply. reply lies in the arena. options may be NULL. Worker threads only. */
int rpc_channel_unary(struct rpc_channel *channel, const char *path, const struct rpc_call_options *options,
                      const ProtobufCMessage *request, const ProtobufCMessageDescriptor *reply_type,
                      struct arena *arena, ProtobufCMessage **reply, struct error *err);

#endif
