#include "transporter/restore/used_names.h"

#include "common/base/memory.h"
#include "common/crypto/digest.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 8192

struct used_names {
    uint64_t *slots; /* 0: free */
    size_t capacity; /* a power of two */
    size_t count;
};

struct used_names *
used_names_new(void)
{
    struct used_names *names = MEMORY_NEW(struct used_names);
    names->capacity = 1024;
    names->slots = memory_new(names->capacity * sizeof(*names->slots));
    return names;
}

void
used_names_free(struct used_names *names)
{
    if (names == NULL)
        return;
    free(names->slots);
    free(names);
}

static uint64_t
hash_name(const char *name)
{
    uint8_t small[NAME_MAX_BYTES], digest[DIGEST_LEN];
    uint64_t hash;
    size_t len = strnlen(name, sizeof(small));
    for (size_t i = 0; i < len; i++)
        small[i] = (uint8_t)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] | 0x20 : name[i]);
    digest_sha256(small, len, digest);
    memcpy(&hash, digest, sizeof(hash));
    return hash != 0 ? hash : 1;
}

static bool
insert(struct used_names *names, uint64_t hash)
{
    size_t at = hash & (names->capacity - 1);
    while (names->slots[at] != 0) {
        if (names->slots[at] == hash)
            return false;
        at = (at + 1) & (names->capacity - 1);
    }
    names->slots[at] = hash;
    return true;
}

static void
grow(struct used_names *names)
{
    uint64_t *old = names->slots;
    size_t before = names->capacity;
    names->capacity *= 2;
    names->slots = memory_new(names->capacity * sizeof(*names->slots));
    for (size_t i = 0; i < before; i++)
        if (old[i] != 0)
            (void)insert(names, old[i]);
    free(old);
}

bool
used_names_add(struct used_names *names, const char *name)
{
    if (names->count * 2 >= names->capacity)
        grow(names);
    if (!insert(names, hash_name(name)))
        return false;
    names->count++;
    return true;
}
