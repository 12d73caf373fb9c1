#include "transporter/restore/restore_mime.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/restore/restore_decode.h"
#include "transporter/restore/restore_headers.h"
#include "transporter/restore/restore_parts.h"
#include "transporter/restore/restore_text.h"
#include "transporter/restore/to_tenant.h"

#include <errno.h>
#include <fcntl.h>
#include <gmime/gmime.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define COPY_BLOCK ((size_t)256 << 10)

/* One of the message's attachments. */
struct attachment {
    size_t part;
    char *subject; /* of an embedded message; NULL */
    char name[24]; /* for one that has none, as Exchange calls it */
};

struct restore_mime {
    char *scratch;
    int fd; /* the whole message */
    size_t len;
    const char *data; /* its mapping; "" when it is empty */
    struct restore_parts parts;
    size_t attachment_count;
    struct attachment *attachments;
};

static void
start_gmime(void)
{
    g_mime_init();
}

static int
fail_file(struct error *err)
{
    return FAIL(err, error_kind_from_errno(errno), errno, "temporary file: %s", strerror(errno));
}

static int
temporary_fd(const char *scratch, struct error *err)
{
    CLEANUP(memory_free_p) char *path = memory_printf("%s/restore-XXXXXX", scratch);
    int fd = mkostemp(path, O_CLOEXEC);

    if (fd < 0)
        return fail_file(err);
    unlink(path);
    return fd;
}

static int
copy_content(const struct to_tenant_content *content, int fd, struct error *err)
{
    CLEANUP(memory_free_p) char *block = memory_new(COPY_BLOCK);
    size_t len;

    if (content->len > RESTORE_MIME_CEILING)
        return FAIL(err, ERROR_LIMIT, 0, "a message of %llu bytes", (unsigned long long)content->len);
    for (uint64_t at = 0; at < content->len; at += len) {
        if (content->read(content->ctx, at, block, COPY_BLOCK, &len, err) != 0)
            return -1;
        if (len == 0)
            return FAIL(err, ERROR_CORRUPT, 0, "stored message ends early");
        for (size_t done = 0; done < len;) {
            ssize_t n = write(fd, block + done, len - done);
            if (n < 0)
                return fail_file(err);
            done += (size_t)n;
        }
    }
    return 0;
}

/* The file has no name and no other writer: its bytes stay while they are mapped. */
static int
map_content(struct restore_mime *mime, struct error *err)
{
    mime->data = "";
    if (mime->len == 0)
        return 0;
    void *map = mmap(NULL, mime->len, PROT_READ, MAP_PRIVATE, mime->fd, 0);
    if (map == MAP_FAILED)
        return fail_file(err);
    mime->data = map;
    return 0;
}

static bool
is_embedded(const struct restore_part *part)
{
    return strcmp(part->type, "message/rfc822") == 0 || strcmp(part->type, "message/global") == 0;
}

static char *
decoded_header(const char *data, size_t len, const char *name)
{
    CLEANUP(memory_free_p) char *raw = restore_headers_find(data, len, name);
    char *text = raw != NULL ? g_mime_utils_header_decode_text(NULL, raw) : NULL;
    char *copy = text != NULL && text[0] != '\0' ? memory_strdup(text) : NULL;

    g_free(text);
    return copy;
}

static void
list_attachments(struct restore_mime *mime)
{
    const struct restore_parts *parts = &mime->parts;

    mime->attachments = memory_new((parts->count + 1) * sizeof(*mime->attachments));
    for (size_t i = 0; i < parts->count; i++) {
        const struct restore_part *part = &parts->parts[i];
        if (!restore_parts_is_attachment(parts, i))
            continue;
        struct attachment *found = &mime->attachments[mime->attachment_count++];
        found->part = i;
        snprintf(found->name, sizeof(found->name), "ATT%05zu", i);
        if (is_embedded(part))
            found->subject = decoded_header(mime->data + part->offset,
                                            restore_headers_end(mime->data + part->offset, part->len, true), "Subject");
    }
}

struct restore_mime *
restore_mime_open(const struct to_tenant_content *content, const char *scratch, struct error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_gmime);

    CLEANUP(restore_mime_free_p) struct restore_mime *mime = MEMORY_NEW(struct restore_mime);
    mime->scratch = memory_strdup(scratch);
    mime->len = (size_t)content->len;
    mime->fd = temporary_fd(scratch, err);
    if (mime->fd < 0 || copy_content(content, mime->fd, err) != 0 || map_content(mime, err) != 0)
        return NULL;
    restore_parts_read(&mime->parts, mime->data, mime->len);
    list_attachments(mime);
    return MOVE(mime);
}

