#ifndef LONGHAUL_DIRECTOR_API_API_JSON_H
#define LONGHAUL_DIRECTOR_API_API_JSON_H

/* Pieces of replies, and who may see what. */

#include "director/api/api_call.h"

#include <stdbool.h>

/* New references. */
json_t *api_json_time(int64_t wall_ms);               /* "2026-09-14T07:58:10.000Z"; null for 0 */
json_t *api_json_text(const char *text);              /* null for "" */
json_t *api_json_bytes(const void *data, size_t len); /* base64 */
json_t *api_json_hex(const void *data, size_t len);
json_t *api_json_labels(const struct store_labels *labels);
/* {"error_kind","error_text"} become {"kind","message"}; null for "". */
json_t *api_json_error(const char *kind, const char *text);

/* {"id","name"} of what an id stands for; null for "". Something that is gone has only an id. */
json_t *api_json_tenant(const struct api_call *call, const char *id);
json_t *api_json_vault(const struct api_call *call, const char *id);
json_t *api_json_repository(const struct api_call *call, const char *id);
json_t *api_json_transporter(const struct api_call *call, const char *id);
json_t *api_json_job(const struct api_call *call, const char *id);
json_t *api_json_object(const struct api_call *call, const char *id);

/* A list in pages: ?after=ID&limit=N (1 to STORE_PAGE_MAX, 100 by default) and {"items":[...],"next":ID or null}. */
struct api_page {
    struct api_call *call;
    struct store_page page;
    char last[IDENTIFIER_LEN];
    json_t *items;
};
int api_json_page_begin(struct api_call *call, struct api_page *page, struct error *err);
/* Takes the reference; id is where the next page would go on. Returns 0. */
int api_json_page_add(struct api_page *page, const char *id, json_t *item);
/* result is what the store's list function said; the reply is made when it is 0. */
int api_json_page_end(struct api_page *page, int result);

/* The tenant a list is about: ?tenant=ID or NAME, or the one the token is bound to; NULL means all. ERROR_NOT_FOUND
 * when the token may not see it. */
int api_json_tenant_filter(const struct api_call *call, char id[IDENTIFIER_LEN], const char **filter,
                           struct error *err);
/* ERROR_NOT_FOUND, in the words the store uses for a missing `what`, when the token is bound to another tenant. */
int api_json_tenant_check(const struct api_call *call, const char *tenant, const char *what, struct error *err);
/* {"run": id} with status 202. */
int api_json_run_started(struct api_call *call, const char *run_id);

#endif
