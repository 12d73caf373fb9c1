#ifndef LONGHAUL_TRANSPORTER_SOURCE_DISCOVERY_H
#define LONGHAUL_TRANSPORTER_SOURCE_DISCOVERY_H

/* What a tenant has: for each user the mailbox and the drive, or why there is none. */

#include <stdatomic.h>
#include <stdbool.h>

struct error;
struct graph_client;

enum discovery_kind { DISCOVERY_MAILBOX, DISCOVERY_DRIVE };

struct discovery_object {
    enum discovery_kind kind;
    const char *external_id; /* id of the user */
    const char *name;        /* user principal name */
    const char *display_name;
    bool usable;
    /* Why not: "no_mailbox", "not_provisioned", "denied", "locked", "user_not_found", "unclear"; "" when usable */
    const char *reason;
};

/* Borrowed for the call. 0, or -1 with err: discovery ends with it. */
typedef int discovery_found_fn(void *ctx, const struct discovery_object *object, struct error *err);

/* Probes in batches of 20. Guests are left out. One thread calls found, in no stated order. */
int discovery_run(struct graph_client *graph, discovery_found_fn *found, void *ctx, const atomic_bool *cancel,
                  struct error *err);

#endif