void
restore_mime_free(struct restore_mime *mime)
{
    if (mime == NULL)
        return;
    for (size_t i = 0; i < mime->attachment_count; i++)
        free(mime->attachments[i].subject);
    free(mime->attachments);
    restore_parts_clear(&mime->parts);
    if (mime->data != NULL && mime->len > 0)
        munmap((void *)(uintptr_t)mime->data, mime->len);
    if (mime->fd >= 0)
        close(mime->fd);
    free(mime->scratch);
    free(mime);
}

void
restore_mime_free_p(struct restore_mime **mime)
{
    restore_mime_free(*mime);
}

/* The decoded bytes of a part, piece by piece, to a file. */
static int
decode_to(const struct restore_mime *mime, const struct restore_part *part, FILE *out)
{
    struct restore_decode decode;
    CLEANUP(memory_free_p) char *block = memory_new(RESTORE_DECODE_BLOCK);
    size_t len;

    restore_decode_begin(&decode, part->encoding, mime->data + part->offset, part->len);
    while (restore_decode_next(&decode, block, &len))
        if (fwrite(block, 1, len, out) != len)
            return -1;
    return fflush(out) == 0 ? 0 : -1;
}

char *
restore_mime_body(struct restore_mime *mime, bool *html, struct error *err)
{
    const struct restore_parts *parts = &mime->parts;
    int index = parts->html >= 0 ? parts->html : parts->plain;

    *html = parts->html >= 0;
    if (index < 0)
        return memory_strdup("");
    const struct restore_part *part = &parts->parts[index];
    if (part->len > RESTORE_BODY_CEILING) {
        FAIL(err, ERROR_LIMIT, 0, "a message body of %zu bytes", part->len);
        return NULL;
    }
    struct restore_decode decode;
    CLEANUP(memory_free_p) char *bytes = memory_new(part->len + RESTORE_DECODE_BLOCK);
    size_t len = 0, piece;
    restore_decode_begin(&decode, part->encoding, mime->data + part->offset, part->len);
    while (restore_decode_next(&decode, bytes + len, &piece))
        len += piece;
    return restore_text_utf8(part->charset, bytes, len);
}

char *
restore_mime_headers(struct restore_mime *mime, size_t ceiling)
{
    size_t len = mime->parts.body;

    if (len > ceiling) { /* whole lines only */
        const char *lf = memrchr(mime->data, '\n', ceiling);
        len = lf != NULL ? (size_t)(lf - mime->data) + 1 : ceiling;
    }
    while (len > 0 && (mime->data[len - 1] == '\n' || mime->data[len - 1] == '\r'))
        len--;
    return restore_text_utf8(NULL, mime->data, len);
}

char *
restore_mime_header(struct restore_mime *mime, const char *name)
{
    return restore_headers_find(mime->data, mime->parts.body, name);
}

bool
restore_mime_is_sealed(const struct restore_mime *mime)
{
    for (size_t i = 0; i < mime->parts.count; i++)
        if (strcmp(mime->parts.parts[i].type, "multipart/signed") == 0 ||
            strcmp(mime->parts.parts[i].type, "multipart/encrypted") == 0)
            return true;
    return false;
}

size_t
restore_mime_attachment_count(const struct restore_mime *mime)
{
    return mime->attachment_count;
}

struct restore_attachment
restore_mime_attachment(const struct restore_mime *mime, size_t index)
{
    const struct attachment *found = &mime->attachments[index];
    const struct restore_part *part = &mime->parts.parts[found->part];
    const char *name = part->name != NULL ? part->name : found->subject;
    struct restore_attachment a = {
        .name = name != NULL ? name : found->name,
        .content_id = part->content_id != NULL ? part->content_id : "",
        .is_inline = part->is_inline || (part->content_id != NULL && !part->attachment),
        .embedded = is_embedded(part),
    };

    snprintf(a.content_type, sizeof(a.content_type), "%s", part->type);
    return a;
}

FILE *
restore_mime_attachment_open(struct restore_mime *mime, size_t index, uint64_t *len, struct error *err)
{
    int fd = temporary_fd(mime->scratch, err);
    if (fd < 0)
        return NULL;
    FILE *file = fdopen(fd, "w+b");
    if (file == NULL) {
        fail_file(err);
        close(fd);
        return NULL;
    }
    int failed = decode_to(mime, &mime->parts.parts[mime->attachments[index].part], file);
    off_t size = failed ? -1 : lseek(fd, 0, SEEK_END);
    if (size < 0) {
        fail_file(err);
        fclose(file);
        return NULL;
    }
    rewind(file);
    *len = (uint64_t)size;
    return file;
}
