#include "common/base/memory.h"
#include "tests/m365sim/box.h"
#include "tests/m365sim/contacts.h"
#include "tests/m365sim/page.h"
#include "tests/m365sim/reply.h"
#include "tests/m365sim/request.h"
#include "tests/m365sim/tenant.h"
#include "tests/m365sim/tree.h"

#include <string.h>

#define ALIAS "contacts"

static json_t *
folder_json(struct mailbox *m, uint32_t index)
{
    const struct tree_node *n = tree_at(m->tree, index);
    char id[MAILBOX_ID_LEN], parent[MAILBOX_ID_LEN];
    mailbox_folder_id(m->tree, n->key, id);
    mailbox_folder_id(m->tree, tree_at(m->tree, n->parent)->key, parent);
    return json_pack("{s:s,s:s,s:s}", "id", id, "parentFolderId", parent, "displayName", tree_name(m->tree, n));
}

/* In collections the default folder does not show. */
static json_t *
listed_json(struct mailbox *m, uint32_t index)
{
    return index == box_default(m->tree) ? NULL : folder_json(m, index);
}

static const struct box_view one = { .context = "contactFolders", .row = folder_json, .folders = true };
static const struct box_view many = { .context = "contactFolders",
                                      .type = "#microsoft.graph.contactFolder",
                                      .row = listed_json,
                                      .folders = true,
                                      .page = 10 };

void
contacts_folders_list(struct request *r, struct reply *reply)
{
    struct mailbox m;
    if (!box_begin(&m, r, reply, BOX_CONTACTS))
        return;
    uint32_t parent = r->arguments[1] != NULL ? box_folder(&m, r->arguments[1], ALIAS) : TREE_ROOT;
    if (parent != TREE_NONE)
        box_list(&m, parent, &many);
    mailbox_end(&m);
}

void
contacts_folders_get(struct request *r, struct reply *reply)
{
    struct mailbox m;
    if (!box_begin(&m, r, reply, BOX_CONTACTS))
        return;
    uint32_t index = box_folder(&m, r->arguments[1], ALIAS);
    if (index != TREE_NONE)
        box_reply(&m, index, &one, 200);
    mailbox_end(&m);
}

void
contacts_folders_delta(struct request *r, struct reply *reply)
{
    struct mailbox m;
    if (!box_begin(&m, r, reply, BOX_CONTACTS))
        return;
    CLEANUP(memory_free_p) char *path = memory_printf("/v1.0/users/%s/contactFolders/delta", m.account->id);
    box_delta(&m, TREE_NONE, &many, path);
    mailbox_end(&m);
}

static const char *
name_of(const json_t *given, struct reply *reply)
{
    const char *name = json_string_value(json_object_get(given, "displayName"));
    if (given != NULL && (name == NULL || name[0] == '\0' || strlen(name) > 1024)) {
        box_bad_request(reply, "The property 'displayName' is required.");
        return NULL;
    }
    return name;
}

void
contacts_folders_create(struct request *r, struct reply *reply)
{
    struct mailbox m;
    json_t *given = box_body(r, reply);
    const char *name = name_of(given, reply);
    if (name != NULL && box_begin(&m, r, reply, BOX_CONTACTS)) {
        uint32_t parent = r->arguments[1] != NULL ? box_folder(&m, r->arguments[1], ALIAS) : TREE_ROOT;
        if (parent != TREE_NONE && box_name_free(&m, parent, name, TREE_NONE))
            box_reply(&m, tree_add(m.tree, parent, TREE_FOLDER, name, TREE_MOVED), &one, 201);
        mailbox_end(&m);
    }
    json_decref(given);
}

/* A folder that may be changed. */
static uint32_t
own_folder(struct mailbox *m)
{
    uint32_t index = box_folder(m, m->request->arguments[1], ALIAS);
    if (index != TREE_ROOT && index != box_default(m->tree))
        return index;
    reply_error(m->reply, 403, "ErrorDeleteDistinguishedFolder", "Distinguished folders cannot be changed.", NULL);
    return TREE_NONE;
}

void
contacts_folders_update(struct request *r, struct reply *reply)
{
    struct mailbox m;
    json_t *given = box_body(r, reply);
    const char *name = name_of(given, reply);
    if (name != NULL && box_begin(&m, r, reply, BOX_CONTACTS)) {
        uint32_t index = own_folder(&m);
        if (index != TREE_NONE && box_name_free(&m, tree_at(m.tree, index)->parent, name, index)) {
            tree_move(m.tree, index, tree_at(m.tree, index)->parent, name, 0);
            box_reply(&m, index, &one, 200);
        }
        mailbox_end(&m);
    }
    json_decref(given);
}

void
contacts_folders_delete(struct request *r, struct reply *reply)
{
    struct mailbox m;
    if (!box_begin(&m, r, reply, BOX_CONTACTS))
        return;
    uint32_t index = own_folder(&m);
    if (index != TREE_NONE) {
        tree_delete(m.tree, index);
        reply_empty(reply, 204);
    }
    mailbox_end(&m);
}
