#include "tests/m365sim/mail.h"

#include "common/base/memory.h"
#include "tests/m365sim/delta.h"
#include "tests/m365sim/mailbox.h"
#include "tests/m365sim/page.h"
#include "tests/m365sim/reply.h"
#include "tests/m365sim/request.h"
#include "tests/m365sim/select.h"
#include "tests/m365sim/tenant.h"
#include "tests/m365sim/tree.h"

#include <string.h>
#include <strings.h>

#define FOLDER_PAGE     10u
#define FOLDER_PAGE_MAX 1000u

json_t *
mail_folder_json(struct mailbox *m, uint32_t index, const struct select *select)
{
    const struct tree_node *n = tree_at(m->tree, index);
    json_int_t folders = 0, items = 0, unread = 0;
    char id[MAILBOX_ID_LEN], parent[MAILBOX_ID_LEN];
    for (uint32_t c = TREE_NONE; (c = tree_next_child(m->tree, index, c)) != TREE_NONE;) {
        const struct tree_node *child = tree_at(m->tree, c);
        if (child->kind == TREE_ITEM) {
            items++;
            unread += !(child->flags & TREE_READ);
        } else if (!(child->flags & TREE_HIDDEN)) {
            folders++;
        }
    }
    mailbox_folder_id(m->tree, n->key, id);
    mailbox_folder_id(m->tree, index == TREE_ROOT ? n->key + 1 : tree_at(m->tree, n->parent)->key, parent);
    const char *name = index == TREE_ROOT ? "Top of Information Store" : tree_name(m->tree, n);
    json_t *o = json_pack("{s:s,s:s,s:s,s:I,s:I,s:I,s:b}", "id", id, "displayName", name, "parentFolderId", parent,
                          "childFolderCount", folders, "unreadItemCount", unread, "totalItemCount", items, "isHidden",
                          (n->flags & TREE_HIDDEN) != 0);
    select_apply(select, o);
    return o;
}

/* "displayName eq 'x'" of a $filter; the caller frees it. NULL when there is none. */
static char *
wanted_name(const struct request *r)
{
    const char *filter = request_parameter(r, "$filter");
    const char *quote = filter == NULL || strncasecmp(filter, "displayName eq '", 16) != 0 ? NULL : filter + 16;
    if (quote == NULL || strlen(quote) < 1)
        return NULL;
    char *name = memory_printf("%.*s", (int)strlen(quote) - 1, quote);
    for (char *p = name; (p = strstr(p, "''")) != NULL; p++)
        memmove(p, p + 1, strlen(p));
    return name;
}

static void
list_children(struct mailbox *m, uint32_t parent)
{
    struct request *r = m->request;
    struct select select;
    CLEANUP(memory_free_p) char *name = wanted_name(r);
    const char *hidden = request_parameter(r, "includeHiddenFolders");
    bool all = hidden != NULL && strcasecmp(hidden, "true") == 0;
    unsigned long top = request_number(r, "$top", FOLDER_PAGE, 1, FOLDER_PAGE_MAX);
    unsigned long skip = request_number(r, "$skip", 0, 0, UINT32_MAX), at = 0;
    json_t *values = json_array();
    bool more = false;
    select_init(&select, request_parameter(r, "$select"));
    for (uint32_t c = TREE_NONE; (c = tree_next_child(m->tree, parent, c)) != TREE_NONE;) {
        const struct tree_node *n = tree_at(m->tree, c);
        if (n->kind != TREE_FOLDER || !mailbox_is_listed(n) || ((n->flags & TREE_HIDDEN) && !all) ||
            (name != NULL && strcasecmp(tree_name(m->tree, n), name) != 0))
            continue;
        if (at++ < skip)
            continue;
        if (json_array_size(values) == top) {
            more = true;
            break;
        }
        json_array_append_new(values, mail_folder_json(m, c, &select));
    }
    select_clear(&select);
    json_t *page = page_new(r, values, "users('%s')/mailFolders", m->account->id);
    if (more)
        page_next_skip(page, r, skip + top);
    reply_json(m->reply, 200, page);
}

