#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/m365sim/attachment.h"
#include "tests/m365sim/attachment_internal.h"
#include "tests/m365sim/files.h"
#include "tests/m365sim/mail_write.h"
#include "tests/m365sim/mailbox.h"
#include "tests/m365sim/message.h"
#include "tests/m365sim/mime_codec.h"
#include "tests/m365sim/mime_write.h"
#include "tests/m365sim/reply.h"
#include "tests/m365sim/request.h"
#include "tests/m365sim/sim.h"
#include "tests/m365sim/tenant.h"
#include "tests/m365sim/tree.h"
#include "tests/m365sim/uploads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define POST_CEILING    ((size_t)3 << 20)
#define SESSION_CEILING ((json_int_t)150 << 20)

int
attachment_next_number(const json_t *document)
{
    size_t i;
    const json_t *one;
    json_int_t highest = 0;
    json_array_foreach (json_object_get(document, "_attachments"), i, one) {
        json_int_t number = json_integer_value(json_object_get(one, "_number"));
        if (number > highest)
            highest = number;
    }
    return (int)highest + 1;
}

int
attachment_add(struct tree *tree, uint64_t key, json_t *document, const json_t *given, const void *data, size_t len,
               struct error *err)
{
    static const char *const copied[] = { "name", "contentType", "isInline", "contentId" };
    int number = attachment_next_number(document);
    char suffix[32];
    snprintf(suffix, sizeof(suffix), "a%d", number);
    CLEANUP(memory_free_p) char *path = tree_state_path(tree, key, suffix);
    if (data != NULL && files_replace(path, data, len, err) != 0)
        return -1;
    json_t *one = json_pack("{s:s,s:b,s:n,s:i,s:I}", "contentType", "application/octet-stream", "isInline", 0,
                            "contentId", "_number", number, "size", (json_int_t)len);
    for (size_t i = 0; i < ARRAY_LEN(copied); i++) {
        json_t *value = json_object_get(given, copied[i]);
        if (value != NULL && !json_is_null(value))
            json_object_set(one, copied[i], value);
    }
    json_t *list = json_object_get(document, "_attachments");
    if (list == NULL) {
        list = json_array();
        json_object_set_new(document, "_attachments", list);
    }
    json_array_append_new(list, one);
    return number;
}

/* The MIME of an embedded item, made from its JSON. */
static char *
item_mime(const json_t *item, size_t *len, struct error *err)
{
    struct message none = { 0 };
    struct stat st;
    int fd = mime_write(&none, item, "/tmp", err);
    char *data = NULL;
    if (fd < 0)
        return NULL;
    if (fstat(fd, &st) == 0) {
        data = memory_new((size_t)st.st_size + 1);
        ssize_t n = pread(fd, data, (size_t)st.st_size, 0);
        *len = n > 0 ? (size_t)n : 0;
    }
    close(fd);
    return data;
}

static int
take_one(struct tree *tree, uint64_t key, json_t *document, const json_t *given, struct error *err)
{
    const char *type = json_string_value(json_object_get(given, "@odata.type"));
    const char *bytes = json_string_value(json_object_get(given, "contentBytes"));
    size_t len = 0;
    if (type != NULL && strcasecmp(type, "#microsoft.graph.itemAttachment") == 0) {
        CLEANUP(memory_free_p) char *mime = item_mime(json_object_get(given, "item"), &len, err);
        json_t *copy = json_copy((json_t *)(uintptr_t)given);
        json_object_set_new(copy, "contentType", json_string("message/rfc822"));
        int number = mime == NULL ? -1 : attachment_add(tree, key, document, copy, mime, len, err);
        json_decref(copy);
        return number;
    }
    if (!json_is_string(json_object_get(given, "name")) || bytes == NULL)
        return FAIL(err, ERROR_FORMAT, 0, "An attachment needs name and contentBytes.");
    CLEANUP(memory_free_p) char *data = memory_new(strlen(bytes) + 1);
    len = mime_codec_base64(bytes, strlen(bytes), data);
    return attachment_add(tree, key, document, given, data, len, err);
}

int
attachment_take_all(struct tree *tree, uint64_t key, json_t *document, const json_t *list, struct error *err)
{
    size_t i;
    const json_t *one;
    json_array_foreach (list, i, one) {
        if (take_one(tree, key, document, one, err) < 0)
            return -1;
    }
    return 0;
}

/* Runs change(document) on the locked message and stores the document; true on success. */
static bool
store_document(struct mailbox *box, uint32_t index, const json_t *document)
{
    struct error err = ERROR_INIT;
    if (mail_write_document(box->tree, index, document, &err) == 0) {
        tree_touch(box->tree, index, false);
        return true;
    }
    reply_error(box->reply, 500, "ErrorInternalServerError", err.text, NULL);
    return false;
}

