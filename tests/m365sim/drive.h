#ifndef LONGHAUL_TESTS_M365SIM_DRIVE_H
#define LONGHAUL_TESTS_M365SIM_DRIVE_H

/* The drives of users and sites. */

#include "tests/m365sim/tenant.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reply;
struct request;
struct select;
struct tree;

#define DRIVE_ITEM_ID_LEN 40

/* Routes: arguments[0] is a drive id, a user or a site; the tail is what follows "drive". */
void drive_handle(struct request *r, struct reply *reply);
void drive_handle_user(struct request *r, struct reply *reply);
void drive_handle_site(struct request *r, struct reply *reply);
void drive_handle_user_list(struct request *r, struct reply *reply);
void drive_handle_site_list(struct request *r, struct reply *reply);
/* The pre-authenticated host: arguments[0] is the drive id. */
void drive_handle_download(struct request *r, struct reply *reply);

struct drive {
    struct request *request;
    struct reply *reply;
    struct account *account;
    struct tree *tree; /* locked between drive_begin() and drive_end() */
};

/* What the path after the drive says: an item, perhaps a name below it that need not exist, and an action. */
struct drive_target {
    uint32_t item;   /* TREE_NONE: the last name does not exist */
    uint32_t parent; /* set with name: path addressing */
    const char *name;
    const char *action; /* "children", "content", ...; NULL: the item itself */
};

/* Copied under the lock, used without it. */
struct drive_entry {
    uint64_t key, parent_key;
    uint64_t size;
    int64_t mtime_ns;
    uint32_t version, content;
    unsigned flags;
    bool root, folder, top; /* top: the parent is the root */
    json_int_t child_count;
    char *name, *path;
    char *document; /* path of the item's document in the state folder, NULL: none */
    char *web_path; /* names from the root, joined by '/' */
};

bool drive_begin(struct drive *d, struct account *account, struct request *r, struct reply *reply);
void drive_end(struct drive *d);
bool drive_resolve(struct drive *d, size_t tail, struct drive_target *target);
void drive_not_found(struct drive *d);

void drive_entry_take(struct drive_entry *e, struct tree *tree, uint32_t index);
void drive_entry_clear(struct drive_entry *e);
/* delta: no parentReference.path. */
json_t *drive_entry_json(const struct drive *d, const struct drive_entry *e, const struct select *select, bool delta);
/* Ends the drive and answers with the item. */
void drive_reply_item(struct drive *d, uint32_t index, unsigned status);
void drive_item_id(const struct tree *tree, uint64_t key, char out[DRIVE_ITEM_ID_LEN]);
uint32_t drive_find_item(struct drive *d, const char *id);
/* A URL that needs no token for so many seconds; the caller frees it. */
char *drive_download_url(const struct drive *d, uint64_t key, unsigned seconds);

/* Actions; the drive is locked when they are called, and ended by the caller. */
void drive_delta(struct drive *d);
void drive_children(struct drive *d, const struct drive_target *t);
void drive_content_get(struct drive *d, const struct drive_target *t);
void drive_content_put(struct drive *d, const struct drive_target *t);
void drive_create_folder(struct drive *d, const struct drive_target *t);
void drive_update(struct drive *d, const struct drive_target *t);
void drive_delete(struct drive *d, const struct drive_target *t);
void drive_create_session(struct drive *d, const struct drive_target *t);

/* What an upload ends with: file (taken, in the folder of the item) becomes `name` in the folder with that key.
 * item (may be NULL) holds conflictBehavior and fileSystemInfo. */
struct drive_commit {
    struct account *account;
    uint64_t parent_key;
    const char *name;
    const char *file;
    const json_t *item;
};
void drive_commit(struct request *r, struct reply *reply, const struct drive_commit *c);

/* NULL, or why OneDrive refuses the name. */
const char *drive_name_problem(const char *name);

#endif
