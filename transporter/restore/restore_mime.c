#include "transporter/restore/restore_mime.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/restore/restore_boundary.h"
#include "transporter/restore/restore_text.h"
#include "transporter/restore/to_tenant.h"

#include <errno.h>
#include <fcntl.h>
#include <gmime/gmime.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define COPY_BLOCK  ((size_t)256 << 10)
#define PARTS_LIMIT 4096u

struct restore_mime {
    char *scratch;
    int fd; /* the whole message */
    GMimeMessage *message;
    GArray *attachments; /* struct attachment */
    GMimePart *plain, *html;
    bool sealed;
    unsigned visited; /* parts met so far, containers included */
};

/* One of the message's attachments; part and boundary are borrowed from the message. */
struct attachment {
    GMimeObject *part;
    const char *boundary; /* of the enclosing multipart; NULL when there is none */
    char name[24];        /* for one that has none, as Exchange calls it */
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
    return lseek(fd, 0, SEEK_SET) == 0 ? 0 : fail_file(err);
}

static bool
is_attachment_by_disposition(GMimeObject *part)
{
    const char *disposition = g_mime_object_get_disposition(part);
    return disposition != NULL && strcasecmp(disposition, "attachment") == 0;
}

static bool
is_type(GMimeObject *part, const char *type, const char *subtype)
{
    return g_mime_content_type_is_type(g_mime_object_get_content_type(part), type, subtype) != FALSE;
}

static void
on_gmime_part(GMimeObject *parent, GMimeObject *part, gpointer ctx)
{
    struct restore_mime *mime = ctx;
    unsigned number = mime->visited++;

    if (GMIME_IS_MULTIPART(part)) {
        mime->sealed |= is_type(part, "multipart", "signed") || is_type(part, "multipart", "encrypted");
        return;
    }
    if (mime->attachments->len >= PARTS_LIMIT)
        return;
    if (GMIME_IS_PART(part)) {
        GMimePart *leaf = (GMimePart *)part;
        bool whole = parent == NULL || GMIME_IS_MESSAGE(parent);
        bool shown = !is_attachment_by_disposition(part) && (whole || g_mime_part_get_filename(leaf) == NULL);
        if (shown && mime->plain == NULL && is_type(part, "text", "plain")) {
            mime->plain = leaf;
            return;
        }
        if (shown && mime->html == NULL && is_type(part, "text", "html")) {
            mime->html = leaf;
            return;
        }
    }
    struct attachment found = { .part = part };
    if (GMIME_IS_MULTIPART(parent))
        found.boundary = g_mime_multipart_get_boundary((GMimeMultipart *)parent);
    snprintf(found.name, sizeof(found.name), "ATT%05u", number);
    g_array_append_val(mime->attachments, found);
}

static int
parse(struct restore_mime *mime, struct error *err)
{
    int own = dup(mime->fd); /* the stream closes its descriptor */
    if (own < 0)
        return fail_file(err);
    GMimeStream *stream = g_mime_stream_fs_new(own);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    g_mime_parser_set_persist_stream(parser, TRUE);
    mime->message = g_mime_parser_construct_message(parser, NULL);
    g_object_unref(parser);
    g_object_unref(stream);
    if (mime->message == NULL || g_mime_message_get_mime_part(mime->message) == NULL)
        return FAIL(err, ERROR_FORMAT, 0, "stored bytes cannot be read as a message");
    g_mime_message_foreach(mime->message, on_gmime_part, mime);
    return 0;
}

struct restore_mime *
restore_mime_open(const struct to_tenant_content *content, const char *scratch, struct error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_gmime);

    CLEANUP(restore_mime_free_p) struct restore_mime *mime = MEMORY_NEW(struct restore_mime);
    mime->scratch = memory_strdup(scratch);
    mime->attachments = g_array_new(FALSE, FALSE, sizeof(struct attachment));
    mime->fd = temporary_fd(scratch, err);
    if (mime->fd < 0 || copy_content(content, mime->fd, err) != 0 || parse(mime, err) != 0)
        return NULL;
    return MOVE(mime);
}

