#include "common/vault/vault_reader_internal.h"

#include "common/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct reader_group **
bucket_of(struct vault_reader *reader, const char *pack, uint32_t group)
{
    /* Pack names are random hex digits. */
    unsigned h = group;
    for (int i = 0; i < 8; i++)
        h = h * 31 + (unsigned char)pack[i];
    return &reader->buckets[h % READER_BUCKETS];
}

struct reader_group *
vault_reader_cache_find(struct vault_reader *reader, const char *pack, uint32_t group)
{
    for (struct reader_group *g = *bucket_of(reader, pack, group); g != NULL; g = g->next) {
        if (g->group == group && strcmp(g->pack, pack) == 0) {
            g->used = ++reader->tick;
            return g;
        }
    }
    return NULL;
}

static void
drop_oldest(struct vault_reader *reader)
{
    struct reader_group **oldest = NULL;
    for (int i = 0; i < READER_BUCKETS; i++) {
        for (struct reader_group **at = &reader->buckets[i]; *at != NULL; at = &(*at)->next) {
            if (oldest == NULL || (*at)->used < (*oldest)->used)
                oldest = at;
        }
    }
    if (oldest == NULL)
        return;
    struct reader_group *gone = *oldest;
    *oldest = gone->next;
    reader->cached -= gone->raw;
    if (gone->capacity > reader->spare_capacity) {
        free(reader->spare);
        reader->spare = gone->data;
        reader->spare_capacity = gone->capacity;
    } else {
        free(gone->data);
    }
    free(gone);
}

uint8_t *
vault_reader_cache_room(struct vault_reader *reader, size_t raw, size_t *capacity)
{
    while (reader->cached > 0 && reader->cached + raw > reader->cache_bytes)
        drop_oldest(reader);
    if (reader->spare_capacity >= raw) {
        *capacity = reader->spare_capacity;
        reader->spare_capacity = 0;
        return MOVE(reader->spare);
    }
    *capacity = raw;
    return malloc(raw);
}

void
vault_reader_cache_add(struct vault_reader *reader, const struct chunk_place *place, uint8_t *data, size_t capacity)
{
    struct reader_group *group = MEMORY_NEW(struct reader_group);
    snprintf(group->pack, sizeof(group->pack), "%s", place->pack);
    group->group = place->group;
    group->raw = place->group_raw;
    group->data = data;
    group->capacity = capacity;
    group->used = ++reader->tick;
    struct reader_group **bucket = bucket_of(reader, place->pack, place->group);
    group->next = *bucket;
    *bucket = group;
    reader->cached += group->raw;
}

void
vault_reader_cache_clear(struct vault_reader *reader)
{
    while (reader->cached > 0)
        drop_oldest(reader);
}
