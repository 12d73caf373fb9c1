#include "tests/m365sim/mailbox.h"

#include "common/base/encoding.h"
#include "common/base/error.h"
#include "tests/m365sim/reply.h"
#include "tests/m365sim/request.h"
#include "tests/m365sim/sim.h"
#include "tests/m365sim/tenant.h"
#include "tests/m365sim/tree.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define FOLDER_PREFIX    "AAMkAD"
#define FOLDER_SUFFIX    "AAA="
#define MESSAGE_SUFFIX   "BGAAAAAA="
#define IMMUTABLE_PREFIX "AAkALgAA"

static const struct {
    const char *name, *display;
    const char *parent; /* well-known name, NULL: the root */
    bool hidden, listed;
} well_known[] = {
    { "", "", NULL, false, true },
    { "inbox", "Inbox", NULL, false, true },
    { "drafts", "Drafts", NULL, false, true },
    { "sentitems", "Sent Items", NULL, false, true },
    { "deleteditems", "Deleted Items", NULL, false, true },
    { "junkemail", "Junk Email", NULL, false, true },
    { "archive", "Archive", NULL, false, true },
    { "outbox", "Outbox", NULL, false, true },
    { "conversationhistory", "Conversation History", NULL, false, true },
    { "syncissues", "Sync Issues", NULL, true, true },
    { "conflicts", "Conflicts", "syncissues", true, true },
    { "localfailures", "Local Failures", "syncissues", true, true },
    { "serverfailures", "Server Failures", "syncissues", true, true },
    { "recoverableitemsdeletions", "Deletions", NULL, true, false },
};
#define WELL_KNOWN_COUNT (sizeof(well_known) / sizeof(well_known[0]))

static void
put64(uint8_t *out, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(v >> (56 - 8 * i));
}

static uint64_t
get64(const uint8_t *in)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v = v << 8 | in[i];
    return v;
}

void
mailbox_folder_id(const struct tree *tree, uint64_t key, char out[MAILBOX_ID_LEN])
{
    uint8_t bytes[16];
    char text[ENCODING_BASE64_LEN(16)];
    put64(bytes, tree_hash(tree));
    put64(bytes + 8, key);
    encoding_base64url(bytes, sizeof(bytes), text);
    snprintf(out, MAILBOX_ID_LEN, "%s%s%s", FOLDER_PREFIX, text, FOLDER_SUFFIX);
}

void
mailbox_message_id(const struct tree *tree, uint64_t key, uint64_t parent_key, bool immutable, char out[MAILBOX_ID_LEN])
{
    uint8_t bytes[24];
    char text[ENCODING_BASE64_LEN(24)];
    put64(bytes, tree_hash(tree));
    put64(bytes + 8, key);
    put64(bytes + 16, parent_key);
    encoding_base64url(bytes, immutable ? 16 : 24, text);
    snprintf(out, MAILBOX_ID_LEN, "%s%s%s", immutable ? IMMUTABLE_PREFIX : FOLDER_PREFIX, text,
             immutable ? "" : MESSAGE_SUFFIX);
}

/* The bytes between prefix and suffix, when they are exactly want and begin with the tree's hash. */
static bool
decode_id(const struct tree *tree, const char *id, const char *prefix, const char *suffix, uint8_t *bytes, size_t want)
{
    size_t len = strlen(id), skip = strlen(prefix), tail = strlen(suffix), have = want;
    if (len < skip + tail || strncmp(id, prefix, skip) != 0 || strcmp(id + len - tail, suffix) != 0)
        return false;
    if (encoding_unbase64(id + skip, len - skip - tail, bytes, &have, NULL) != 0 || have != want)
        return false;
    return get64(bytes) == tree_hash(tree);
}

bool
mailbox_wants_immutable(const struct request *r)
{
    char value[40];
    return request_prefers(r, "IdType", value, sizeof(value)) && strcasecmp(value, "ImmutableId") == 0;
}

static uint32_t
ensure_folder(struct tree *tree, size_t which)
{
    uint32_t parent = TREE_ROOT;
    if (well_known[which].parent != NULL)
        parent = mailbox_well_known(tree, well_known[which].parent);
    uint32_t index = tree_find_child(tree, parent, well_known[which].display);
    if (index == TREE_NONE || tree_at(tree, index)->kind != TREE_FOLDER)
        index =
            tree_add(tree, parent, TREE_FOLDER, well_known[which].display, well_known[which].hidden ? TREE_HIDDEN : 0);
    return index;
}

