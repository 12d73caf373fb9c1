#include "tests/m365sim/box.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/m365sim/box_internal.h"
#include "tests/m365sim/files.h"
#include "tests/m365sim/reply.h"
#include "tests/m365sim/request.h"
#include "tests/m365sim/sim.h"
#include "tests/m365sim/tenant.h"
#include "tests/m365sim/tree.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAP_LIMIT ((size_t)1 << 30)

static const struct {
    const char *folder, *first;
} parts[BOX_PART_COUNT] = {
    [BOX_CONTACTS] = { "contacts", "Contacts" },
    [BOX_CALENDARS] = { "calendars", "Calendar" },
    [BOX_TASKS] = { "todo", "Tasks" },
};

const char *
box_folder_name(enum box_part part)
{
    return parts[part].folder;
}

struct tree *
box_tree(struct box *box)
{
    return box->model;
}

static void
load_map(struct box *box)
{
    size_t len;
    CLEANUP(memory_free_p) char *text = files_read(box->map_path, MAP_LIMIT, &len, NULL);
    box->map = text != NULL ? json_loadb(text, len, 0, NULL) : NULL;
    /* Another incarnation of the disk's journal counts its changes anew. */
    json_int_t of = json_integer_value(json_object_get(box->map, "incarnation"));
    if (box->map != NULL && of == (json_int_t)tree_incarnation(box->disk))
        return;
    json_decref(box->map);
    box->map = json_pack("{s:I,s:I,s:{}}", "incarnation", (json_int_t)tree_incarnation(box->disk), "change",
                         (json_int_t)0, "nodes");
}

static void
ensure_default(struct box *box)
{
    tree_lock(box->model);
    if (box_default(box->model) == TREE_NONE) {
        uint32_t index = tree_add(box->model, TREE_ROOT, TREE_FOLDER, parts[box->part].first, TREE_MOVED);
        tree_at(box->model, index)->well_known = BOX_DEFAULT;
        tree_touch(box->model, index, false);
    }
    tree_unlock(box->model);
}

struct box *
box_open(const struct box_setup *setup, const struct clock *clock, struct error *err)
{
    struct box *box = MEMORY_NEW(struct box);
    CLEANUP(memory_free_p) char *disk = memory_printf("%s/disk", setup->state);
    CLEANUP(memory_free_p) char *model = memory_printf("%s/model", setup->state);
    /* The model has nothing on disk: an empty folder of its own stands for its root. */
    CLEANUP(memory_free_p) char *nothing = memory_printf("%s/nothing", setup->state);
    struct tree_setup below = { .root = setup->root, .state = disk, .name = setup->name, .watcher = setup->watcher };
    struct tree_setup own = {
        .root = nothing, .state = model, .name = setup->name, .list_per_folder = true, .watcher = setup->watcher
    };
    box->part = setup->part;
    box->clock = clock;
    box->map_path = memory_printf("%s/map.json", setup->state);
    if (files_make_folder(nothing, err) == 0 && (box->disk = tree_open(&below, clock, err)) != NULL &&
        (box->model = tree_open(&own, clock, err)) != NULL) {
        load_map(box);
        ensure_default(box);
        return box;
    }
    box_free(box);
    return NULL;
}

void
box_free(struct box *box)
{
    if (box == NULL)
        return;
    tree_free(box->disk);
    tree_free(box->model);
    json_decref(box->map);
    free(box->map_path);
    free(box);
}

bool
box_begin(struct mailbox *m, struct request *r, struct reply *reply, enum box_part part)
{
    struct error err = ERROR_INIT;
    *m = (struct mailbox){ .request = r, .reply = reply };
    m->account = tenant_find(r->sim->tenant, false, r->arguments[0]);
    if (m->account == NULL) {
        reply_error(reply, 404, "ErrorInvalidUser", "The requested user is invalid.", NULL);
        return false;
    }
    struct box *box = tenant_box(r->sim->tenant, m->account, part, &err);
    if (box == NULL) {
        reply_error(reply, 404, "MailboxNotEnabledForRESTAPI",
                    "The mailbox is either inactive, soft-deleted, or is hosted on-premise.", NULL);
        return false;
    }
    m->tree = box->model;
    tree_lock(m->tree);
    box_refresh(box);
    return true;
}

uint32_t
box_default(struct tree *tree)
{
    for (uint32_t c = TREE_NONE; (c = tree_next_child(tree, TREE_ROOT, c)) != TREE_NONE;)
        if (tree_at(tree, c)->well_known == BOX_DEFAULT)
            return c;
    return TREE_NONE;
}

uint32_t
box_folder(struct mailbox *m, const char *id, const char *alias)
{
    if (id == NULL || strcasecmp(id, alias) == 0)
        return box_default(m->tree);
    return mailbox_folder(m, id);
}

bool
box_name_free(struct mailbox *m, uint32_t parent, const char *name, uint32_t own)
{
    uint32_t there = tree_find_child(m->tree, parent, name);
    if (there == TREE_NONE || there == own || tree_at(m->tree, there)->kind != TREE_FOLDER)
        return true;
    reply_error(m->reply, 409, "ErrorFolderExists", "A folder with the specified name already exists.", NULL);
    return false;
}

json_t *
box_body(struct request *r, struct reply *reply)
{
    json_t *given = request_json(r);
    if (given == NULL)
        reply_error(reply, 400, "BadRequest", "Unable to read JSON request payload.", NULL);
    return given;
}

void
box_bad_request(struct reply *reply, const char *text)
{
    reply_error(reply, 400, "RequestBodyRead", text, NULL);
}
