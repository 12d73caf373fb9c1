#include "common/base/memory.h"
#include "tests/m365sim/box_internal.h"
#include "tests/m365sim/delta.h"
#include "tests/m365sim/filter.h"
#include "tests/m365sim/mail.h"
#include "tests/m365sim/page.h"
#include "tests/m365sim/reply.h"
#include "tests/m365sim/request.h"
#include "tests/m365sim/select.h"
#include "tests/m365sim/tenant.h"
#include "tests/m365sim/tree.h"

#include <string.h>

#define PAGE_MAX 1000u

static bool
belongs(const struct tree_node *n, const struct box_view *view)
{
    return view->folders ? n->kind == TREE_FOLDER : n->kind != TREE_FOLDER;
}

static json_t *
list_values(struct mailbox *m, uint32_t folder, const struct box_view *view, const struct filter *filter, bool *more)
{
    struct request *r = m->request;
    struct select select;
    unsigned long top = page_size(r, 0, view->page, PAGE_MAX), skip = request_number(r, "$skip", 0, 0, UINT32_MAX);
    unsigned long at = 0;
    json_t *values = json_array();
    select_init(&select, request_parameter(r, "$select"));
    *more = false;
    for (uint32_t c = TREE_NONE; !*more && (c = tree_next_child(m->tree, folder, c)) != TREE_NONE;) {
        json_t *o = belongs(tree_at(m->tree, c), view) ? view->row(m, c) : NULL;
        if (o == NULL)
            continue;
        if (!filter_matches(filter, o) || at++ < skip || (*more = json_array_size(values) == top)) {
            json_decref(o);
            continue;
        }
        select_apply(&select, o);
        json_array_append_new(values, o);
    }
    select_clear(&select);
    return values;
}

void
box_list(struct mailbox *m, uint32_t folder, const struct box_view *view)
{
    struct request *r = m->request;
    struct filter filter;
    bool more;
    if (!filter_init(&filter, request_parameter(r, "$filter"))) {
        reply_error(m->reply, 400, "ErrorInvalidUrlQueryFilter", "The query filter contains one or more invalid nodes.",
                    NULL);
        return;
    }
    json_t *values = list_values(m, folder, view, &filter, &more);
    json_t *page = page_new(r, values, "users('%s')/%s", m->account->id, view->context);
    if (more)
        page_next_skip(page, r, request_number(r, "$skip", 0, 0, UINT32_MAX) + page_size(r, 0, view->page, PAGE_MAX));
    reply_json(m->reply, 200, page);
    filter_clear(&filter);
}

static json_t *
delta_row(struct mailbox *m, uint32_t entry, uint32_t folder, const struct box_view *view)
{
    const struct tree_node *n = tree_at(m->tree, entry);
    char id[MAILBOX_ID_LEN];
    json_t *o;
    if (!(n->flags & TREE_DELETED)) {
        o = view->row(m, entry);
    } else {
        if (view->folders)
            mailbox_folder_id(m->tree, n->key, id);
        else
            mailbox_message_id(m->tree, n->key, tree_at(m->tree, folder)->key, mailbox_wants_immutable(m->request), id);
        o = json_pack("{s:s,s:{s:s}}", "id", id, "@removed", "reason", "deleted");
    }
    if (o != NULL && view->type != NULL)
        json_object_set_new(o, "@odata.type", json_string(view->type));
    return o;
}

static void
delta_page(struct mailbox *m, uint32_t folder, const struct box_view *view, struct delta *d, const char *path)
{
    struct select select;
    json_t *values = json_array();
    uint32_t entry = tree_list_after(m->tree, view->folders ? TREE_NONE : folder, d->position, d->hint);
    select_init(&select, d->select);
    for (; entry != TREE_NONE && json_array_size(values) < d->page; entry = tree_list_next(m->tree, entry)) {
        const struct tree_node *n = tree_at(m->tree, entry);
        d->position = n->change;
        d->hint = entry;
        if (entry == TREE_ROOT || !belongs(n, view) ||
            ((n->flags & TREE_DELETED) && !delta_tells_deleted(d, n->change)))
            continue;
        json_t *o = delta_row(m, entry, folder, view);
        if (o == NULL)
            continue;
        select_apply(&select, o);
        json_array_append_new(values, o);
    }
    select_clear(&select);
    if (entry == TREE_NONE)
        delta_finish(d, m->tree);
    json_t *page = page_new(m->request, values, "Collection(%s)", view->type != NULL ? view->type + 1 : "entity");
    CLEANUP(memory_free_p) char *token = delta_token(d);
    page_token(page, m->request, path, entry == TREE_NONE, "$deltatoken", "$skiptoken", token);
    reply_json(m->reply, 200, page);
}

void
box_delta(struct mailbox *m, uint32_t folder, const struct box_view *view, const char *path)
{
    static const char *const names[] = { "$deltatoken", "$skiptoken" };
    struct delta d;
    uint64_t scope = view->folders ? 0 : tree_at(m->tree, folder)->key;
    if (delta_begin(&d, m->request, m->tree, scope, names, ARRAY_LEN(names)) == DELTA_GONE) {
        mail_sync_gone(m->request, m->reply, path);
        return;
    }
    d.page = page_size(m->request, d.page, view->page, PAGE_MAX);
    delta_page(m, folder, view, &d, path);
}

void
box_reply(struct mailbox *m, uint32_t index, const struct box_view *view, unsigned status)
{
    struct select select;
    json_t *o = view->row(m, index);
    if (o == NULL) {
        reply_error(m->reply, 404, "ErrorItemNotFound", "The specified object was not found in the store.", NULL);
        return;
    }
    select_init(&select, request_parameter(m->request, "$select"));
    select_apply(&select, o);
    select_clear(&select);
    page_context(o, m->request, "users('%s')/%s/$entity", m->account->id, view->context);
    reply_json(m->reply, status, o);
}
