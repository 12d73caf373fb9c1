#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/graph/graph_json.h"
#include "transporter/graph/graph_url.h"
#include "transporter/restore/restore_mime.h"
#include "transporter/restore/to_tenant_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define SMALL_MAX  ((uint64_t)3 << 20)   /* below: in one request */
#define LARGE_MAX  ((uint64_t)150 << 20) /* above: Outlook takes it in no way */
#define FRAGMENT   ((uint64_t)12 * 320 << 10)
#define NAME_MAX_B 255

static int
on_file_read(void *ctx, uint64_t offset, void *out, size_t capacity, size_t *len, struct error *err)
{
    ssize_t n = pread(fileno(ctx), out, capacity, (off_t)offset);

    if (n < 0)
        return FAIL(err, ERROR_IO, errno, "temporary file: %s", strerror(errno));
    *len = (size_t)n;
    return 0;
}

/* A message inside a message goes as a file with its exact bytes: as an item of its own it would have to be put
 * together from properties and would lose some. */
static char *
name_of(const struct restore_attachment *a)
{
    size_t len = strlen(a->name);

    if (a->embedded && (len < 4 || strcasecmp(a->name + len - 4, ".eml") != 0))
        return memory_printf("%.*s.eml", NAME_MAX_B - 4, a->name);
    return memory_strdup(a->name);
}

static json_t *
description(const struct restore_attachment *a, const char *name)
{
    json_t *json = json_pack("{s:s,s:s,s:b}", "name", name, "contentType", a->content_type, "isInline", a->is_inline);

    if (json == NULL) /* a name that is not UTF-8 */
        json = json_pack("{s:s,s:s,s:b}", "name", "attachment", "contentType", "application/octet-stream", "isInline",
                         a->is_inline);
    if (a->content_id[0] != '\0') {
        json_t *id = json_string(a->content_id);
        if (id != NULL)
            json_object_set_new(json, "contentId", id);
    }
    return json;
}

static int
post_small(struct to_tenant *restore, const char *message_id, json_t *json, FILE *file, uint64_t len,
           struct to_tenant_report *report, struct error *err)
{
    CLEANUP(memory_free_p) char *url = graph_url("/users/%s/messages/%s/attachments", restore->user, message_id);
    CLEANUP(memory_free_p) uint8_t *bytes = memory_array((size_t)len + 1, 1, SMALL_MAX + 1, err);
    CLEANUP(memory_free_p) char *text = memory_array(ENCODING_BASE64_LEN((size_t)len), 1, SMALL_MAX * 2, err);
    CLEANUP(graph_response_clear) struct graph_response response = { .status = 0 };

    if (bytes == NULL || text == NULL)
        return -1;
    if (fread(bytes, 1, (size_t)len, file) != len)
        return FAIL(err, ERROR_IO, errno, "temporary file: %s", strerror(errno));
    encoding_base64(bytes, (size_t)len, text);
    json_object_set_new(json, "@odata.type", json_string("#microsoft.graph.fileAttachment"));
    json_object_set_new(json, "contentBytes", json_string(text));
    CLEANUP(graph_json_unref) json_t *made = to_tenant_ask(restore, "POST", url, json, &response, err);
    return made != NULL ? 0 : to_tenant_judge(&response, report, err);
}

static int
send_large(struct to_tenant *restore, const char *message_id, json_t *json, FILE *file, uint64_t len,
           struct to_tenant_report *report, struct error *err)
{
    const struct to_tenant_content content = { file, len, on_file_read };
    CLEANUP(memory_free_p)
    char *url = graph_url("/users/%s/messages/%s/attachments/createUploadSession", restore->user, message_id);
    json_object_set_new(json, "attachmentType", json_string("file"));
    json_object_set_new(json, "size", json_integer((json_int_t)len));
    CLEANUP(graph_json_unref) json_t *body = json_pack("{s:O}", "AttachmentItem", json);
    const struct to_tenant_upload upload = {
        .restore = restore,
        .service = GRAPH_EXCHANGE,
        .mailbox = restore->user,
        .session_url = url,
        .session_body = body,
        .fragment = FRAGMENT,
        .content = &content,
    };
    json_t *item;
    int status = to_tenant_upload(&upload, &item, report, err);
    json_decref(item);
    return status;
}

static int
add_one(struct to_tenant *restore, const char *message_id, struct restore_mime *mime, size_t index,
        struct to_tenant_report *report, struct error *err)
{
    struct to_tenant_report own = { .result = TO_TENANT_RESTORED };
    const struct restore_attachment a = restore_mime_attachment(mime, index);
    CLEANUP(memory_free_p) char *name = name_of(&a);
    CLEANUP(graph_json_unref) json_t *json = description(&a, name);
    uint64_t len;

    FILE *file = restore_mime_attachment_open(mime, index, &len, err);
    if (file == NULL)
        return -1;
    int status = 0;
    if (len > LARGE_MAX)
        to_tenant_lose(report, "attachment_too_large");
    else if (len < SMALL_MAX)
        status = post_small(restore, message_id, json, file, len, &own, err);
    else
        status = send_large(restore, message_id, json, file, len, &own, err);
    fclose(file);
    if (status == 0 && own.result != TO_TENANT_RESTORED)
        to_tenant_lose(report, strcmp(own.reason, "too_large") == 0 ? "attachment_too_large" : "attachment_refused");
    else if (status == 0 && a.embedded)
        to_tenant_lose(report, "embedded_as_file");
    return status;
}

int
to_tenant_attachments(struct to_tenant *restore, const char *message_id, struct restore_mime *mime,
                      struct to_tenant_report *report, struct error *err)
{
    for (size_t i = 0; i < restore_mime_attachment_count(mime); i++)
        if (add_one(restore, message_id, mime, i, report, err) != 0)
            return -1;
    return 0;
}