void
mailbox_prepare(struct tree *tree)
{
    tree_lock(tree);
    for (size_t i = 1; i < WELL_KNOWN_COUNT; i++) {
        if (mailbox_well_known(tree, well_known[i].name) != TREE_NONE)
            continue;
        uint32_t index = ensure_folder(tree, i);
        tree_at(tree, index)->well_known = (uint8_t)i;
        tree_touch(tree, index, false);
    }
    tree_unlock(tree);
}

uint32_t
mailbox_well_known(struct tree *tree, const char *name)
{
    if (strcasecmp(name, "msgfolderroot") == 0)
        return TREE_ROOT;
    for (size_t i = 1; i < WELL_KNOWN_COUNT; i++) {
        if (strcasecmp(well_known[i].name, name) != 0)
            continue;
        uint32_t parent = well_known[i].parent == NULL ? TREE_ROOT : mailbox_well_known(tree, well_known[i].parent);
        for (uint32_t c = TREE_NONE; parent != TREE_NONE && (c = tree_next_child(tree, parent, c)) != TREE_NONE;)
            if (tree_at(tree, c)->well_known == i)
                return c;
    }
    return TREE_NONE;
}

bool
mailbox_is_listed(const struct tree_node *node)
{
    return node->well_known < WELL_KNOWN_COUNT && well_known[node->well_known].listed;
}

bool
mailbox_begin(struct mailbox *m, struct request *r, struct reply *reply)
{
    struct error err = ERROR_INIT;
    *m = (struct mailbox){ .request = r, .reply = reply };
    m->account = tenant_find(r->sim->tenant, false, r->arguments[0]);
    if (m->account == NULL) {
        reply_error(reply, 404, "ErrorInvalidUser", "The requested user is invalid.", NULL);
        return false;
    }
    m->tree = tenant_mail(r->sim->tenant, m->account, &err);
    if (m->tree == NULL) {
        reply_error(reply, 404, "MailboxNotEnabledForRESTAPI",
                    "The mailbox is either inactive, soft-deleted, or is hosted on-premise.", NULL);
        return false;
    }
    tree_lock(m->tree);
    return true;
}

void
mailbox_end(struct mailbox *m)
{
    if (m->tree != NULL)
        tree_unlock(m->tree);
    m->tree = NULL;
}

static uint32_t
not_found(struct mailbox *m)
{
    reply_error(m->reply, 404, "ErrorItemNotFound", "The specified object was not found in the store.", NULL);
    return TREE_NONE;
}

uint32_t
mailbox_folder(struct mailbox *m, const char *id)
{
    uint8_t bytes[16];
    uint32_t index = mailbox_well_known(m->tree, id);
    if (index != TREE_NONE)
        return index;
    if (!decode_id(m->tree, id, FOLDER_PREFIX, FOLDER_SUFFIX, bytes, sizeof(bytes))) {
        if (strlen(id) > 20)
            return not_found(m);
        reply_error(m->reply, 400, "ErrorInvalidIdMalformed", "Id is malformed.", NULL);
        return TREE_NONE;
    }
    index = tree_find_key(m->tree, get64(bytes + 8));
    const struct tree_node *n = tree_at(m->tree, index);
    return n == NULL || n->kind != TREE_FOLDER || (n->flags & TREE_DELETED) ? not_found(m) : index;
}

uint32_t
mailbox_message(struct mailbox *m, const char *id, uint32_t folder)
{
    uint8_t bytes[24];
    bool immutable = decode_id(m->tree, id, IMMUTABLE_PREFIX, "", bytes, 16);
    if (!immutable && !decode_id(m->tree, id, FOLDER_PREFIX, MESSAGE_SUFFIX, bytes, 24)) {
        if (strlen(id) > 30)
            return not_found(m);
        reply_error(m->reply, 400, "ErrorInvalidIdMalformed", "Id is malformed.", NULL);
        return TREE_NONE;
    }
    uint32_t index = tree_find_key(m->tree, get64(bytes + 8));
    const struct tree_node *n = tree_at(m->tree, index);
    if (n == NULL || n->kind != TREE_ITEM || (n->flags & TREE_DELETED) || (folder != TREE_NONE && n->parent != folder))
        return not_found(m);
    if (!immutable && tree_at(m->tree, n->parent)->key != get64(bytes + 16))
        return not_found(m);
    return index;
}
