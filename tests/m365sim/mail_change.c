#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/m365sim/mail.h"
#include "tests/m365sim/mail_write.h"
#include "tests/m365sim/mailbox.h"
#include "tests/m365sim/message.h"
#include "tests/m365sim/page.h"
#include "tests/m365sim/reply.h"
#include "tests/m365sim/request.h"
#include "tests/m365sim/select.h"
#include "tests/m365sim/tenant.h"
#include "tests/m365sim/tree.h"

#include <string.h>
#include <strings.h>

static void
bad_body(struct reply *reply)
{
    reply_error(reply, 400, "BadRequest", "Unable to read JSON request payload.", NULL);
}

static void
update_message(struct mailbox *m, uint32_t index, const json_t *given)
{
    struct error err = ERROR_INIT;
    struct message message;
    const char *code;
    struct tree_node *n = tree_at(m->tree, index);
    unsigned flags = n->flags;
    message_take(&message, m->tree, index);
    json_t *document = message_document(&message);
    message_clear(&message);
    const char *problem = mail_take_properties(document, given, &flags, &code);
    if (problem != NULL) {
        reply_error(m->reply, 400, code, problem, NULL);
    } else if (mail_write_document(m->tree, index, document, &err) != 0) {
        reply_error(m->reply, 500, "ErrorInternalServerError", err.text, NULL);
    } else {
        n->flags = (uint16_t)(flags | TREE_OVERLAY);
        tree_touch(m->tree, index, false);
        mail_reply_message(m, index, 200);
    }
    json_decref(document);
}

void
mail_message_update(struct request *r, struct reply *reply)
{
    struct mailbox m;
    json_t *given = request_json(r);
    if (given == NULL) {
        bad_body(reply);
        return;
    }
    if (mailbox_begin(&m, r, reply)) {
        uint32_t index = mailbox_message(&m, r->arguments[1], TREE_NONE);
        if (index != TREE_NONE)
            update_message(&m, index, given);
        mailbox_end(&m);
    }
    json_decref(given);
}

static void
purge(struct tree *tree, uint32_t index)
{
    mail_detach(tree, index);
    tree_delete(tree, index);
}

/* A soft delete goes to the recoverable items; from there it is for good. */
void
mail_message_delete(struct request *r, struct reply *reply)
{
    struct mailbox m;
    if (!mailbox_begin(&m, r, reply))
        return;
    uint32_t index = mailbox_message(&m, r->arguments[1], TREE_NONE);
    if (index != TREE_NONE) {
        uint32_t bin = mailbox_well_known(m.tree, "recoverableitemsdeletions");
        if (tree_at(m.tree, index)->parent == bin)
            purge(m.tree, index);
        else
            mail_move(m.tree, index, bin);
        reply_empty(reply, 204);
    }
    mailbox_end(&m);
}

void
mail_message_purge(struct request *r, struct reply *reply)
{
    struct mailbox m;
    if (!mailbox_begin(&m, r, reply))
        return;
    uint32_t index = mailbox_message(&m, r->arguments[1], TREE_NONE);
    if (index != TREE_NONE) {
        purge(m.tree, index);
        reply_empty(reply, 204);
    }
    mailbox_end(&m);
}

/* The folder that the body's destinationId names. */
static uint32_t
destination(struct mailbox *m)
{
    json_t *given = request_json(m->request);
    const char *id = json_string_value(json_object_get(given, "destinationId"));
    uint32_t folder = TREE_NONE;
    if (id == NULL)
        bad_body(m->reply);
    else
        folder = mailbox_folder(m, id);
    json_decref(given);
    return folder;
}

void
mail_message_move(struct request *r, struct reply *reply)
{
    struct mailbox m;
    if (!mailbox_begin(&m, r, reply))
        return;
    uint32_t index = mailbox_message(&m, r->arguments[1], TREE_NONE);
    uint32_t folder = index == TREE_NONE ? TREE_NONE : destination(&m);
    if (folder != TREE_NONE) {
        mail_move(m.tree, index, folder);
        mail_reply_message(&m, index, 201);
    }
    mailbox_end(&m);
}

