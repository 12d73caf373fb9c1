#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/m365sim/attachment_internal.h"
#include "tests/m365sim/files.h"
#include "tests/m365sim/mail.h"
#include "tests/m365sim/mail_write.h"
#include "tests/m365sim/mailbox.h"
#include "tests/m365sim/mime_codec.h"
#include "tests/m365sim/reply.h"
#include "tests/m365sim/request.h"
#include "tests/m365sim/sim.h"
#include "tests/m365sim/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static uint32_t
add_node(struct mailbox *m, uint32_t folder, unsigned flags)
{
    char name[32];
    uint64_t random;
    clock_random(m->request->sim->clock, &random, sizeof(random));
    snprintf(name, sizeof(name), "made %016llx", (unsigned long long)random);
    return tree_add(m->tree, folder, TREE_ITEM, name, flags | TREE_MOVED);
}

static void
fail_internal(struct reply *reply, const struct error *err)
{
    reply_error(reply, err->kind == ERROR_NO_SPACE ? 507 : 500, "ErrorInternalServerError", err->text, NULL);
}

static void
create_from_mime(struct mailbox *m, uint32_t folder)
{
    struct error err = ERROR_INIT;
    struct request *r = m->request;
    const char *text = (const char *)body_bytes(&r->body, &err);
    size_t len = r->body.size;
    if (text == NULL || strspn(text, " \r\n") >= len) {
        reply_error(m->reply, 400, "ErrorMimeContentInvalid", "The MIME content is invalid.", NULL);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\r\n", text[i]) == NULL) {
            reply_error(m->reply, 400, "ErrorMimeContentInvalidBase64String", "Invalid base64 string for MIME content.",
                        NULL);
            return;
        }
    }
    CLEANUP(memory_free_p) char *mime = memory_new(len + 1);
    size_t mime_len = mime_codec_base64(text, len, mime);
    uint32_t index = add_node(m, folder, TREE_DRAFT | TREE_READ);
    struct tree_node *n = tree_at(m->tree, index);
    CLEANUP(memory_free_p) char *path = tree_state_path(m->tree, n->key, "eml");
    json_t *document = json_object();
    char now[CLOCK_TEXT_LEN];
    clock_format_ms(clock_wall_ms(r->sim->clock), now);
    json_object_set_new(document, "receivedDateTime", json_sprintf("%.19sZ", now));
    n->size = mime_len;
    if (files_replace(path, mime, mime_len, &err) != 0 || mail_write_document(m->tree, index, document, &err) != 0) {
        tree_delete(m->tree, index);
        fail_internal(m->reply, &err);
    } else {
        tree_touch(m->tree, index, true);
        mail_reply_message(m, index, 201);
    }
    json_decref(document);
}

static void
fill_defaults(const struct request *r, json_t *document, uint64_t key)
{
    char now[CLOCK_TEXT_LEN];
    const char *const dates[] = { "receivedDateTime", "sentDateTime" };
    clock_format_ms(clock_wall_ms(r->sim->clock), now);
    for (size_t i = 0; i < ARRAY_LEN(dates); i++)
        if (json_object_get(document, dates[i]) == NULL)
            json_object_set_new(document, dates[i], json_sprintf("%.19sZ", now));
    if (json_object_get(document, "subject") == NULL)
        json_object_set_new(document, "subject", json_string(""));
    if (json_object_get(document, "bodyPreview") == NULL)
        json_object_set_new(document, "bodyPreview", json_string(""));
    if (json_object_get(document, "body") == NULL)
        json_object_set_new(document, "body", json_pack("{s:s,s:s}", "contentType", "text", "content", ""));
    if (json_object_get(document, "internetMessageId") == NULL)
        json_object_set_new(document, "internetMessageId",
                            json_sprintf("<%016llx@m365sim.example>", (unsigned long long)key));
    json_object_set_new(document, "hasAttachments", json_false());
    json_object_set_new(document, "conversationId", json_sprintf("AAQkAD%016llx=", (unsigned long long)key));
}

static void
create_from_json(struct mailbox *m, uint32_t folder)
{
    struct error err = ERROR_INIT;
    const char *code, *problem = NULL;
    unsigned flags = TREE_DRAFT | TREE_JSON;
    json_t *given = request_json(m->request), *document = json_object();
    if (given == NULL) {
        reply_error(m->reply, 400, "BadRequest", "Unable to read JSON request payload.", NULL);
        json_decref(document);
        return;
    }
    problem = mail_take_properties(document, given, &flags, &code);
    if (problem == NULL)
        problem = mail_take_creation(document, given, &flags, &code);
    if (problem != NULL) {
        reply_error(m->reply, 400, code, problem, NULL);
    } else {
        uint32_t index = add_node(m, folder, flags);
        fill_defaults(m->request, document, tree_at(m->tree, index)->key);
        if (attachment_take_all(m->tree, tree_at(m->tree, index)->key, document, json_object_get(given, "attachments"),
                                &err) != 0 ||
            mail_write_document(m->tree, index, document, &err) != 0) {
            tree_delete(m->tree, index);
            if (err.kind == ERROR_FORMAT)
                reply_error(m->reply, 400, "ErrorInvalidRequest", err.text, NULL);
            else
                fail_internal(m->reply, &err);
        } else {
            tree_touch(m->tree, index, true);
            mail_reply_message(m, index, 201);
        }
    }
    json_decref(given);
    json_decref(document);
}

static void
create(struct request *r, struct reply *reply, const char *folder_id)
{
    struct mailbox m;
    const char *type = request_header(r, "Content-Type");
    if (!mailbox_begin(&m, r, reply))
        return;
    uint32_t folder = mailbox_folder(&m, folder_id);
    if (folder != TREE_NONE) {
        if (type != NULL && strncasecmp(type, "text/plain", 10) == 0)
            create_from_mime(&m, folder);
        else
            create_from_json(&m, folder);
    }
    mailbox_end(&m);
}

void
mail_messages_create(struct request *r, struct reply *reply)
{
    create(r, reply, r->arguments[1]);
}

void
mail_messages_create_draft(struct request *r, struct reply *reply)
{
    create(r, reply, "drafts");
}