void
mail_folders_list(struct request *r, struct reply *reply)
{
    struct mailbox m;
    if (!mailbox_begin(&m, r, reply))
        return;
    tree_refresh(m.tree);
    uint32_t parent = r->arguments[1] != NULL ? mailbox_folder(&m, r->arguments[1]) : TREE_ROOT;
    if (parent != TREE_NONE)
        list_children(&m, parent);
    mailbox_end(&m);
}

void
mail_folders_get(struct request *r, struct reply *reply)
{
    struct mailbox m;
    struct select select;
    if (!mailbox_begin(&m, r, reply))
        return;
    tree_refresh(m.tree);
    uint32_t index = mailbox_folder(&m, r->arguments[1]);
    if (index != TREE_NONE) {
        select_init(&select, request_parameter(r, "$select"));
        json_t *o = mail_folder_json(&m, index, &select);
        page_context(o, r, "users('%s')/mailFolders/$entity", m.account->id);
        reply_json(reply, 200, o);
        select_clear(&select);
    }
    mailbox_end(&m);
}

void
mail_sync_gone(struct request *r, struct reply *reply, const char *path)
{
    reply_error(reply, 410, "SyncStateNotFound",
                "The sync state generation is not found; continuationToken is invalid.", NULL);
    reply_header(reply, "Location", "%s%s", r->base, path);
}

static json_t *
folder_entry(struct mailbox *m, uint32_t entry, const struct select *select)
{
    const struct tree_node *n = tree_at(m->tree, entry);
    char id[MAILBOX_ID_LEN];
    if (!(n->flags & TREE_DELETED))
        return mail_folder_json(m, entry, select);
    mailbox_folder_id(m->tree, n->key, id);
    return json_pack("{s:s,s:{s:s}}", "id", id, "@removed", "reason", "deleted");
}

static void
folder_delta_page(struct mailbox *m, struct delta *d)
{
    const char *hidden = request_parameter(m->request, "includeHiddenFolders");
    bool all = hidden != NULL && strcasecmp(hidden, "true") == 0;
    struct select select;
    json_t *values = json_array();
    uint32_t entry = tree_list_after(m->tree, TREE_NONE, d->position, d->hint);
    select_init(&select, d->select);
    for (; entry != TREE_NONE && json_array_size(values) < d->page; entry = tree_list_next(m->tree, entry)) {
        const struct tree_node *n = tree_at(m->tree, entry);
        d->position = n->change;
        d->hint = entry;
        if (entry == TREE_ROOT || n->kind != TREE_FOLDER || !mailbox_is_listed(n) || ((n->flags & TREE_HIDDEN) && !all))
            continue;
        if (!(n->flags & TREE_DELETED) || delta_tells_deleted(d, n->change))
            json_array_append_new(values, folder_entry(m, entry, &select));
    }
    select_clear(&select);
    if (entry == TREE_NONE)
        delta_finish(d, m->tree);
    json_t *page = page_new(m->request, values, "users('%s')/mailFolders", m->account->id);
    CLEANUP(memory_free_p) char *path = memory_printf("/v1.0/users/%s/mailFolders/delta", m->account->id);
    CLEANUP(memory_free_p) char *token = delta_token(d);
    page_token(page, m->request, path, entry == TREE_NONE,
               all ? "includeHiddenFolders=true&$deltatoken" : "$deltatoken",
               all ? "includeHiddenFolders=true&$skiptoken" : "$skiptoken", token);
    reply_json(m->reply, 200, page);
}

void
mail_folders_delta(struct request *r, struct reply *reply)
{
    static const char *const names[] = { "$deltatoken", "$skiptoken" };
    struct mailbox m;
    struct delta d;
    if (!mailbox_begin(&m, r, reply))
        return;
    tree_refresh(m.tree);
    enum delta_verdict verdict = delta_begin(&d, r, m.tree, 0, names, ARRAY_LEN(names));
    CLEANUP(memory_free_p) char *path = memory_printf("/v1.0/users/%s/mailFolders/delta", m.account->id);
    if (verdict == DELTA_GONE) {
        mail_sync_gone(r, reply, path);
    } else {
        d.page = page_size(r, d.page, FOLDER_PAGE_MAX, FOLDER_PAGE_MAX);
        folder_delta_page(&m, &d);
    }
    mailbox_end(&m);
}
