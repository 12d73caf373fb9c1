#ifndef LONGHAUL_TRANSPORTER_PIPELINE_KNOWN_ITEMS_H
#define LONGHAUL_TRANSPORTER_PIPELINE_KNOWN_ITEMS_H

/* What is known of each item while everything is listed anew: what the last recovery point has of it, and when this
 * round named it. A hash table in a file without a name, of which only little is resident at a time, so that
 * memory does not grow with the mailbox or drive: 64 bytes of disk for each item, up to three times that. One thread.
 */

#include "common/vault/catalog.h"

struct error;
struct known_items;

struct known_item {
    bool has_record; /* tag_hash, content and gap are from the last point */
    bool gap;        /* the last point has no content of it */
    uint64_t tag;    /* known_items_tag() of its version */
    uint64_t named;  /* sequence of the newest event that named it in this round; 0: none */
    struct content_ref content;
};

#define KNOWN_ITEMS_MAX ((uint64_t)1 << 31)

/* The file is made in `folder`. */
struct known_items *known_items_new(const char *folder, struct error *err);
void known_items_free(struct known_items *items);
void known_items_free_p(struct known_items **items);

/* Adds or replaces. */
int known_items_put(struct known_items *items, struct catalog_key key, const struct known_item *item,
                    struct error *err);
/* false when there is none. */
bool known_items_get(struct known_items *items, struct catalog_key key, struct known_item *item);
/* This round's event number `sequence` names it; adds it when it is new. */
int known_items_name(struct known_items *items, struct catalog_key key, uint64_t sequence, struct error *err);
uint64_t known_items_count(const struct known_items *items);

/* Of a change tag. Two tags with one hash would hide a change: 64 bits make that a matter of 1 in 10^19. */
uint64_t known_items_tag(const char *tag);

#endif
