#ifndef LONGHAUL_DIRECTOR_API_API_LABELS_H
#define LONGHAUL_DIRECTOR_API_API_LABELS_H

/* Labels and selectors between JSON objects {"site":"berlin"} and the store's forms. Pure. */

#include "director/store/store.h"

#include <jansson.h>

struct error;

/* An absent field is no label. ERROR_USAGE. */
int api_labels_read(json_t *object, const char *name, struct store_labels *labels, struct error *err);
/* "site=berlin,tier=gold", sorted by key. ERROR_USAGE. */
int api_labels_read_selector(json_t *object, const char *name, char selector[STORE_SELECTOR_LEN], struct error *err);
/* New reference. */
json_t *api_labels_selector_json(const char *selector);

#endif
