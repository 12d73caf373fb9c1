#ifndef LONGHAUL_COMMON_VAULT_MESSAGE_STREAM_H
#define LONGHAUL_COMMON_VAULT_MESSAGE_STREAM_H

/* A MIME message in, one reference to its recipe out. See proto/FORMAT.md, "Message". One thread; reusable. */

#include "common/vault/vault_writer_internal.h"

struct content_parts;
struct content_stream;
struct message_stream;

/* Borrows recipe for its life; nobody else may use it while a message is under way. */
struct message_stream *message_stream_new(struct vault_writer *writer, struct hmac *naming,
                                          struct content_stream *recipe);
void message_stream_free(struct message_stream *stream);
void message_stream_begin(struct message_stream *stream);
int message_stream_write(struct message_stream *stream, const uint8_t *data, size_t len, struct error *err);
/* parts may be NULL. */
int message_stream_end(struct message_stream *stream, struct content_parts *parts, struct content_ref *ref,
                       struct error *err);

#endif
