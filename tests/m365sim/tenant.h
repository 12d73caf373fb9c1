#ifndef LONGHAUL_TESTS_M365SIM_TENANT_H
#define LONGHAUL_TESTS_M365SIM_TENANT_H

/* Who and what the tenant folder holds: users (users/<upn>) and sites (sites/<name>), each with its trees,
 * opened when first asked for. Any thread; accounts live as long as the tenant. */

#include "tests/m365sim/box.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clock;
struct error;
struct tenant;
struct tree;

#define TENANT_ID_LEN       40
#define TENANT_DRIVE_ID_LEN 72

struct account {
    char *name;    /* principal name of a user, folder name of a site */
    char *display; /* "Ada Abe" */
    char *folder;
    bool site;
    char id[TENANT_ID_LEN];             /* a GUID */
    char web_id[TENANT_ID_LEN];         /* another one, for sites */
    char drive_id[TENANT_DRIVE_ID_LEN]; /* "b!..." */
    bool gone;                          /* its folder went away */
    uint64_t change;                    /* number of the last change among users */
};

/* state: folder for trees; tenant.tsv, when there, gives the flags of messages. */
struct tenant *tenant_open(const char *folder, const char *state, const struct clock *clock, struct error *err);
void tenant_free(struct tenant *tenant);

/* Looks at users/ and sites/ again. */
void tenant_refresh(struct tenant *tenant);
/* By position, users and sites apart; NULL behind the end. Gone ones are included. */
struct account *tenant_at(struct tenant *tenant, bool sites, size_t position);
/* By id or (without case) by name; refreshes when it is unknown. NULL when there is none. */
struct account *tenant_find(struct tenant *tenant, bool site, const char *key);
struct account *tenant_find_drive(struct tenant *tenant, const char *drive_id);
uint64_t tenant_last_change(struct tenant *tenant);

/* NULL and ERROR_NOT_FOUND when the account has no such folder. */
struct tree *tenant_mail(struct tenant *tenant, struct account *account, struct error *err);
struct tree *tenant_drive(struct tenant *tenant, struct account *account, struct error *err);
/* A mailbox without the part's folder has an empty one; ERROR_NOT_FOUND when there is no mailbox either. */
struct box *tenant_box(struct tenant *tenant, struct account *account, enum box_part part, struct error *err);

#endif
