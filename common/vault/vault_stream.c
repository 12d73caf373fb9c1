#include "common/base/memory.h"
#include "common/crypto/digest.h"
#include "common/vault/content_stream.h"
#include "common/vault/message_stream.h"

#include <stdlib.h>
#include <string.h>

struct vault_stream {
    struct vault_writer *writer;
    struct hmac *naming;
    struct content_stream content;  /* of the content, or of the message's recipe */
    struct message_stream *message; /* made when the first message comes */
    bool is_message;
    struct vault_stream *next;
};

static void
stream_free(struct vault_stream *stream)
{
    content_stream_clear(&stream->content);
    message_stream_free(stream->message);
    hmac_free(stream->naming);
    free(stream);
}

static struct vault_stream *
take_idle(struct vault_writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    struct vault_stream *stream = writer->idle;
    if (stream != NULL) {
        writer->idle = stream->next;
        writer->idle_count--;
    }
    pthread_mutex_unlock(&writer->lock);
    return stream;
}

static void
give_back(struct vault_stream *stream)
{
    struct vault_writer *writer = stream->writer;
    pthread_mutex_lock(&writer->lock);
    bool keep = writer->idle_count < WRITER_IDLE_STREAMS;
    if (keep) {
        stream->next = writer->idle;
        writer->idle = stream;
        writer->idle_count++;
    }
    pthread_mutex_unlock(&writer->lock);
    if (!keep)
        stream_free(stream);
}

void
vault_stream_free_idle(struct vault_writer *writer)
{
    struct vault_stream *stream;
    while ((stream = take_idle(writer)) != NULL)
        stream_free(stream);
}

static const enum writer_class classes[] = {
    [VAULT_MESSAGE] = CLASS_TEXT, [VAULT_FILE] = CLASS_FILE,         [VAULT_METADATA] = CLASS_METADATA,
    [VAULT_CATALOG] = CLASS_NODE, [VAULT_CATALOG_PATH] = CLASS_PATH,
};

struct vault_stream *
vault_stream_begin(struct vault_writer *writer, enum vault_content type, struct error *err)
{
    pthread_mutex_lock(&writer->lock);
    bool failed = writer->failed;
    pthread_mutex_unlock(&writer->lock);
    if (failed) {
        vault_writer_failed(writer, err);
        return NULL;
    }
    struct vault_stream *stream = take_idle(writer);
    if (stream == NULL) {
        stream = MEMORY_NEW(struct vault_stream);
        stream->writer = writer;
        stream->naming = vault_naming(writer->vault);
        content_stream_init(&stream->content, writer, stream->naming);
    }
    stream->is_message = type == VAULT_MESSAGE;
    if (stream->is_message) {
        if (stream->message == NULL)
            stream->message = message_stream_new(writer, stream->naming, &stream->content);
        message_stream_begin(stream->message);
    } else {
        content_stream_begin(&stream->content, classes[type]);
    }
    return stream;
}

int
vault_stream_write(struct vault_stream *stream, const void *data, size_t len, struct error *err)
{
    if (stream->is_message)
        return message_stream_write(stream->message, data, len, err);
    return content_stream_write(&stream->content, data, len, err);
}

int
vault_stream_end_message(struct vault_stream *stream, struct content_parts *parts, struct content_ref *ref,
                         struct error *err)
{
    if (parts != NULL)
        content_parts_begin(parts);
    int failed = stream->is_message ? message_stream_end(stream->message, parts, ref, err)
                                    : content_stream_end(&stream->content, ref, err);
    give_back(stream);
    return failed;
}

int
vault_stream_end(struct vault_stream *stream, struct content_ref *ref, struct error *err)
{
    return vault_stream_end_message(stream, NULL, ref, err);
}

void
vault_stream_abort(struct vault_stream *stream)
{
    if (stream != NULL)
        give_back(stream);
}

int
vault_writer_put(struct vault_writer *writer, enum vault_content type, const void *data, size_t len,
                 struct content_ref *ref, struct error *err)
{
    struct vault_stream *stream = vault_stream_begin(writer, type, err);
    if (stream == NULL)
        return -1;
    if (vault_stream_write(stream, data, len, err) != 0) {
        vault_stream_abort(stream);
        return -1;
    }
    return vault_stream_end(stream, ref, err);
}
