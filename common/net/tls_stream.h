#ifndef LONGHAUL_COMMON_NET_TLS_STREAM_H
#define LONGHAUL_COMMON_NET_TLS_STREAM_H

/* One TLS connection as a state machine without I/O: ciphertext and plaintext go in and come out as bytes. One
 * thread at a time. */

#include "common/net/tls_context.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLS_STREAM_RECORD ((size_t)16 << 10) /* the largest plaintext of one record */

struct net_chunk;
struct net_pool;
struct tls_stream;

struct tls_stream_options {
    struct tls_context *context; /* retained */
    struct net_pool *pool;       /* outlives the stream */
    const char *host;            /* client: for SNI and, when the context says so, the name check. May be NULL */
    const char *expected_node;   /* client: node id that the peer must have. May be NULL */
};

struct tls_stream *tls_stream_new(const struct tls_stream_options *options, struct error *err);
void tls_stream_free(struct tls_stream *stream);

/* Ciphertext from the peer; borrowed until the reads below have drained it, which they do until they say 0. */
void tls_stream_feed(struct tls_stream *stream, const uint8_t *data, size_t len);
/* 1: the handshake is done and the peer is who it should be. 0: needs more from the peer. -1: failed; an alert may
 * wait in the output. A client calls it once before the first feed. */
int tls_stream_handshake(struct tls_stream *stream, struct error *err);
/* Number of bytes; 0 when all input is used up or *ended says that the peer has closed its side; -1. */
int tls_stream_read(struct tls_stream *stream, uint8_t *out, size_t size, bool *ended, struct error *err);

/* Queue plaintext; what does not fill a record waits for more until the flush. */
int tls_stream_write(struct tls_stream *stream, const uint8_t *data, size_t len, struct error *err);
int tls_stream_flush(struct tls_stream *stream, struct error *err);
/* Announce the end (close_notify). */
void tls_stream_end(struct tls_stream *stream);

/* Ciphertext that waits for the socket. */
size_t tls_stream_pending(const struct tls_stream *stream);
/* All of it as a list, to be given back to the pool; NULL when there is none. */
struct net_chunk *tls_stream_take(struct tls_stream *stream);

/* What the handshake proved; the address is left empty. */
const struct tls_peer *tls_stream_peer(const struct tls_stream *stream);

#endif
