#include "tests/m365sim/mail.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/m365sim/delta.h"
#include "tests/m365sim/filter.h"
#include "tests/m365sim/mailbox.h"
#include "tests/m365sim/message.h"
#include "tests/m365sim/page.h"
#include "tests/m365sim/reply.h"
#include "tests/m365sim/request.h"
#include "tests/m365sim/select.h"
#include "tests/m365sim/sim.h"
#include "tests/m365sim/tenant.h"
#include "tests/m365sim/tree.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MESSAGE_PAGE     10u
#define MESSAGE_PAGE_MAX 1000u

/* One row of a page, taken under the lock. */
struct row {
    struct message message;
    uint64_t removed; /* key, when it is an @removed row */
};

struct rows {
    struct row *list;
    size_t count;
};

static void
rows_clear(struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        message_clear(&rows->list[i].message);
    free(rows->list);
}

static void
take_delta_rows(struct mailbox *m, struct delta *d, uint32_t folder, struct rows *rows, bool *last)
{
    uint32_t entry = tree_list_after(m->tree, folder, d->position, d->hint);
    rows->list = memory_new(d->page * sizeof(*rows->list));
    for (; entry != TREE_NONE && rows->count < d->page; entry = tree_list_next(m->tree, entry)) {
        const struct tree_node *n = tree_at(m->tree, entry);
        d->position = n->change;
        d->hint = entry;
        if (!(n->flags & TREE_DELETED))
            message_take(&rows->list[rows->count++].message, m->tree, entry);
        else if (delta_tells_deleted(d, n->change))
            rows->list[rows->count++].removed = n->key;
    }
    *last = entry == TREE_NONE;
    if (*last)
        delta_finish(d, m->tree);
}

static json_t *
row_json(const struct tree *tree, const struct row *row, uint64_t folder_key, const struct message_form *form)
{
    char id[MAILBOX_ID_LEN];
    if (row->removed == 0) {
        json_t *o = message_json(&row->message, form);
        if (o != NULL)
            json_object_set_new(o, "@odata.type", json_string("#microsoft.graph.message"));
        return o;
    }
    mailbox_message_id(tree, row->removed, folder_key, form->immutable, id);
    return json_pack("{s:s,s:s,s:{s:s}}", "@odata.type", "#microsoft.graph.message", "id", id, "@removed", "reason",
                     "deleted");
}

static void
delta_page(struct mailbox *m, struct delta *d, uint32_t folder)
{
    struct rows rows = { 0 };
    struct select select;
    struct message_form form;
    char folder_id[MAILBOX_ID_LEN];
    bool last;
    const struct tree *tree = m->tree;
    uint64_t folder_key = tree_at(m->tree, folder)->key;
    take_delta_rows(m, d, folder, &rows, &last);
    mailbox_folder_id(tree, folder_key, folder_id);
    mailbox_end(m);
    select_init(&select, d->select);
    message_form_init(&form, m->request, &select);
    form.expand = d->expand[0] != '\0' ? d->expand : NULL;
    json_t *values = json_array();
    for (size_t i = 0; i < rows.count; i++) {
        json_t *one = row_json(tree, &rows.list[i], folder_key, &form);
        if (one != NULL)
            json_array_append_new(values, one);
    }
    rows_clear(&rows);
    select_clear(&select);
    json_t *page = page_new(m->request, values, "Collection(message)");
    CLEANUP(memory_free_p) char *token = delta_token(d);
    CLEANUP(memory_free_p)
    char *path = memory_printf("/v1.0/users/%s/mailFolders/%s/messages/delta", m->account->id, folder_id);
    page_token(page, m->request, path, last, "$deltatoken", "$skiptoken", token);
    reply_json(m->reply, 200, page);
}

void
mail_messages_delta(struct request *r, struct reply *reply)
{
    static const char *const names[] = { "$deltatoken", "$skiptoken" };
    struct mailbox m;
    struct delta d;
    char id[MAILBOX_ID_LEN];
    if (!mailbox_begin(&m, r, reply))
        return;
    tree_refresh(m.tree);
    uint32_t folder = mailbox_folder(&m, r->arguments[1]);
    if (folder != TREE_NONE) {
        uint64_t key = tree_at(m.tree, folder)->key;
        enum delta_verdict verdict = delta_begin(&d, r, m.tree, key, names, ARRAY_LEN(names));
        d.page = page_size(r, d.page, MESSAGE_PAGE, MESSAGE_PAGE_MAX);
        if (verdict == DELTA_GONE) {
            mailbox_folder_id(m.tree, key, id);
            CLEANUP(memory_free_p)
            char *path = memory_printf("/v1.0/users/%s/mailFolders/%s/messages/delta", m.account->id, id);
            mail_sync_gone(r, reply, path);
        } else {
            delta_page(&m, &d, folder);
        }
    }
    mailbox_end(&m);
}

/* All messages of a folder, or of the mailbox, copied under the lock. */
static void
take_all(struct mailbox *m, uint32_t folder, bool below, struct rows *rows, size_t *capacity)
{
    for (uint32_t c = TREE_NONE; (c = tree_next_child(m->tree, folder, c)) != TREE_NONE;) {
        const struct tree_node *n = tree_at(m->tree, c);
        if (n->kind == TREE_FOLDER) {
            if (below && mailbox_is_listed(n))
                take_all(m, c, below, rows, capacity);
            continue;
        }
        if (rows->count == *capacity) {
            *capacity = *capacity * 2 + 256;
            struct row *more = memory_new(*capacity * sizeof(*more));
            if (rows->count > 0)
                memcpy(more, rows->list, rows->count * sizeof(*more));
            free(rows->list);
            rows->list = more;
        }
        message_take(&rows->list[rows->count++].message, m->tree, c);
    }
}

