#ifndef LONGHAUL_DIRECTOR_STORE_STORE_EVENTS_H
#define LONGHAUL_DIRECTOR_STORE_STORE_EVENTS_H

/* What happened: an append-only log. The database refuses to change or delete an entry. */

#include "director/store/store.h"

struct store_event {
    int64_t seq; /* rises by the order of events */
    int64_t time_ms;
    char tenant[IDENTIFIER_LEN]; /* empty: about the installation */
    char actor[STORE_NAME_LEN];  /* name of an API token, a node id, or "director" */
    char type[64];               /* "run.started", "transporter.revoked", ... */
    char subject[IDENTIFIER_LEN];
    char text[STORE_TEXT_LEN];
};

/* NULL ids count as empty; the text is cut to what fits. */
int store_events_add(struct store *store, const char *tenant, const char *actor, const char *type, const char *subject,
                     struct error *err, const char *fmt, ...) __attribute__((format(printf, 7, 8)));
/* After this seq, oldest first; tenant NULL: all. limit as in store_page. */
int store_events_list(struct store *store, const char *tenant, int64_t after_seq, unsigned limit,
                      int (*each)(void *ctx, const struct store_event *event, struct error *err), void *ctx,
                      struct error *err);
/* Before this seq (0: from the end), newest first. */
int store_events_list_newest(struct store *store, const char *tenant, int64_t before_seq, unsigned limit,
                             int (*each)(void *ctx, const struct store_event *event, struct error *err), void *ctx,
                             struct error *err);

#endif
