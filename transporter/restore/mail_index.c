#include "transporter/restore/mail_index.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/graph/graph_json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_CEILING ((size_t)256 << 20)

/* Open addressing; 0 is an empty slot. */
struct mail_index {
    uint64_t *slots;
    size_t capacity, used;
};

struct mail_index *
mail_index_new(void)
{
    return MEMORY_NEW(struct mail_index);
}

void
mail_index_free(struct mail_index *index)
{
    if (index == NULL)
        return;
    free(index->slots);
    free(index);
}

static uint64_t
mix(uint64_t hash, const void *data, size_t len)
{
    for (const uint8_t *p = data; len > 0; p++, len--)
        hash = (hash ^ *p) * 0x100000001b3u;
    return hash;
}

static uint64_t
key_of(const json_t *message, const char *name)
{
    int64_t sent = graph_json_time(message, "sentDateTime") / 1000;
    const char *text = graph_json_text(message, name);
    uint64_t hash = mix(0xcbf29ce484222325u, name, strlen(name) + 1);

    hash = mix(hash, text, strlen(text));

    hash = mix(hash, &sent, sizeof(sent));
    return hash != 0 ? hash : 1;
}

static void
put(struct mail_index *index, uint64_t key)
{
    size_t at = (size_t)key & (index->capacity - 1);

    while (index->slots[at] != 0 && index->slots[at] != key)
        at = (at + 1) & (index->capacity - 1);
    index->used += index->slots[at] == 0;
    index->slots[at] = key;
}

static int
add_key(struct mail_index *index, uint64_t key, struct error *err)
{
    if (index->used * 4 >= index->capacity * 3) {
        uint64_t *old = index->slots;
        size_t count = index->capacity, capacity = count == 0 ? 64 : count * 2;
        uint64_t *slots = memory_array(capacity, sizeof(*slots), TABLE_CEILING, err);
        if (slots == NULL)
            return -1;
        index->slots = slots;
        index->capacity = capacity;
        index->used = 0;
        for (size_t i = 0; i < count; i++)
            if (old[i] != 0)
                put(index, old[i]);
        free(old);
    }
    put(index, key);
    return 0;
}

/* By subject too: the service gives a Message-ID to a message that came without one. */
int
mail_index_add(struct mail_index *index, const json_t *message, struct error *err)
{
    if (graph_json_text(message, "internetMessageId")[0] != '\0' &&
        add_key(index, key_of(message, "internetMessageId"), err) != 0)
        return -1;
    return add_key(index, key_of(message, "subject"), err);
}

bool
mail_index_has(const struct mail_index *index, const json_t *message)
{
    bool named = graph_json_text(message, "internetMessageId")[0] != '\0';
    uint64_t key = key_of(message, named ? "internetMessageId" : "subject");

    if (index->used == 0)
        return false;
    for (size_t at = (size_t)key & (index->capacity - 1); index->slots[at] != 0; at = (at + 1) & (index->capacity - 1))
        if (index->slots[at] == key)
            return true;
    return false;
}
