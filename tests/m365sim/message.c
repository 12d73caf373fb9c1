#include "tests/m365sim/message.h"

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/m365sim/attachment.h"
#include "tests/m365sim/files.h"
#include "tests/m365sim/message_internal.h"
#include "tests/m365sim/mime_write.h"
#include "tests/m365sim/request.h"
#include "tests/m365sim/select.h"
#include "tests/m365sim/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int
message_file_open(struct message_file *f, const char *path, struct error *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    *f = (struct message_file){ "", 0 };
    if (fd < 0 || fstat(fd, &st) != 0) {
        FAIL(err, ERROR_NOT_FOUND, errno, "a message file is gone");
        if (fd >= 0)
            close(fd);
        return -1;
    }
    if (st.st_size > 0) {
        void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map == MAP_FAILED) {
            close(fd);
            return FAIL(err, ERROR_IO, errno, "map a message file: %s", strerror(errno));
        }
        *f = (struct message_file){ map, (size_t)st.st_size };
    }
    close(fd);
    return 0;
}

void
message_file_close(struct message_file *f)
{
    if (f->len > 0)
        munmap((void *)(uintptr_t)f->data, f->len);
    f->len = 0;
}

void
message_take(struct message *m, struct tree *tree, uint32_t index)
{
    const struct tree_node *n = tree_at(tree, index);
    *m = (struct message){ .tree = tree,
                           .key = n->key,
                           .parent_key = tree_at(tree, n->parent)->key,
                           .size = n->size,
                           .mtime_ns = n->mtime_ns,
                           .version = n->version,
                           .flags = n->flags };
    if (n->flags & (TREE_OVERLAY | TREE_JSON))
        m->document = tree_state_path(tree, n->key, "json");
    if (!(n->flags & TREE_JSON))
        m->eml = n->flags & TREE_STATE ? tree_state_path(tree, n->key, "eml") : tree_path(tree, index);
}

void
message_clear(struct message *m)
{
    free(m->eml);
    free(m->document);
    m->eml = m->document = NULL;
}

json_t *
message_document(const struct message *m)
{
    json_t *document = m->document == NULL ? NULL : json_load_file(m->document, 0, NULL);
    if (document != NULL && json_is_object(document))
        return document;
    json_decref(document);
    return json_object();
}

void
message_form_init(struct message_form *form, const struct request *r, const struct select *select)
{
    char type[20];
    *form = (struct message_form){ .select = select,
                                   .expand = request_parameter(r, "$expand"),
                                   .immutable = mailbox_wants_immutable(r) };
    form->text_body =
        request_prefers(r, "outlook.body-content-type", type, sizeof(type)) && strcasecmp(type, "text") == 0;
}

json_t *
message_time(int64_t wall_ms)
{
    char text[CLOCK_TEXT_LEN];
    clock_format_ms(wall_ms, text);
    snprintf(text + 19, 2, "Z");
    return json_string(text);
}

void
message_header_dates(const struct mime_headers *h, int64_t fallback, int64_t *received, int64_t *sent)
{
    CLEANUP(memory_free_p) char *date = mime_headers_raw(h, "Date");
    CLEANUP(memory_free_p) char *trace = mime_headers_raw(h, "Received");
    const char *semicolon = trace == NULL ? NULL : strrchr(trace, ';');
    if (date == NULL || mime_date(date, sent) != 0)
        *sent = fallback;
    if (semicolon == NULL || mime_date(semicolon + 1, received) != 0)
        *received = date == NULL ? fallback : *sent;
}

static void
document_dates(const json_t *document, int64_t *received, int64_t *sent)
{
    const char *text = json_string_value(json_object_get(document, "receivedDateTime"));
    if (text != NULL)
        clock_parse_ms(text, received);
    text = json_string_value(json_object_get(document, "sentDateTime"));
    if (text != NULL)
        clock_parse_ms(text, sent);
}

void
message_dates(const struct message *m, int64_t *received, int64_t *sent)
{
    int64_t fallback = m->mtime_ns / 1000000;
    struct message_file file;
    json_t *document = message_document(m);
    *received = *sent = fallback;
    if (m->eml != NULL && message_file_open(&file, m->eml, NULL) == 0) {
        struct mime_headers h;
        mime_headers_parse(&h, file.data, file.len);
        message_header_dates(&h, fallback, received, sent);
        mime_headers_clear(&h);
        message_file_close(&file);
    }
    document_dates(document, received, sent);
    json_decref(document);
}