static void
reply_folder(struct mailbox *m, uint32_t index, unsigned status)
{
    struct select all;
    select_init(&all, NULL);
    json_t *o = mail_folder_json(m, index, &all);
    page_context(o, m->request, "users('%s')/mailFolders/$entity", m->account->id);
    reply_json(m->reply, status, o);
}

static bool
folder_name_free(struct mailbox *m, uint32_t parent, const char *name, uint32_t own)
{
    uint32_t there = tree_find_child(m->tree, parent, name);
    if (there == TREE_NONE || there == own || tree_at(m->tree, there)->kind != TREE_FOLDER)
        return true;
    reply_error(m->reply, 409, "ErrorFolderExists", "A folder with the specified name already exists.", NULL);
    return false;
}

void
mail_folders_create(struct request *r, struct reply *reply)
{
    struct mailbox m;
    json_t *given = request_json(r);
    const char *name = json_string_value(json_object_get(given, "displayName"));
    if (name == NULL || name[0] == '\0' || strlen(name) > 1024) {
        reply_error(reply, 400, "ErrorInvalidRequest",
                    "The property 'displayName' is required when creating the entity.", NULL);
    } else if (mailbox_begin(&m, r, reply)) {
        uint32_t parent = r->arguments[1] != NULL ? mailbox_folder(&m, r->arguments[1]) : TREE_ROOT;
        if (parent != TREE_NONE && folder_name_free(&m, parent, name, TREE_NONE)) {
            unsigned hidden = json_is_true(json_object_get(given, "isHidden")) ? TREE_HIDDEN : 0;
            reply_folder(&m, tree_add(m.tree, parent, TREE_FOLDER, name, hidden), 201);
        }
        mailbox_end(&m);
    }
    json_decref(given);
}

/* A folder that may be changed: well-known ones may not. */
static uint32_t
own_folder(struct mailbox *m)
{
    uint32_t index = mailbox_folder(m, m->request->arguments[1]);
    if (index == TREE_NONE || (index != TREE_ROOT && tree_at(m->tree, index)->well_known == 0))
        return index;
    reply_error(m->reply, 403, "ErrorDeleteDistinguishedFolder", "Distinguished folders cannot be changed.", NULL);
    return TREE_NONE;
}

void
mail_folders_update(struct request *r, struct reply *reply)
{
    struct mailbox m;
    json_t *given = request_json(r);
    const char *name = json_string_value(json_object_get(given, "displayName"));
    if (name == NULL || name[0] == '\0') {
        bad_body(reply);
    } else if (mailbox_begin(&m, r, reply)) {
        uint32_t index = own_folder(&m);
        if (index != TREE_NONE && folder_name_free(&m, tree_at(m.tree, index)->parent, name, index)) {
            mail_detach(m.tree, index);
            tree_move(m.tree, index, tree_at(m.tree, index)->parent, name, 0);
            reply_folder(&m, index, 200);
        }
        mailbox_end(&m);
    }
    json_decref(given);
}

static bool
is_below(struct tree *tree, uint32_t index, uint32_t ancestor)
{
    while (index != TREE_NONE && index != ancestor)
        index = tree_at(tree, index)->parent;
    return index == ancestor;
}

void
mail_folders_move(struct request *r, struct reply *reply)
{
    struct mailbox m;
    if (!mailbox_begin(&m, r, reply))
        return;
    uint32_t index = own_folder(&m);
    uint32_t folder = index == TREE_NONE ? TREE_NONE : destination(&m);
    if (folder != TREE_NONE && is_below(m.tree, folder, index)) {
        reply_error(reply, 400, "ErrorMoveCopyFailed", "The move or copy operation failed.", NULL);
    } else if (folder != TREE_NONE && folder_name_free(&m, folder, tree_name(m.tree, tree_at(m.tree, index)), index)) {
        mail_move(m.tree, index, folder);
        reply_folder(&m, index, 201);
    }
    mailbox_end(&m);
}

void
mail_folders_delete(struct request *r, struct reply *reply)
{
    struct mailbox m;
    if (!mailbox_begin(&m, r, reply))
        return;
    uint32_t index = own_folder(&m);
    if (index != TREE_NONE) {
        purge(m.tree, index);
        reply_empty(reply, 204);
    }
    mailbox_end(&m);
}
