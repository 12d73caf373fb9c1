#ifndef LONGHAUL_TRANSPORTER_STORAGE_STORAGE_INTERNAL_H
#define LONGHAUL_TRANSPORTER_STORAGE_STORAGE_INTERNAL_H

#include "transporter/storage/storage.h"

#include <jansson.h>

/* location is the whole JSON object; borrowed. */
struct storage *storage_local_open(const json_t *location, const struct clock *clock, bool create, struct error *err);

#endif
