#ifndef LONGHAUL_TESTS_M365SIM_ATTACHMENT_H
#define LONGHAUL_TESTS_M365SIM_ATTACHMENT_H

/* Attachments of a message: parts of its MIME, and those added through the API (files "a<N>" beside the
 * document, described in its "_attachments"). */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct account;
struct error;
struct message;
struct request;
struct reply;

/* As Graph lists them; bytes: with contentBytes where they are small. */
json_t *attachment_list(const struct message *m, const json_t *document, bool bytes);
/* Whether any of the document's attachments is not inline. */
bool attachment_any_visible(const json_t *document);

/* Handlers. */
void attachment_handle_list(struct request *r, struct reply *reply);
void attachment_handle_get(struct request *r, struct reply *reply);
void attachment_handle_value(struct request *r, struct reply *reply);
void attachment_handle_create(struct request *r, struct reply *reply);
void attachment_handle_session(struct request *r, struct reply *reply);
void attachment_handle_delete(struct request *r, struct reply *reply);

/* The end of an upload session: file (taken) becomes the attachment. */
void attachment_commit(struct request *r, struct reply *reply, struct account *account, uint64_t key,
                       const json_t *item, const char *file, uint64_t size);

#endif