/* What every message has, whatever it was made from. */
static void
put_common(json_t *o, const struct message *m, const struct message_form *form, int64_t received, int64_t sent)
{
    char id[MAILBOX_ID_LEN], parent[MAILBOX_ID_LEN], change[40];
    mailbox_message_id(m->tree, m->key, m->parent_key, form->immutable, id);
    mailbox_folder_id(m->tree, m->parent_key, parent);
    snprintf(change, sizeof(change), "CQAAABYAAAC%08x%06x", (unsigned)m->key, m->version & 0xffffff);
    json_object_set_new(o, "@odata.etag", json_sprintf("W/\"%s\"", change));
    json_object_set_new(o, "id", json_string(id));
    json_object_set_new(o, "createdDateTime", message_time(received));
    json_object_set_new(o, "lastModifiedDateTime", message_time(m->mtime_ns / 1000000));
    json_object_set_new(o, "changeKey", json_string(change));
    json_object_set_new(o, "categories", json_array());
    json_object_set_new(o, "receivedDateTime", message_time(received));
    json_object_set_new(o, "sentDateTime", message_time(sent));
    json_object_set_new(o, "parentFolderId", json_string(parent));
    json_object_set_new(o, "isRead", json_boolean(m->flags & TREE_READ));
    json_object_set_new(o, "isDraft", json_boolean(m->flags & TREE_DRAFT));
    json_object_set_new(o, "isDeliveryReceiptRequested", json_null());
    json_object_set_new(o, "isReadReceiptRequested", json_false());
    json_object_set_new(o, "inferenceClassification", json_string("focused"));
    json_object_set_new(o, "importance", json_string("normal"));
    json_object_set_new(o, "webLink", json_sprintf("https://outlook.office365.com/owa/?ItemID=%s&exvsurl=1", id));
    json_object_set_new(o, "flag",
                        json_pack("{s:s}", "flagStatus", m->flags & TREE_FLAGGED ? "flagged" : "notFlagged"));
    const char *const lists[] = { "toRecipients", "ccRecipients", "bccRecipients", "replyTo" };
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        json_object_set_new(o, lists[i], json_array());
}

/* The document's properties win; those beginning with '_' are ours alone. */
static void
put_document(json_t *o, const json_t *document)
{
    const char *name;
    json_t *value;
    json_t *readable = (json_t *)(uintptr_t)document;
    json_object_foreach (readable, name, value) {
        if (name[0] != '_' && strcmp(name, "singleValueExtendedProperties") != 0 && strcmp(name, "attachments") != 0)
            json_object_set(o, name, value);
    }
}

static int
put_mime(json_t *o, const struct message *m, const struct message_form *form, int64_t *received, int64_t *sent)
{
    struct message_file file;
    struct mime_message mime;
    if (message_file_open(&file, m->eml, NULL) != 0)
        return -1;
    bool whole = select_wants(form->select, "body") || select_wants(form->select, "bodyPreview") ||
                 select_wants(form->select, "hasAttachments");
    if (whole) {
        mime_message_parse(&mime, file.data, file.len);
    } else {
        memset(&mime, 0, sizeof(mime));
        mime.plain = mime.html = -1;
        mime_headers_parse(&mime.headers, file.data, file.len);
    }
    message_header_dates(&mime.headers, m->mtime_ns / 1000000, received, sent);
    put_common(o, m, form, *received, *sent);
    message_json_mime(o, &mime, form);
    mime_message_clear(&mime);
    message_file_close(&file);
    return 0;
}

json_t *
message_json(const struct message *m, const struct message_form *form)
{
    int64_t received = m->mtime_ns / 1000000, sent = received;
    json_t *o = json_object(), *document = message_document(m);
    if (m->eml == NULL) {
        document_dates(document, &received, &sent);
        put_common(o, m, form, received, sent);
    } else if (put_mime(o, m, form, &received, &sent) != 0) {
        json_decref(o);
        json_decref(document);
        return NULL;
    }
    document_dates(document, &received, &sent);
    put_document(o, document);
    if (json_array_size(json_object_get(document, "_attachments")) > 0)
        json_object_set_new(o, "hasAttachments", json_boolean(attachment_any_visible(document)));
    if (form->expand != NULL && strstr(form->expand, "singleValueExtendedProperties") != NULL) {
        json_t *values = message_extended(m, document, form->expand, received, sent);
        if (json_array_size(values) > 0)
            json_object_set(o, "singleValueExtendedProperties", values);
        json_decref(values);
    }
    if (form->expand != NULL && strstr(form->expand, "attachments") != NULL)
        json_object_set_new(o, "attachments", attachment_list(m, document, true));
    json_decref(document);
    select_apply(form->select, o);
    return o;
}

int
message_open_mime(const struct message *m, const char *temporary, uint64_t *size, struct error *err)
{
    struct stat st;
    int fd;
    if (m->eml != NULL) {
        fd = open(m->eml, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return FAIL(err, ERROR_NOT_FOUND, errno, "a message file is gone");
    } else {
        json_t *document = message_document(m);
        fd = mime_write(m, document, temporary, err);
        json_decref(document);
    }
    if (fd >= 0 && fstat(fd, &st) == 0)
        *size = (uint64_t)st.st_size;
    return fd;
}
