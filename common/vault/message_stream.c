#include "common/vault/message_stream.h"

#include "common/base/memory.h"
#include "common/vault/content_stream.h"

#include <stdlib.h>

struct message_stream {
    struct content_stream content;
};

struct message_stream *
message_stream_new(struct vault_writer *writer, struct hmac *naming)
{
    struct message_stream *stream = MEMORY_NEW(struct message_stream);
    content_stream_init(&stream->content, writer, naming);
    return stream;
}

void
message_stream_free(struct message_stream *stream)
{
    if (stream == NULL)
        return;
    content_stream_clear(&stream->content);
    free(stream);
}

void
message_stream_begin(struct message_stream *stream)
{
    content_stream_begin(&stream->content, CLASS_TEXT);
}

int
message_stream_write(struct message_stream *stream, const uint8_t *data, size_t len, struct error *err)
{
    return content_stream_write(&stream->content, data, len, err);
}

int
message_stream_end(struct message_stream *stream, struct content_ref *ref, struct error *err)
{
    return content_stream_end(&stream->content, ref, err);
}
