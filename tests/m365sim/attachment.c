#include "tests/m365sim/attachment.h"

#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/m365sim/attachment_internal.h"
#include "tests/m365sim/box.h"
#include "tests/m365sim/files.h"
#include "tests/m365sim/message_internal.h"
#include "tests/m365sim/page.h"
#include "tests/m365sim/reply.h"
#include "tests/m365sim/request.h"
#include "tests/m365sim/select.h"
#include "tests/m365sim/tenant.h"
#include "tests/m365sim/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* Lists leave larger ones without their bytes, as Exchange does. */
#define LISTED_BYTES ((size_t)3 << 20)

/* Ids: "AAMkAT" and, encoded, the message's key, 'm' (part of the MIME) or 'a' (added), and the number. */
void
attachment_make_id(uint64_t key, char kind, unsigned number, char out[ATTACHMENT_ID_LEN])
{
    char text[40], encoded[ENCODING_BASE64_LEN(40)];
    snprintf(text, sizeof(text), "%016llx%c%u", (unsigned long long)key, kind, number);
    encoding_base64url(text, strlen(text), encoded);
    snprintf(out, ATTACHMENT_ID_LEN, "AAMkAT%s", encoded);
}

bool
attachment_parse_id(const struct message *m, const char *id, char *kind, unsigned *number)
{
    char text[60];
    unsigned long long key;
    size_t len = sizeof(text) - 1;
    if (strncmp(id, "AAMkAT", 6) != 0 || encoding_unbase64(id + 6, strlen(id + 6), (uint8_t *)text, &len, NULL) != 0)
        return false;
    text[len] = '\0';
    return sscanf(text, "%16llx%c%u", &key, kind, number) == 3 && key == m->key && (*kind == 'm' || *kind == 'a');
}

static void
put_bytes(json_t *o, const void *data, size_t len)
{
    CLEANUP(memory_free_p) char *text = memory_new(ENCODING_BASE64_LEN(len));
    encoding_base64(data, len, text);
    json_object_set_new(o, "contentBytes", json_string(text));
}

static json_t *
attachment_object(const struct message *m, char kind, unsigned number, const char *type, const char *name, size_t size)
{
    char id[ATTACHMENT_ID_LEN];
    bool item = strcmp(type, "message/rfc822") == 0;
    attachment_make_id(m->key, kind, number, id);
    json_t *o =
        json_pack("{s:s}", "@odata.type", item ? "#microsoft.graph.itemAttachment" : "#microsoft.graph.fileAttachment");
    if (!item)
        message_set_text(o, "@odata.mediaContentType", type);
    json_object_set_new(o, "id", json_string(id));
    json_object_set_new(o, "lastModifiedDateTime", message_time(m->mtime_ns / 1000000));
    message_set_text(o, "name", name);
    message_set_text(o, "contentType", type);
    json_object_set_new(o, "size", json_integer((json_int_t)size));
    return o;
}

static char *
part_name(const struct mime_message *mime, size_t part)
{
    const struct mime_part *p = &mime->parts[part];
    if (p->name != NULL && p->name[0] != '\0')
        return memory_strdup(p->name);
    if (strcmp(p->type, "message/rfc822") != 0)
        return memory_printf("ATT%05zu", part);
    struct mime_headers inner;
    mime_headers_parse(&inner, mime->data + p->offset, p->len);
    char *subject = mime_headers_text(&inner, "Subject");
    mime_headers_clear(&inner);
    return subject != NULL ? subject : memory_strdup("Message");
}

static json_t *
part_json(const struct message *m, const struct mime_message *mime, size_t part, size_t ceiling)
{
    const struct mime_part *p = &mime->parts[part];
    size_t len;
    CLEANUP(memory_free_p) char *name = part_name(mime, part);
    CLEANUP(memory_free_p) char *bytes = mime_message_content(mime, part, &len);
    json_t *o = attachment_object(m, 'm', (unsigned)part, p->type, name, len);
    bool item = strcmp(p->type, "message/rfc822") == 0;
    json_object_set_new(o, "isInline", json_boolean(p->inline_ || (p->content_id != NULL && !p->attachment)));
    if (!item) {
        json_object_set_new(o, "contentId", p->content_id != NULL ? json_string(p->content_id) : json_null());
        json_object_set_new(o, "contentLocation", json_null());
    }
    if (!item && len < ceiling)
        put_bytes(o, bytes, len);
    return o;
}

static json_t *
added_json(const struct message *m, const json_t *a, size_t ceiling)
{
    unsigned number = (unsigned)json_integer_value(json_object_get(a, "_number"));
    char suffix[32];
    size_t len = 0;
    snprintf(suffix, sizeof(suffix), "a%u", number);
    CLEANUP(memory_free_p) char *path = tree_state_path(m->tree, m->key, suffix);
    const char *type = json_string_value(json_object_get(a, "contentType"));
    const char *name = json_string_value(json_object_get(a, "name"));
    size_t size = (size_t)json_integer_value(json_object_get(a, "size"));
    json_t *o = attachment_object(m, 'a', number, type != NULL ? type : "", name != NULL ? name : "", size);
    json_object_set(o, "isInline", json_object_get(a, "isInline"));
    if (type != NULL && strcmp(type, "message/rfc822") == 0)
        return o;
    json_object_set(o, "contentId", json_object_get(a, "contentId"));
    json_object_set_new(o, "contentLocation", json_null());
    CLEANUP(memory_free_p) char *bytes = size < ceiling ? files_read(path, ceiling, &len, NULL) : NULL;
    if (bytes != NULL)
        put_bytes(o, bytes, len);
    return o;
}

