#ifndef LONGHAUL_TESTS_M365SIM_SELECT_H
#define LONGHAUL_TESTS_M365SIM_SELECT_H

/* $select: which properties of an entity are wanted. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define SELECT_LIMIT 60

struct select {
    char *text; /* cut into the names */
    const char *names[SELECT_LIMIT];
    size_t count; /* 0: everything that comes by default */
};

/* list may be NULL. */
void select_init(struct select *s, const char *list);
void select_clear(struct select *s);
bool select_wants(const struct select *s, const char *name);
/* Only when named: for what does not come by default. */
bool select_names(const struct select *s, const char *name);
/* Drops what is not wanted; id and annotations stay. */
void select_apply(const struct select *s, json_t *entity);

#endif
