#ifndef LONGHAUL_COMMON_RPC_RPC_FRAME_H
#define LONGHAUL_COMMON_RPC_RPC_FRAME_H

/* Cuts a stream of bytes into gRPC's length-prefixed messages: flag (1 byte), length (4 bytes, big-endian), bytes.
 * The length is checked before memory is taken for it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

#define RPC_FRAME_HEAD 5

struct rpc_message {
    struct rpc_message *next;
    size_t len;
    uint8_t data[];
};

struct rpc_frame_reader {
    size_t limit; /* of one message */
    uint8_t head[RPC_FRAME_HEAD];
    size_t head_len;
    size_t wanted; /* length of the message that is being read */
    struct rpc_message *partial;
    size_t capacity;
};

void rpc_frame_reader_init(struct rpc_frame_reader *reader, size_t limit);
void rpc_frame_reader_clear(struct rpc_frame_reader *reader);

/* Read from *data and move it on. 1: *message is complete and the caller's. 0: all is read. -1: ERROR_LIMIT
 * for a message over the limit, ERROR_UNSUPPORTED for a compressed one, ERROR_FORMAT for an unknown flag. */
int rpc_frame_read(struct rpc_frame_reader *reader, const uint8_t **data, size_t *len, struct rpc_message **message,
                   struct error *err);
/* NULL is a no-op. */
void rpc_frame_message_free(struct rpc_message *message);
/* The stream may end here: no message is half read. */
bool rpc_frame_at_boundary(const struct rpc_frame_reader *reader);

/* Write the head of a message of len bytes. */
void rpc_frame_write_head(uint8_t out[RPC_FRAME_HEAD], uint32_t len);

#endif
