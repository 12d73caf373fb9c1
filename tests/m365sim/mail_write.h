#ifndef LONGHAUL_TESTS_M365SIM_MAIL_WRITE_H
#define LONGHAUL_TESTS_M365SIM_MAIL_WRITE_H

/* What the writing handlers of mail share. The tree is locked for all of these. */

#include <jansson.h>
#include <stdint.h>

struct error;
struct mailbox;
struct tree;

/* Writes the document of a message and marks the node as having one. */
int mail_write_document(struct tree *tree, uint32_t index, const json_t *document, struct error *err);
/* From now on the disk does not decide about the node and what is below it: links to the files are put into the
 * state folder. */
void mail_detach(struct tree *tree, uint32_t index);
/* Detaches and moves. */
void mail_move(struct tree *tree, uint32_t index, uint32_t folder);

/* Takes the properties a client may set from `given` into document; the flags of read state and draft are
 * returned in *flags (tree_flag bits, initialised by the caller). A text for a 400 or NULL; *code is its code. */
const char *mail_take_properties(json_t *document, const json_t *given, unsigned *flags, const char **code);
/* The same for what only a creation may set: dates and the draft bit by extended properties, headers. */
const char *mail_take_creation(json_t *document, const json_t *given, unsigned *flags, const char **code);

#endif
