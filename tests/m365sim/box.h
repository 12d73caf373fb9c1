#ifndef LONGHAUL_TESTS_M365SIM_BOX_H
#define LONGHAUL_TESTS_M365SIM_BOX_H

/* The contacts, calendars or tasks of a user. The files of the tenant folder are read into JSON documents of
 * entities, one or more per file; these documents are what the API shows and changes. They live in the state
 * folder, in a tree of their own whose folders are contact folders, calendars or task lists. A file that changes
 * on disk brings its entities up to date; what the API changed stays until then. */

#include "tests/m365sim/mailbox.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct box;
struct clock;
struct error;
struct reply;
struct request;
struct tree;
struct watcher;

enum box_part { BOX_CONTACTS, BOX_CALENDARS, BOX_TASKS };

#define BOX_PART_COUNT 3

/* The folder of the part in an account's folder: "contacts", "calendars", "todo". */
const char *box_folder_name(enum box_part part);

struct box_setup {
    enum box_part part;
    const char *root;  /* on disk; may be missing */
    const char *state; /* made when absent */
    const char *name;  /* goes into ids */
    struct watcher *watcher;
};

struct box *box_open(const struct box_setup *setup, const struct clock *clock, struct error *err);
void box_free(struct box *box);
/* The tree of entities; lock it around everything else. */
struct tree *box_tree(struct box *box);
/* Takes up what changed on disk since. Locked. */
void box_refresh(struct box *box);

/* The mailbox of arguments[0] with the tree of a part, up to date and locked until mailbox_end(). */
bool box_begin(struct mailbox *m, struct request *r, struct reply *reply, enum box_part part);
/* The folder that is there from the start. */
uint32_t box_default(struct tree *tree);
/* A folder by id; NULL or alias (without case) is the default one. TREE_NONE and the 404 when there is none. */
uint32_t box_folder(struct mailbox *m, const char *id, const char *alias);

/* Documents hold an entity's properties and private ones whose names begin with '_'. */
json_t *box_document(struct tree *tree, uint32_t index);
int box_write(struct tree *tree, uint32_t index, const json_t *document, struct error *err);
/* Writes, notes the time and the change; the 500 in reply and false when that fails. */
bool box_store(struct mailbox *m, uint32_t index, json_t *document);
/* Adds an item with the document (dated now); TREE_NONE and the 500 when that fails. */
uint32_t box_add(struct mailbox *m, uint32_t folder, json_t *document);
/* id, etag, changeKey, dates and the public properties. */
json_t *box_entity(struct mailbox *m, uint32_t index, const json_t *document);
void box_item_id(struct mailbox *m, uint32_t index, char out[MAILBOX_ID_LEN]);
void box_put_etag(json_t *o, const struct tree_node *n, bool change_key);
/* Properties that are not there get their default; `defaults` is an object. Takes defaults. */
void box_fill(json_t *o, json_t *defaults);

/* Copies what a client may set; anything else is told by a text for a 400, which the caller frees. Names in
 * `ignored` and annotations are passed over. Both lists are separated by blanks. */
char *box_take(json_t *document, const json_t *given, const char *type, const char *settable, const char *ignored);
/* The body as an object; the 400 in reply and NULL when it is none. The caller releases it. */
json_t *box_body(struct request *r, struct reply *reply);
void box_bad_request(struct reply *reply, const char *text);

/* What a collection consists of. */
struct box_view {
    const char *context; /* behind "users('id')/" */
    const char *type;    /* "#microsoft.graph.contact", put into delta rows; NULL: none */
    /* The entity as this collection shows it, unselected; NULL leaves it out. */
    json_t *(*row)(struct mailbox *m, uint32_t index);
    bool folders; /* of folders below `folder` (TREE_NONE: any), not of items */
    unsigned page;
};

/* A list with $filter, $top, $skip, $select. */
void box_list(struct mailbox *m, uint32_t folder, const struct box_view *view);
/* A delta round; path without query is where links point. */
void box_delta(struct mailbox *m, uint32_t folder, const struct box_view *view, const char *path);
/* The single entity under $select. */
void box_reply(struct mailbox *m, uint32_t index, const struct box_view *view, unsigned status);

/* Whether a sibling folder has the name already: 409. */
bool box_name_free(struct mailbox *m, uint32_t parent, const char *name, uint32_t own);

#endif
