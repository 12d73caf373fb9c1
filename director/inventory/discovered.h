#ifndef LONGHAUL_DIRECTOR_INVENTORY_DISCOVERED_H
#define LONGHAUL_DIRECTOR_INVENTORY_DISCOVERED_H

/* What a transporter has discovered goes into the inventory. */

#include "director/store/store_objects.h"

#define DISCOVERED_MAX 500 /* objects in one message */

/* Adds or updates each, as the tenant's, in one transaction. Those with a name or id that cannot be kept are counted in
 * *refused and left out. */
int discovered_put(struct store *store, const char *tenant, struct store_object *objects, size_t count,
                   unsigned *refused, struct error *err);

#endif
