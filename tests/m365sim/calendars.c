#include "tests/m365sim/calendars.h"

#include "common/base/memory.h"
#include "tests/m365sim/page.h"
#include "tests/m365sim/reply.h"
#include "tests/m365sim/request.h"
#include "tests/m365sim/tenant.h"
#include "tests/m365sim/tree.h"

#include <string.h>

#define SETTABLE "name color isDefaultCalendar"
#define IGNORED                                                                                                        \
    "id changeKey owner canEdit canShare canViewPrivateItems hexColor "                                                \
    "isRemovable isTallyingResponses"

static json_t *
calendar_json(struct mailbox *m, uint32_t index)
{
    const struct tree_node *n = tree_at(m->tree, index);
    char id[MAILBOX_ID_LEN];
    bool first = index == box_default(m->tree);
    json_t *document = box_document(m->tree, index), *o = json_object(), *color = json_object_get(document, "color");
    mailbox_folder_id(m->tree, n->key, id);
    box_put_etag(o, n, true);
    json_object_del(o, "@odata.etag");
    json_t *rest =
        json_pack("{s:s,s:s,s:O?,s:s,s:b,s:b,s:b,s:b,s:[s],s:s,s:b,s:b,s:{s:s,s:s}}", "id", id, "name",
                  tree_name(m->tree, n), "color", color, "hexColor", "", "isDefaultCalendar", first, "canShare", 1,
                  "canViewPrivateItems", 1, "canEdit", 1, "allowedOnlineMeetingProviders", "teamsForBusiness",
                  "defaultOnlineMeetingProvider", "teamsForBusiness", "isTallyingResponses", first, "isRemovable",
                  !first, "owner", "name", m->account->display, "address", m->account->name);
    json_object_update(o, rest);
    if (color == NULL)
        json_object_set_new(o, "color", json_string("auto"));
    json_decref(rest);
    json_decref(document);
    return o;
}

static const struct box_view view = { .context = "calendars", .row = calendar_json, .folders = true, .page = 10 };

void
calendars_list(struct request *r, struct reply *reply)
{
    struct mailbox m;
    if (box_begin(&m, r, reply, BOX_CALENDARS))
        box_list(&m, TREE_ROOT, &view);
    mailbox_end(&m);
}

void
calendars_get(struct request *r, struct reply *reply)
{
    struct mailbox m;
    if (!box_begin(&m, r, reply, BOX_CALENDARS))
        return;
    uint32_t index = box_folder(&m, r->arguments[1], CALENDAR_ALIAS);
    if (index != TREE_NONE)
        box_reply(&m, index, &view, 200);
    mailbox_end(&m);
}

/* Color and name out of the body; the name is the folder's. */
static bool
take(struct mailbox *m, uint32_t index, const json_t *given)
{
    json_t *document = box_document(m->tree, index);
    if (json_object_get(given, "color") != NULL)
        json_object_set(document, "color", json_object_get(given, "color"));
    bool done = box_store(m, index, document);
    json_decref(document);
    return done;
}

static void
create_or_update(struct request *r, struct reply *reply, bool create)
{
    struct mailbox m = { 0 };
    json_t *given = box_body(r, reply), *document = json_object();
    const char *name = json_string_value(json_object_get(given, "name"));
    CLEANUP(memory_free_p)
    char *problem = box_take(document, given, "calendar", SETTABLE, IGNORED);
    if (given != NULL && (problem != NULL || (create && (name == NULL || name[0] == '\0' || strlen(name) > 1024)))) {
        box_bad_request(reply, problem != NULL ? problem : "The property 'name' is required.");
    } else if (given != NULL && box_begin(&m, r, reply, BOX_CALENDARS)) {
        uint32_t index = create ? TREE_NONE : box_folder(&m, r->arguments[1], CALENDAR_ALIAS);
        if ((create || index != TREE_NONE) && (name == NULL || box_name_free(&m, TREE_ROOT, name, index))) {
            if (create)
                index = tree_add(m.tree, TREE_ROOT, TREE_FOLDER, name, TREE_MOVED);
            else if (name != NULL)
                tree_move(m.tree, index, TREE_ROOT, name, 0);
            if (take(&m, index, given))
                box_reply(&m, index, &view, create ? 201 : 200);
        }
    }
    mailbox_end(&m);
    json_decref(document);
    json_decref(given);
}

void
calendars_create(struct request *r, struct reply *reply)
{
    create_or_update(r, reply, true);
}

void
calendars_update(struct request *r, struct reply *reply)
{
    create_or_update(r, reply, false);
}

void
calendars_delete(struct request *r, struct reply *reply)
{
    struct mailbox m;
    if (!box_begin(&m, r, reply, BOX_CALENDARS))
        return;
    uint32_t index = box_folder(&m, r->arguments[1], CALENDAR_ALIAS);
    if (index != TREE_NONE && index == box_default(m.tree)) {
        reply_error(reply, 403, "ErrorDeleteDistinguishedFolder", "Distinguished folders cannot be deleted.", NULL);
    } else if (index != TREE_NONE) {
        tree_delete(m.tree, index);
        reply_empty(reply, 204);
    }
    mailbox_end(&m);
}