struct dated {
    int64_t received;
    size_t row;
};

static int
newest_first(const void *a, const void *b)
{
    const struct dated *x = a, *y = b;
    if (x->received != y->received)
        return x->received < y->received ? 1 : -1;
    return x->row > y->row ? 1 : -1;
}

static struct dated *
sort_rows(const struct rows *rows, bool ascending)
{
    struct dated *order = memory_new((rows->count + 1) * sizeof(*order));
    int64_t sent;
    for (size_t i = 0; i < rows->count; i++) {
        message_dates(&rows->list[i].message, &order[i].received, &sent);
        order[i].row = i;
        if (ascending)
            order[i].received = -order[i].received;
    }
    qsort(order, rows->count, sizeof(*order), newest_first);
    return order;
}

static json_t *
list_page(const struct request *r, const struct rows *rows, const struct filter *filter, bool *more)
{
    struct select select, all;
    struct message_form form, probe;
    const char *orderby = request_parameter(r, "$orderby");
    bool ascending = orderby != NULL && strcasestr(orderby, "desc") == NULL;
    unsigned long top = page_size(r, 0, MESSAGE_PAGE, MESSAGE_PAGE_MAX);
    unsigned long skip = request_number(r, "$skip", 0, 0, UINT32_MAX), at = 0;
    struct dated *order = sort_rows(rows, ascending);
    json_t *values = json_array();
    select_init(&select, request_parameter(r, "$select"));
    select_init(&all, NULL);
    message_form_init(&form, r, &select);
    probe = form;
    probe.select = &all;
    *more = false;
    for (size_t i = 0; i < rows->count && !*more; i++) {
        const struct message *m = &rows->list[order[i].row].message;
        if (filter->count > 0) {
            json_t *full = message_json(m, &probe);
            bool fits = full != NULL && filter_matches(filter, full);
            json_decref(full);
            if (!fits)
                continue;
        }
        if (at++ < skip)
            continue;
        json_t *one = json_array_size(values) < top ? message_json(m, &form) : NULL;
        *more = json_array_size(values) >= top;
        if (one != NULL)
            json_array_append_new(values, one);
    }
    select_clear(&select);
    free(order);
    return values;
}

static void
list_messages(struct request *r, struct reply *reply, bool whole)
{
    struct mailbox m;
    struct rows rows = { 0 };
    struct filter filter;
    size_t capacity = 0;
    bool more;
    if (!filter_init(&filter, request_parameter(r, "$filter"))) {
        reply_error(reply, 400, "ErrorInvalidUrlQueryFilter", "The query filter contains one or more invalid nodes.",
                    NULL);
        return;
    }
    if (!mailbox_begin(&m, r, reply)) {
        filter_clear(&filter);
        return;
    }
    tree_refresh(m.tree);
    uint32_t folder = whole ? TREE_ROOT : mailbox_folder(&m, r->arguments[1]);
    if (folder != TREE_NONE) {
        take_all(&m, folder, whole, &rows, &capacity);
        mailbox_end(&m);
        json_t *values = list_page(r, &rows, &filter, &more);
        json_t *page = page_new(r, values, "users('%s')/messages", m.account->id);
        if (more)
            page_next_skip(page, r,
                           request_number(r, "$skip", 0, 0, UINT32_MAX) +
                               page_size(r, 0, MESSAGE_PAGE, MESSAGE_PAGE_MAX));
        reply_json(reply, 200, page);
    }
    mailbox_end(&m);
    rows_clear(&rows);
    filter_clear(&filter);
}

void
mail_messages_list(struct request *r, struct reply *reply)
{
    list_messages(r, reply, false);
}

void
mail_messages_list_all(struct request *r, struct reply *reply)
{
    list_messages(r, reply, true);
}

void
mail_reply_message(struct mailbox *m, uint32_t index, unsigned status)
{
    struct message message;
    struct select select;
    struct message_form form;
    message_take(&message, m->tree, index);
    mailbox_end(m);
    select_init(&select, request_parameter(m->request, "$select"));
    message_form_init(&form, m->request, &select);
    json_t *o = message_json(&message, &form);
    message_clear(&message);
    select_clear(&select);
    if (o == NULL) {
        reply_error(m->reply, 404, "ErrorItemNotFound", "The specified object was not found in the store.", NULL);
        return;
    }
    page_context(o, m->request, "users('%s')/messages/$entity", m->account->id);
    reply_json(m->reply, status, o);
}

void
mail_message_get(struct request *r, struct reply *reply)
{
    struct mailbox m;
    if (!mailbox_begin(&m, r, reply))
        return;
    uint32_t index = mailbox_message(&m, r->arguments[1], TREE_NONE);
    if (index != TREE_NONE)
        mail_reply_message(&m, index, 200);
    mailbox_end(&m);
}

void
mail_message_value(struct request *r, struct reply *reply)
{
    struct mailbox m;
    struct message message;
    uint64_t size = 0;
    if (!mailbox_begin(&m, r, reply))
        return;
    uint32_t index = mailbox_message(&m, r->arguments[1], TREE_NONE);
    if (index == TREE_NONE) {
        mailbox_end(&m);
        return;
    }
    message_take(&message, m.tree, index);
    mailbox_end(&m);
    int fd = message_open_mime(&message, r->sim->temporary, &size, NULL);
    message_clear(&message);
    if (fd < 0)
        reply_error(reply, 404, "ErrorItemNotFound", "The specified object was not found in the store.", NULL);
    else
        reply_file(reply, 200, "text/plain", fd, 0, size);
}
