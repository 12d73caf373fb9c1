#ifndef LONGHAUL_COMMON_RPC_RPC_CALL_H
#define LONGHAUL_COMMON_RPC_RPC_CALL_H

/* One call of the gRPC protocol (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md), on either
 * side. The functions below may be called from any thread. On a worker thread they wait (for window space, for
 * the next message); on the loop thread nothing waits: sends are queued, and messages come through events. */

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct error;
struct rpc_call;
struct tls_peer;

#define RPC_MESSAGE_LIMIT ((size_t)4 << 20) /* the ceiling of one message unless a method states its own */
#define RPC_NO_TIMEOUT    (-1)

/* Send one message. Worker thread: when more than RPC_MESSAGE_LIMIT bytes are queued, waits until half of that has
 * gone (back-pressure).
 * Loop thread: ERROR_LIMIT when the queue is over 4 * RPC_MESSAGE_LIMIT, which means a peer that does not read.
 * The message is serialised before the function returns. Several threads may send on one call. */
int rpc_call_send(struct rpc_call *call, const ProtobufCMessage *message, struct error *err);
/* Same for bytes that are a serialised message already. */
int rpc_call_send_bytes(struct rpc_call *call, const void *data, size_t len, struct error *err);

/* Worker thread only: 1 and a message (in the arena), 0 when the peer has ended its side, -1 on failure:
 * ERROR_TIMEOUT after timeout_ms, ERROR_CANCELLED, the peer's status (client), or a broken connection.
 * A message that does not fit the arena's budget is ERROR_LIMIT, one that does not parse ERROR_FORMAT. */
int rpc_call_receive(struct rpc_call *call, const ProtobufCMessageDescriptor *type, int timeout_ms, struct arena *arena,
                     ProtobufCMessage **message, struct error *err);
/* Same, raw: *data is valid until the next receive or the call's end. */
int rpc_call_receive_bytes(struct rpc_call *call, int timeout_ms, const uint8_t **data, size_t *len, struct error *err);

/* Client: no more messages from us. */
int rpc_call_close_send(struct rpc_call *call, struct error *err);
/* Client, worker thread: wait for the status; 0 when it is OK, else -1 with the peer's kind and text. Unread
 * messages are dropped. */
int rpc_call_finish(struct rpc_call *call, struct error *err);
/* Any side, any thread; the peer sees CANCELLED. */
void rpc_call_cancel(struct rpc_call *call);
/* Client: give up the handle; cancels when it is still running. */
void rpc_call_free(struct rpc_call *call);
void rpc_call_free_p(struct rpc_call **call);

/* Who is on the other side; valid as long as the call. */
const struct tls_peer *rpc_call_peer(const struct rpc_call *call);
/* A request header as the peer sent it; "-bin" keys come decoded. NULL when absent. */
const uint8_t *rpc_call_metadata(const struct rpc_call *call, const char *key, size_t *len);
/* Milliseconds left of the deadline, RPC_NO_TIMEOUT without one. */
int rpc_call_time_left(const struct rpc_call *call);

/* Unpack with a budget: bytes from a peer into the arena. NULL with ERROR_FORMAT or ERROR_LIMIT. */
ProtobufCMessage *rpc_unpack(const ProtobufCMessageDescriptor *type, const void *data, size_t len, struct arena *arena,
                             struct error *err);

#endif
