#include "tests/m365sim/drive.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/m365sim/page.h"
#include "tests/m365sim/reply.h"
#include "tests/m365sim/request.h"
#include "tests/m365sim/sim.h"
#include "tests/m365sim/tree.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define QUOTA ((json_int_t)1 << 40)

void
drive_not_found(struct drive *d)
{
    reply_error(d->reply, 404, "itemNotFound", "The resource could not be found.", "itemNotFound");
}

bool
drive_begin(struct drive *d, struct account *account, struct request *r, struct reply *reply)
{
    *d = (struct drive){ .request = r, .reply = reply, .account = account };
    if (account == NULL) {
        reply_error(reply, 404, "itemNotFound", "Item not found", NULL);
        return false;
    }
    d->tree = tenant_drive(r->sim->tenant, account, NULL);
    if (d->tree == NULL) {
        reply_error(reply, 404, "ResourceNotFound", "User's mysite not found.", NULL);
        return false;
    }
    tree_lock(d->tree);
    return true;
}

void
drive_end(struct drive *d)
{
    if (d->tree != NULL)
        tree_unlock(d->tree);
    d->tree = NULL;
}

static bool
ends_with_colon(const struct request *r, size_t i)
{
    size_t len = strlen(r->raw[i]);
    return len > 0 && r->raw[i][len - 1] == ':';
}

/* Names up to a segment that ends in ':' or the end of the path. */
static bool
resolve_path(struct drive *d, size_t *at, struct drive_target *t)
{
    struct request *r = d->request;
    for (bool last = false; *at < r->segment_count && !last; (*at)++) {
        char *name = r->segments[*at];
        last = ends_with_colon(r, *at);
        if (last)
            name[strlen(name) - 1] = '\0';
        if (name[0] == '\0')
            continue;
        if (t->item == TREE_NONE)
            return false;
        t->parent = t->item;
        t->name = name;
        t->item = tree_find_child(d->tree, t->parent, name);
        if (t->item == TREE_NONE)
            tree_refresh(d->tree);
        if (t->item == TREE_NONE)
            t->item = tree_find_child(d->tree, t->parent, name);
    }
    return true;
}

bool
drive_resolve(struct drive *d, size_t tail, struct drive_target *target)
{
    struct request *r = d->request;
    size_t at = tail + 1;
    bool by_path = ends_with_colon(r, tail);
    *target = (struct drive_target){ .item = TREE_ROOT };
    if (strcmp(r->segments[tail], "items") == 0) {
        if (tail + 1 >= r->segment_count)
            return false;
        at = tail + 2;
        by_path = ends_with_colon(r, tail + 1);
        if (by_path)
            r->segments[tail + 1][strlen(r->segments[tail + 1]) - 1] = '\0';
        target->item = drive_find_item(d, r->segments[tail + 1]);
        if (target->item == TREE_NONE)
            return false;
    } else if (strcmp(r->raw[tail], by_path ? "root:" : "root") != 0) {
        return false;
    }
    if (by_path && !resolve_path(d, &at, target))
        return false;
    if (at < r->segment_count)
        target->action = r->segments[at];
    return at + 1 >= r->segment_count;
}

static json_t *
drive_json(struct drive *d)
{
    const struct account *a = d->account;
    json_int_t used = 0;
    for (uint32_t i = tree_list_after(d->tree, TREE_NONE, 0, TREE_NONE); i != TREE_NONE; i = tree_list_next(d->tree, i))
        if (!(tree_at(d->tree, i)->flags & TREE_DELETED))
            used += (json_int_t)tree_at(d->tree, i)->size;
    json_t *owner =
        a->site ? json_pack("{s:{s:s}}", "group", "displayName", a->display)
                : json_pack("{s:{s:s,s:s,s:s}}", "user", "email", a->name, "id", a->id, "displayName", a->display);
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:o,s:o,s:{s:I,s:I,s:I,s:I,s:s}}", "createdDateTime", "2024-03-01T08:00:00Z",
                     "id", a->drive_id, "lastModifiedDateTime", "2026-09-14T08:00:00Z", "name",
                     a->site ? "Documents" : "OneDrive", "driveType", a->site ? "documentLibrary" : "business",
                     "webUrl", json_sprintf("https://sim-my.sharepoint.com/personal/%s/Documents", a->id), "owner",
                     owner, "quota", "deleted", (json_int_t)0, "remaining", QUOTA - used, "total", QUOTA, "used", used,
                     "state", "normal");
}