json_t *
attachment_list(const struct message *m, const json_t *document, bool bytes)
{
    size_t i, ceiling = bytes ? LISTED_BYTES : 0;
    const json_t *one;
    struct message_file file;
    json_t *list = json_array();
    if (m->eml != NULL && message_file_open(&file, m->eml, NULL) == 0) {
        struct mime_message mime;
        mime_message_parse(&mime, file.data, file.len);
        for (size_t part = 0; part < mime.part_count; part++)
            if (mime_message_is_attachment(&mime, part))
                json_array_append_new(list, part_json(m, &mime, part, ceiling));
        mime_message_clear(&mime);
        message_file_close(&file);
    }
    json_array_foreach (json_object_get(document, "_attachments"), i, one) {
        json_array_append_new(list, added_json(m, one, ceiling));
    }
    return list;
}

bool
attachment_any_visible(const json_t *document)
{
    size_t i;
    const json_t *one;
    json_array_foreach (json_object_get(document, "_attachments"), i, one) {
        if (!json_is_true(json_object_get(one, "isInline")))
            return true;
    }
    return false;
}

bool
attachment_of_event(const struct request *r)
{
    return r->segment_count > 3 && strcasecmp(r->segments[3], "events") == 0;
}

bool
attachment_begin(struct mailbox *m, struct request *r, struct reply *reply)
{
    return attachment_of_event(r) ? box_begin(m, r, reply, BOX_CALENDARS) : mailbox_begin(m, r, reply);
}

bool
attachment_take_message(struct request *r, struct reply *reply, struct message *m)
{
    struct mailbox box;
    if (!attachment_begin(&box, r, reply))
        return false;
    uint32_t index = mailbox_message(&box, r->arguments[1], TREE_NONE);
    if (index != TREE_NONE)
        message_take(m, box.tree, index);
    mailbox_end(&box);
    return index != TREE_NONE;
}

void
attachment_handle_list(struct request *r, struct reply *reply)
{
    struct message m;
    struct select select;
    if (!attachment_take_message(r, reply, &m))
        return;
    select_init(&select, request_parameter(r, "$select"));
    json_t *document = message_document(&m),
           *values = attachment_list(&m, document, select_wants(&select, "contentBytes"));
    size_t i;
    json_t *one;
    json_array_foreach (values, i, one) {
        select_apply(&select, one);
    }
    reply_json(reply, 200,
               page_new(r, values, "users('%s')/messages('%s')/attachments", r->arguments[0], r->arguments[1]));
    select_clear(&select);
    json_decref(document);
    message_clear(&m);
}

static void
not_found(struct reply *reply)
{
    reply_error(reply, 404, "ErrorItemNotFound", "The specified object was not found in the store.", NULL);
}

const json_t *
attachment_find_added(const json_t *document, unsigned number, size_t *position)
{
    size_t i;
    const json_t *one;
    json_array_foreach (json_object_get(document, "_attachments"), i, one) {
        if (json_integer_value(json_object_get(one, "_number")) == (json_int_t)number) {
            if (position != NULL)
                *position = i;
            return one;
        }
    }
    return NULL;
}

/* The part of the MIME as JSON, or (value) its bytes. */
static void
answer_part(const struct message *m, unsigned number, bool value, struct reply *reply)
{
    struct message_file file;
    struct mime_message mime;
    size_t len;
    if (m->eml == NULL || message_file_open(&file, m->eml, NULL) != 0) {
        not_found(reply);
        return;
    }
    mime_message_parse(&mime, file.data, file.len);
    if (number >= mime.part_count || !mime_message_is_attachment(&mime, number)) {
        not_found(reply);
    } else if (value) {
        CLEANUP(memory_free_p) char *bytes = mime_message_content(&mime, number, &len);
        reply_bytes(reply, 200, mime.parts[number].type, bytes, len);
    } else {
        reply_json(reply, 200, part_json(m, &mime, number, SIZE_MAX));
    }
    mime_message_clear(&mime);
    message_file_close(&file);
}

static void
answer_added(const struct message *m, unsigned number, bool value, struct reply *reply)
{
    struct stat st;
    char suffix[32];
    json_t *document = message_document(m);
    const json_t *a = attachment_find_added(document, number, NULL);
    snprintf(suffix, sizeof(suffix), "a%u", number);
    CLEANUP(memory_free_p) char *path = tree_state_path(m->tree, m->key, suffix);
    int fd = a == NULL || !value ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (a != NULL && !value)
        reply_json(reply, 200, added_json(m, a, SIZE_MAX - 1));
    else if (fd >= 0 && fstat(fd, &st) == 0)
        reply_file(reply, 200, json_string_value(json_object_get(a, "contentType")), fd, 0, (uint64_t)st.st_size);
    else
        not_found(reply);
    json_decref(document);
}

static void
answer_one(struct request *r, struct reply *reply, bool value)
{
    struct message m;
    char kind;
    unsigned number;
    if (!attachment_take_message(r, reply, &m))
        return;
    if (!attachment_parse_id(&m, r->arguments[2], &kind, &number))
        not_found(reply);
    else if (kind == 'm')
        answer_part(&m, number, value, reply);
    else
        answer_added(&m, number, value, reply);
    message_clear(&m);
}

void
attachment_handle_get(struct request *r, struct reply *reply)
{
    answer_one(r, reply, false);
}

void
attachment_handle_value(struct request *r, struct reply *reply)
{
    answer_one(r, reply, true);
}
