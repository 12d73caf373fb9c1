#ifndef LONGHAUL_COMMON_VAULT_CONTENT_STREAM_H
#define LONGHAUL_COMMON_VAULT_CONTENT_STREAM_H

/* Bytes in, one reference out: cuts, feeds the writer, keeps the list of chunks. One thread; reusable. */

#include "common/vault/content_list.h"
#include "common/vault/vault_writer_internal.h"

#define CONTENT_STREAM_BUFFER      ((size_t)512 << 10)
#define CONTENT_STREAM_INDIVISIBLE CONTENT_STREAM_BUFFER /* text is cut at this length only */

struct content_stream {
    struct vault_writer *writer;
    struct hmac *naming; /* borrowed */
    enum writer_class class;
    uint8_t *data;
    size_t len;
    uint64_t total;
    struct content_list_node *levels[CONTENT_LIST_LEVELS];
};

void content_stream_init(struct content_stream *stream, struct vault_writer *writer, struct hmac *naming);
void content_stream_clear(struct content_stream *stream);
/* CLASS_FILE is cut by content, with bytes that look incompressible kept apart; everything else at a fixed length. */
void content_stream_begin(struct content_stream *stream, enum writer_class class);
int content_stream_write(struct content_stream *stream, const uint8_t *data, size_t len, struct error *err);
int content_stream_end(struct content_stream *stream, struct content_ref *ref, struct error *err);

#endif