void
restore_mime_free(struct restore_mime *mime)
{
    if (mime == NULL)
        return;
    if (mime->message != NULL)
        g_object_unref(mime->message);
    g_array_free(mime->attachments, TRUE);
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

char *
restore_mime_body(struct restore_mime *mime, bool *html, struct error *err)
{
    GMimePart *part = mime->html != NULL ? mime->html : mime->plain;

    *html = mime->html != NULL;
    GMimeDataWrapper *content = part != NULL ? g_mime_part_get_content(part) : NULL;
    if (content == NULL)
        return memory_strdup("");
    GMimeStream *memory = g_mime_stream_mem_new();
    g_mime_data_wrapper_write_to_stream(content, memory);
    GByteArray *bytes = g_mime_stream_mem_get_byte_array((GMimeStreamMem *)memory);
    const char *charset =
        g_mime_content_type_get_parameter(g_mime_object_get_content_type((GMimeObject *)part), "charset");
    char *text = bytes->len > RESTORE_BODY_CEILING
                     ? (FAIL(err, ERROR_LIMIT, 0, "a message body of %u bytes", bytes->len), NULL)
                     : restore_text_utf8(charset, (const char *)bytes->data, bytes->len);
    g_object_unref(memory);
    return text;
}

char *
restore_mime_headers(struct restore_mime *mime, size_t ceiling, struct error *err)
{
    char *raw = memory_array(ceiling + 1, 1, ceiling + 1, err);

    if (raw == NULL)
        return NULL;
    ssize_t n = pread(mime->fd, raw, ceiling, 0);
    raw[n > 0 ? n : 0] = '\0';
    char *end = strstr(raw, "\r\n\r\n"), *bare = strstr(raw, "\n\n");
    if (end == NULL || (bare != NULL && bare < end))
        end = bare;
    if (end == NULL && (size_t)(n > 0 ? n : 0) == ceiling)
        end = strrchr(raw, '\n'); /* longer than the ceiling: whole lines only */
    if (end != NULL)
        *end = '\0';
    char *text = restore_text_utf8(NULL, raw, strlen(raw));
    free(raw);
    return text;
}

const char *
restore_mime_header(struct restore_mime *mime, const char *name)
{
    return g_mime_object_get_header((GMimeObject *)mime->message, name);
}

bool
restore_mime_is_sealed(const struct restore_mime *mime)
{
    return mime->sealed;
}

size_t
restore_mime_attachment_count(const struct restore_mime *mime)
{
    return mime->attachments->len;
}

static const struct attachment *
attachment_at(const struct restore_mime *mime, size_t index)
{
    return &g_array_index(mime->attachments, struct attachment, index);
}

static const char *
embedded_subject(GMimeObject *part)
{
    GMimeMessage *inner = g_mime_message_part_get_message((GMimeMessagePart *)part);
    const char *subject = inner != NULL ? g_mime_message_get_subject(inner) : NULL;
    return subject != NULL ? subject : "";
}

static const char *
file_name(GMimeObject *part)
{
    const char *name = g_mime_object_get_content_disposition_parameter(part, "filename");

    if (GMIME_IS_PART(part))
        return g_mime_part_get_filename((GMimePart *)part);
    return name != NULL ? name : g_mime_object_get_content_type_parameter(part, "name");
}

struct restore_attachment
restore_mime_attachment(const struct restore_mime *mime, size_t index)
{
    const struct attachment *found = attachment_at(mime, index);
    GMimeContentType *type = g_mime_object_get_content_type(found->part);
    const char *id = g_mime_object_get_content_id(found->part), *name = file_name(found->part);
    const char *disposition = g_mime_object_get_disposition(found->part);
    struct restore_attachment a = { .embedded = GMIME_IS_MESSAGE_PART(found->part) != FALSE };

    snprintf(a.content_type, sizeof(a.content_type), "%s/%s", g_mime_content_type_get_media_type(type),
             g_mime_content_type_get_media_subtype(type));
    for (char *p = a.content_type; *p != '\0'; p++)
        *p = g_ascii_tolower(*p);
    if (a.embedded && (name == NULL || name[0] == '\0'))
        name = embedded_subject(found->part);
    a.name = name != NULL && name[0] != '\0' ? name : found->name;
    a.content_id = id != NULL ? id : "";
    a.is_inline = (disposition != NULL && strcasecmp(disposition, "inline") == 0) ||
                  (id != NULL && !is_attachment_by_disposition(found->part));
    return a;
}

/* Where the bytes of an embedded message lie in the file: writing it anew would change line ends and folding. */
static bool
find_embedded(struct restore_mime *mime, size_t index, off_t *from, off_t *to)
{
    const struct attachment *found = attachment_at(mime, index);
    GMimeMessage *inner = g_mime_message_part_get_message((GMimeMessagePart *)found->part);
    GMimeHeaderList *headers = inner != NULL ? g_mime_object_get_header_list((GMimeObject *)inner) : NULL;
    GMimeHeader *first = headers != NULL && g_mime_header_list_get_count(headers) > 0
                             ? g_mime_header_list_get_header_at(headers, 0)
                             : NULL;
    gint64 start = first != NULL ? g_mime_header_get_offset(first) : -1;
    const char *encoding = g_mime_object_get_header(found->part, "Content-Transfer-Encoding");
    bool encoded =
        encoding != NULL && (strcasestr(encoding, "base64") != NULL || strcasestr(encoding, "quoted") != NULL);
    *from = (off_t)start;
    return start >= 0 && !encoded && restore_boundary_find(mime->fd, *from, found->boundary, to) == 0;
}

FILE *
restore_mime_attachment_open(struct restore_mime *mime, size_t index, uint64_t *len, struct error *err)
{
    GMimeObject *part = attachment_at(mime, index)->part;
    int fd = temporary_fd(mime->scratch, err);

    if (fd < 0)
        return NULL;
    GMimeStream *stream = g_mime_stream_fs_new(fd);
    g_mime_stream_fs_set_owner((GMimeStreamFs *)stream, FALSE);
    gint64 written = 0;
    off_t from, to;
    if (GMIME_IS_MESSAGE_PART(part) && find_embedded(mime, index, &from, &to)) {
        int own = dup(mime->fd);
        GMimeStream *whole = g_mime_stream_fs_new_with_bounds(own, from, to);
        written = g_mime_stream_write_to_stream(whole, stream);
        g_object_unref(whole);
    } else if (GMIME_IS_MESSAGE_PART(part)) {
        GMimeMessage *inner = g_mime_message_part_get_message((GMimeMessagePart *)part);
        if (inner != NULL)
            written = g_mime_object_write_to_stream((GMimeObject *)inner, NULL, stream);
    } else if (GMIME_IS_PART(part) && g_mime_part_get_content((GMimePart *)part) != NULL) {
        written = g_mime_data_wrapper_write_to_stream(g_mime_part_get_content((GMimePart *)part), stream);
    }
    bool ok = written >= 0 && g_mime_stream_flush(stream) == 0;
    g_object_unref(stream);
    off_t size = lseek(fd, 0, SEEK_END);
    FILE *file = ok && size >= 0 && lseek(fd, 0, SEEK_SET) == 0 ? fdopen(fd, "rb") : NULL;
    if (file == NULL) {
        fail_file(err);
        close(fd);
        return NULL;
    }
    *len = (uint64_t)size;
    return file;
}