static void
create_on(struct mailbox *box, uint32_t index, const json_t *given)
{
    struct error err = ERROR_INIT;
    struct message m;
    message_take(&m, box->tree, index);
    json_t *document = message_document(&m);
    int number = take_one(box->tree, m.key, document, given, &err);
    if (number < 0) {
        reply_error(box->reply, err.kind == ERROR_FORMAT ? 400 : 500, "ErrorInvalidRequest", err.text, NULL);
    } else if (store_document(box, index, document)) {
        size_t i;
        json_t *one, *list = attachment_list(&m, document, true);
        char id[ATTACHMENT_ID_LEN];
        attachment_make_id(m.key, 'a', (unsigned)number, id);
        json_array_foreach (list, i, one) {
            if (strcmp(json_string_value(json_object_get(one, "id")), id) == 0)
                reply_json(box->reply, 201, json_incref(one));
        }
        json_decref(list);
    }
    json_decref(document);
    message_clear(&m);
}

void
attachment_handle_create(struct request *r, struct reply *reply)
{
    struct mailbox box;
    json_t *given = request_json(r);
    const char *bytes = json_string_value(json_object_get(given, "contentBytes"));
    if (given == NULL) {
        reply_error(reply, 400, "BadRequest", "Unable to read JSON request payload.", NULL);
    } else if (bytes != NULL && strlen(bytes) / 4 * 3 > POST_CEILING) {
        reply_error(reply, 413, "RequestEntityTooLarge", "The request size is larger than 3 MB: use an upload session.",
                    NULL);
    } else if (attachment_begin(&box, r, reply)) {
        uint32_t index = mailbox_message(&box, r->arguments[1], TREE_NONE);
        if (index != TREE_NONE)
            create_on(&box, index, given);
        mailbox_end(&box);
    }
    json_decref(given);
}

void
attachment_handle_delete(struct request *r, struct reply *reply)
{
    struct mailbox box;
    struct message m;
    char kind;
    unsigned number;
    size_t position;
    if (!attachment_begin(&box, r, reply))
        return;
    uint32_t index = mailbox_message(&box, r->arguments[1], TREE_NONE);
    if (index != TREE_NONE) {
        message_take(&m, box.tree, index);
        json_t *document = message_document(&m);
        if (!attachment_parse_id(&m, r->arguments[2], &kind, &number) || kind != 'a' ||
            attachment_find_added(document, number, &position) == NULL) {
            reply_error(reply, 404, "ErrorItemNotFound", "The specified object was not found in the store.", NULL);
        } else {
            json_array_remove(json_object_get(document, "_attachments"), position);
            if (store_document(&box, index, document))
                reply_empty(reply, 204);
        }
        json_decref(document);
        message_clear(&m);
    }
    mailbox_end(&box);
}

void
attachment_handle_session(struct request *r, struct reply *reply)
{
    struct message m;
    json_t *given = request_json(r);
    json_t *item = json_object_get(given, "AttachmentItem");
    if (item == NULL)
        item = json_object_get(given, "attachmentItem");
    json_int_t size = json_integer_value(json_object_get(item, "size"));
    if (!json_is_string(json_object_get(item, "name")) || size <= 0 || size > SESSION_CEILING) {
        reply_error(reply, 400, "ErrorInvalidRequest",
                    "AttachmentItem needs attachmentType, name and a size up to 150 MB.", NULL);
    } else if (attachment_take_message(r, reply, &m)) {
        struct account *account = tenant_find(r->sim->tenant, false, r->arguments[0]);
        json_object_set_new(item, "_event", json_boolean(attachment_of_event(r)));
        uploads_begin_attachment(r, reply, account, m.key, item);
        message_clear(&m);
    }
    json_decref(given);
}

void
attachment_commit(struct request *r, struct reply *reply, struct account *account, uint64_t key, const json_t *item,
                  const char *file, uint64_t size)
{
    bool event = json_is_true(json_object_get(item, "_event"));
    struct tree *tree = event ? box_tree(tenant_box(r->sim->tenant, account, BOX_CALENDARS, NULL))
                              : tenant_mail(r->sim->tenant, account, NULL);
    struct mailbox box = { .request = r, .reply = reply, .account = account, .tree = tree };
    struct message m;
    char suffix[32], id[ATTACHMENT_ID_LEN];
    tree_lock(tree);
    uint32_t index = tree_find_key(tree, key);
    if (index == TREE_NONE || (tree_at(tree, index)->flags & TREE_DELETED)) {
        reply_error(reply, 404, "ErrorItemNotFound", "The specified object was not found in the store.", NULL);
        mailbox_end(&box);
        return;
    }
    message_take(&m, tree, index);
    json_t *document = message_document(&m);
    int number = attachment_add(tree, key, document, item, NULL, size, NULL);
    snprintf(suffix, sizeof(suffix), "a%d", number);
    CLEANUP(memory_free_p) char *path = tree_state_path(tree, key, suffix);
    if (rename(file, path) != 0)
        reply_error(reply, 500, "ErrorInternalServerError", "The attachment cannot be put in place.", NULL);
    else if (store_document(&box, index, document)) {
        char message_id[MAILBOX_ID_LEN];
        attachment_make_id(key, 'a', (unsigned)number, id);
        mailbox_message_id(tree, key, m.parent_key, true, message_id);
        reply_empty(reply, 201);
        reply_header(reply, "Location", "%s/v1.0/users('%s')/%s('%s')/attachments('%s')", r->base, account->id,
                     event ? "events" : "messages", message_id, id);
    }
    json_decref(document);
    message_clear(&m);
    mailbox_end(&box);
}
