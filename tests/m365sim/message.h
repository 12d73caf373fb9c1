#ifndef LONGHAUL_TESTS_M365SIM_MESSAGE_H
#define LONGHAUL_TESTS_M365SIM_MESSAGE_H

/* One message: from the node of its mailbox to its JSON and its MIME. */

#include "tests/m365sim/mailbox.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct select;

/* Copied under the tree's lock, used without it. */
struct message {
    const struct tree *tree;
    uint64_t key, parent_key;
    uint64_t size;
    int64_t mtime_ns;
    uint32_t version;
    unsigned flags;
    char *eml;      /* path of the MIME; NULL when the document is the message */
    char *document; /* path of the JSON document; NULL when there is none */
};

struct message_form {
    const struct select *select;
    const char *expand; /* $expand, may be NULL */
    bool immutable;
    bool text_body; /* Prefer: outlook.body-content-type="text" */
};

/* The tree is locked. */
void message_take(struct message *m, struct tree *tree, uint32_t index);
void message_clear(struct message *m);

/* NULL when the bytes are gone. */
json_t *message_json(const struct message *m, const struct message_form *form);
void message_form_init(struct message_form *form, const struct request *r, const struct select *select);

/* The document, or an empty object. */
json_t *message_document(const struct message *m);
/* An open file with the MIME, made up when the message came as JSON; -1 when the bytes are gone. */
int message_open_mime(const struct message *m, const char *temporary, uint64_t *size, struct error *err);
/* When it was received and sent (milliseconds); from headers, document or file time. */
void message_dates(const struct message *m, int64_t *received, int64_t *sent);

/* The values of the extended properties that an $expand names. */
json_t *message_extended(const struct message *m, const json_t *document, const char *expand, int64_t received,
                         int64_t sent);

#endif
