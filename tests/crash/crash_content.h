#ifndef LONGHAUL_TESTS_CRASH_CRASH_CONTENT_H
#define LONGHAUL_TESTS_CRASH_CRASH_CONTENT_H

/* Items whose bytes follow from their number and the version of the whole. */

#include "common/vault/catalog.h"

#include <stdbool.h>
#include <stdint.h>

#define CRASH_ITEMS      12
#define CRASH_PACK_BYTES ((size_t)96 << 10)

/* 0: the item is not in this version. */
size_t crash_content_len(unsigned item, unsigned version);
/* *data is allocated, the caller frees it. Returns the length. */
size_t crash_content_make(unsigned item, unsigned version, uint8_t **data);
/* Against the version before. */
bool crash_content_changed(unsigned item, unsigned version);
enum catalog_kind crash_content_kind(unsigned item);

#endif
