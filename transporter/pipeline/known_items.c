#include "transporter/pipeline/known_items.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/crypto/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SLOTS_FIRST ((uint64_t)1 << 12)
/* After so many look-ups the pages are handed back to the kernel, which keeps them as file cache while it can. */
#define LOOKUPS_RESIDENT 65536

#define SLOT_USED    1u
#define SLOT_RECORD  2u
#define SLOT_GAP     4u
#define SLOT_MESSAGE 8u

struct slot {
    uint8_t key[16]; /* of SHA-256 of the item's key */
    uint64_t tag;
    uint64_t named;
    uint64_t content_len;
    struct chunk_id content_id;
    uint8_t content_form;
    uint8_t flags;
    uint8_t unused[6];
};

struct known_items {
    char *folder;
    int fd;
    struct slot *slots;
    uint64_t slot_count, count;
    unsigned lookups;
};

static int
items_fail(struct error *err, const char *what)
{
    int native = errno;
    return FAIL(err, error_kind_from_errno(native), native, "scratch file in state_dir: %s: %s", what,
                strerror(native));
}

/* A table of so many slots in a new file. */
static int
table_open(const char *folder, uint64_t slot_count, int *fd, struct slot **slots, struct error *err)
{
    size_t size = (size_t)slot_count * sizeof(struct slot);
    *fd = open(folder, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
    if (*fd < 0)
        return items_fail(err, "create");
    /* Reserved now: a full disk must be an error here, not a signal at the first touch of a page. */
    int failed = posix_fallocate(*fd, 0, (off_t)size);
    if (failed != 0) {
        close(*fd);
        errno = failed;
        return items_fail(err, "reserve");
    }
    void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
    if (map == MAP_FAILED) {
        items_fail(err, "map");
        close(*fd);
        return -1;
    }
    (void)madvise(map, size, MADV_RANDOM);
    *slots = map;
    return 0;
}

static void
table_close(int fd, struct slot *slots, uint64_t slot_count)
{
    munmap(slots, (size_t)slot_count * sizeof(struct slot));
    close(fd);
}

struct known_items *
known_items_new(const char *folder, struct error *err)
{
    struct known_items *items = MEMORY_NEW(struct known_items);
    items->slot_count = SLOTS_FIRST;
    items->folder = memory_strdup(folder);
    if (table_open(folder, items->slot_count, &items->fd, &items->slots, err) != 0) {
        free(items->folder);
        free(items);
        return NULL;
    }
    return items;
}

void
known_items_free(struct known_items *items)
{
    if (items == NULL)
        return;
    table_close(items->fd, items->slots, items->slot_count);
    free(items->folder);
    free(items);
}

void
known_items_free_p(struct known_items **items)
{
    known_items_free(*items);
    *items = NULL;
}

static uint64_t
first_slot(const uint8_t hash[16], uint64_t slot_count)
{
    uint64_t at;
    memcpy(&at, hash, sizeof(at));
    return at & (slot_count - 1);
}

/* The slot with this key, or the free one where it would be. */
static struct slot *
probe(struct slot *slots, uint64_t slot_count, const uint8_t hash[16])
{
    uint64_t at = first_slot(hash, slot_count);
    while ((slots[at].flags & SLOT_USED) != 0 && memcmp(slots[at].key, hash, sizeof(slots[at].key)) != 0)
        at = (at + 1) & (slot_count - 1);
    return &slots[at];
}

/* Nothing is lost: the mapping is shared with the file. */
static void
release_pages(struct slot *slots, uint64_t slot_count)
{
    (void)madvise(slots, (size_t)slot_count * sizeof(struct slot), MADV_DONTNEED);
}

static struct slot *
find(struct known_items *items, struct catalog_key key, uint8_t hash[DIGEST_LEN])
{
    if (++items->lookups >= LOOKUPS_RESIDENT) {
        release_pages(items->slots, items->slot_count);
        items->lookups = 0;
    }
    digest_sha256(key.bytes, key.len, hash);
    return probe(items->slots, items->slot_count, hash);
}

static int
grow(struct known_items *items, struct error *err)
{
    uint64_t slot_count = items->slot_count * 2;
    if (slot_count > KNOWN_ITEMS_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "more items than can be told apart");
    int fd;
    struct slot *slots;
    if (table_open(items->folder, slot_count, &fd, &slots, err) != 0)
        return -1;
    for (uint64_t i = 0; i < items->slot_count; i++) {
        if ((items->slots[i].flags & SLOT_USED) != 0)
            *probe(slots, slot_count, items->slots[i].key) = items->slots[i];
        if ((i + 1) % LOOKUPS_RESIDENT == 0) {
            release_pages(items->slots, items->slot_count);
            release_pages(slots, slot_count);
        }
    }
    table_close(items->fd, items->slots, items->slot_count);
    items->fd = fd;
    items->slots = slots;
    items->slot_count = slot_count;
    return 0;
}

/* The key's slot, taken for it when it is new. */
static struct slot *
claim(struct known_items *items, struct catalog_key key, struct error *err)
{
    uint8_t hash[DIGEST_LEN];
    if (items->count >= items->slot_count / 4 * 3 && grow(items, err) != 0)
        return NULL;
    struct slot *slot = find(items, key, hash);
    if ((slot->flags & SLOT_USED) == 0) {
        memcpy(slot->key, hash, sizeof(slot->key));
        slot->flags = SLOT_USED;
        items->count++;
    }
    return slot;
}

int
known_items_put(struct known_items *items, struct catalog_key key, const struct known_item *item, struct error *err)
{
    struct slot *slot = claim(items, key, err);
    if (slot == NULL)
        return -1;
    slot->tag = item->tag;
    slot->named = item->named;
    slot->content_len = item->content.len;
    slot->content_id = item->content.id;
    slot->content_form = (uint8_t)item->content.form;
    slot->flags = (uint8_t)(SLOT_USED | (item->has_record ? SLOT_RECORD : 0) | (item->gap ? SLOT_GAP : 0) |
                            (item->content.message ? SLOT_MESSAGE : 0));
    return 0;
}

bool
known_items_get(struct known_items *items, struct catalog_key key, struct known_item *item)
{
    uint8_t hash[DIGEST_LEN];
    const struct slot *slot = find(items, key, hash);
    if ((slot->flags & SLOT_USED) == 0)
        return false;
    *item = (struct known_item){
        .has_record = (slot->flags & SLOT_RECORD) != 0,
        .gap = (slot->flags & SLOT_GAP) != 0,
        .tag = slot->tag,
        .named = slot->named,
        .content = { .form = slot->content_form,
                     .message = (slot->flags & SLOT_MESSAGE) != 0,
                     .len = slot->content_len,
                     .id = slot->content_id },
    };
    return true;
}

int
known_items_name(struct known_items *items, struct catalog_key key, uint64_t sequence, struct error *err)
{
    struct slot *slot = claim(items, key, err);
    if (slot == NULL)
        return -1;
    slot->named = sequence;
    return 0;
}

uint64_t
known_items_count(const struct known_items *items)
{
    return items->count;
}

uint64_t
known_items_tag(const char *tag)
{
    uint8_t hash[DIGEST_LEN];
    digest_sha256(tag, strlen(tag), hash);
    uint64_t value;
    memcpy(&value, hash, sizeof(value));
    return value;
}