static void
run_action(struct drive *d, const struct drive_target *t)
{
    static const struct {
        const char *method, *action;
        void (*run)(struct drive *d, const struct drive_target *t);
        bool may_lack_item;
    } actions[] = {
        { "GET", "children", drive_children, false },
        { "POST", "children", drive_create_folder, false },
        { "GET", "content", drive_content_get, false },
        { "PUT", "content", drive_content_put, true },
        { "POST", "createUploadSession", drive_create_session, true },
        { "PATCH", "", drive_update, false },
        { "DELETE", "", drive_delete, false },
    };
    const char *action = t->action != NULL ? t->action : "";
    const char *method = d->request->method;
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (strcmp(actions[i].method, method) != 0 || strcasecmp(actions[i].action, action) != 0)
            continue;
        if (t->item == TREE_NONE && !actions[i].may_lack_item)
            drive_not_found(d);
        else
            actions[i].run(d, t);
        return;
    }
    if (strcmp(method, "GET") != 0)
        reply_error(d->reply, 405, "invalidRequest", "The method is not allowed for this resource.", NULL);
    else if (t->item == TREE_NONE)
        drive_not_found(d);
    else if (t->action == NULL)
        drive_reply_item(d, t->item, 200);
    else if (strcasecmp(action, "delta") == 0 && t->item == TREE_ROOT)
        drive_delta(d);
    else if (strcasecmp(action, "permissions") == 0)
        reply_json(d->reply, 200, page_new(d->request, json_array(), "permissions"));
    else
        reply_error(d->reply, 400, "invalidRequest", "Resource not found for the segment.", NULL);
}

static void
handle(struct request *r, struct reply *reply, struct account *account)
{
    struct drive d;
    struct drive_target target;
    if (!drive_begin(&d, account, r, reply))
        return;
    if (r->tail >= r->segment_count) {
        tree_refresh(d.tree);
        json_t *o = drive_json(&d);
        page_context(o, r, "drives/$entity");
        reply_json(reply, 200, o);
    } else if (drive_resolve(&d, r->tail, &target)) {
        run_action(&d, &target);
    } else {
        drive_not_found(&d);
    }
    drive_end(&d);
}

void
drive_handle(struct request *r, struct reply *reply)
{
    handle(r, reply, tenant_find_drive(r->sim->tenant, r->arguments[0]));
}

void
drive_handle_user(struct request *r, struct reply *reply)
{
    handle(r, reply, tenant_find(r->sim->tenant, false, r->arguments[0]));
}

void
drive_handle_site(struct request *r, struct reply *reply)
{
    handle(r, reply, tenant_find(r->sim->tenant, true, r->arguments[0]));
}

static void
list_drives(struct request *r, struct reply *reply, struct account *account)
{
    struct drive d;
    json_t *values = json_array();
    if (account == NULL) {
        reply_error(reply, 404, "Request_ResourceNotFound", "Resource does not exist.", NULL);
        json_decref(values);
        return;
    }
    if (drive_begin(&d, account, r, reply)) {
        json_array_append_new(values, drive_json(&d));
        drive_end(&d);
    }
    reply_json(reply, 200, page_new(r, values, "drives"));
}

void
drive_handle_user_list(struct request *r, struct reply *reply)
{
    list_drives(r, reply, tenant_find(r->sim->tenant, false, r->arguments[0]));
}

void
drive_handle_site_list(struct request *r, struct reply *reply)
{
    list_drives(r, reply, tenant_find(r->sim->tenant, true, r->arguments[0]));
}
