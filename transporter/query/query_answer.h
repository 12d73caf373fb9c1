#ifndef LONGHAUL_TRANSPORTER_QUERY_QUERY_ANSWER_H
#define LONGHAUL_TRANSPORTER_QUERY_QUERY_ANSWER_H

/* The answers as JSON; see README.md. */

#include "transporter/query/query_request.h"

#include <jansson.h>

struct remote_vault;
struct vault;

/* Looks into the vault on the calling thread. NULL on failure; free with json_decref(). Not for QUERY_REPORT. */
json_t *query_answer_vault(const struct query_request *request, struct vault *vault, struct error *err);
/* What the vault's host holds until when. */
json_t *query_answer_locks(const struct query_request *request, struct remote_vault *remote, struct error *err);
/* ERROR_NOT_FOUND when there is no such report here. */
json_t *query_answer_report(const struct query_request *request, const char *state_dir, struct error *err);

/* One item as lists show it; a new reference. Pure. */
json_t *query_answer_item(const struct catalog_item *item);

#endif
