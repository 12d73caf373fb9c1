#ifndef LONGHAUL_COMMON_VAULT_VAULT_READER_PLAN_H
#define LONGHAUL_COMMON_VAULT_VAULT_READER_PLAN_H

/* The order in which a batch is read: by where most of each content lies, so that what is there many times (the file of
 * many mails) is opened once. */

#include "common/vault/vault_reader_internal.h"

/* What is kept of recipes until their messages are read. */
#define READER_RECIPES ((size_t)4 << 20)

struct planned {
    struct vault_read read;
    struct chunk_place place; /* not known: nothing to fetch, or missing */
    struct content_ref main;  /* what most of the content is; while planning */
    struct reader_recipe recipe;
};

/* Sorts. The recipes are the caller's to free. Fails when the backend does; damage shows when the content is read. */
int vault_reader_plan(struct vault_reader *reader, struct planned *planned, size_t count, struct error *err);
/* Fetches from planned[from] on, as much as a part of the cache holds. Returns the first that was left out, or 0 when
 * the backend fails. */
size_t vault_reader_plan_fetch(struct vault_reader *reader, const struct planned *planned, size_t count, size_t from,
                               struct error *err);

#endif
