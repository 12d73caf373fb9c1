#ifndef LONGHAUL_TESTS_M365SIM_MAILBOX_H
#define LONGHAUL_TESTS_M365SIM_MAILBOX_H

/* What every mail handler shares: the mailbox of a request, its well-known folders, ids. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct account;
struct reply;
struct request;
struct tree;
struct tree_node;

#define MAILBOX_ID_LEN 64

/* Marks or makes the well-known folders of a mailbox just opened. */
void mailbox_prepare(struct tree *tree);

struct mailbox {
    struct request *request;
    struct reply *reply;
    struct account *account;
    struct tree *tree; /* locked between mailbox_begin() and mailbox_end() */
};

/* The mailbox of arguments[0]. false: the reply holds the error. */
bool mailbox_begin(struct mailbox *m, struct request *r, struct reply *reply);
void mailbox_end(struct mailbox *m);

/* A folder by id or well-known name; TREE_NONE and the 404 in reply when there is none. */
uint32_t mailbox_folder(struct mailbox *m, const char *id);
/* A message by either kind of id. folder (TREE_NONE: any) must hold it. */
uint32_t mailbox_message(struct mailbox *m, const char *id, uint32_t folder);
/* Whether clients see the folder in listings of the tree. */
bool mailbox_is_listed(const struct tree_node *node);
uint32_t mailbox_well_known(struct tree *tree, const char *name);

void mailbox_folder_id(const struct tree *tree, uint64_t key, char out[MAILBOX_ID_LEN]);
void mailbox_message_id(const struct tree *tree, uint64_t key, uint64_t parent_key, bool immutable,
                        char out[MAILBOX_ID_LEN]);
bool mailbox_wants_immutable(const struct request *r);

#endif
