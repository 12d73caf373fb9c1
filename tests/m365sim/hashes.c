#include "tests/m365sim/hashes.h"

#include "common/base/encoding.h"
#include "common/base/memory.h"
#include "tests/m365sim/tree_internal.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK (256u << 10)

struct entry {
    uint64_t key; /* 0: free */
    uint8_t hash[QUICKXOR_LEN];
    uint8_t unused[4];
};

struct hashes {
    pthread_mutex_t mutex;
    struct entry *table;
    size_t count, mask;
    FILE *file;
};

static struct entry *
find_slot(const struct hashes *h, uint64_t key)
{
    size_t i = key & h->mask;
    while (h->table[i].key != 0 && h->table[i].key != key)
        i = (i + 1) & h->mask;
    return &h->table[i];
}

static void
grow(struct hashes *h)
{
    struct entry *old = h->table;
    size_t size = old == NULL ? 1024 : (h->mask + 1) * 2;
    h->table = memory_new(size * sizeof(*h->table));
    size_t had = old == NULL ? 0 : h->mask + 1;
    h->mask = size - 1;
    for (size_t i = 0; i < had; i++)
        if (old[i].key != 0)
            *find_slot(h, old[i].key) = old[i];
    free(old);
}

static void
put(struct hashes *h, const struct entry *e)
{
    if (h->table == NULL || h->count * 2 > h->mask)
        grow(h);
    struct entry *slot = find_slot(h, e->key);
    h->count += slot->key == 0;
    *slot = *e;
}

struct hashes *
hashes_open(const char *path)
{
    struct hashes *h = MEMORY_NEW(struct hashes);
    struct entry e;
    pthread_mutex_init(&h->mutex, NULL);
    grow(h);
    h->file = path == NULL ? NULL : fopen(path, "a+e");
    if (h->file == NULL)
        return h;
    rewind(h->file);
    while (fread(&e, sizeof(e), 1, h->file) == 1)
        if (e.key != 0)
            put(h, &e);
    return h;
}

void
hashes_free(struct hashes *h)
{
    if (h == NULL)
        return;
    if (h->file != NULL)
        fclose(h->file);
    pthread_mutex_destroy(&h->mutex);
    free(h->table);
    free(h);
}

static int
compute(int fd, uint8_t out[QUICKXOR_LEN])
{
    struct quickxor q = { .length = 0 };
    uint8_t *block = memory_new(BLOCK);
    ssize_t n;
    while ((n = read(fd, block, BLOCK)) > 0)
        quickxor_update(&q, block, (size_t)n);
    free(block);
    quickxor_final(&q, out);
    return n < 0 ? -1 : 0;
}

int
hashes_of_file(struct hashes *h, const char *path, char out[QUICKXOR_TEXT])
{
    struct stat st;
    struct entry e = { 0 };
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    e.key =
        tree_mix(tree_mix(tree_mix(tree_mix(st.st_dev, st.st_ino), (uint64_t)st.st_size), (uint64_t)st.st_mtim.tv_sec),
                 (uint64_t)st.st_mtim.tv_nsec) |
        1;
    pthread_mutex_lock(&h->mutex);
    const struct entry *known = find_slot(h, e.key);
    bool found = known->key == e.key;
    if (found)
        e = *known;
    pthread_mutex_unlock(&h->mutex);
    int result = found ? 0 : compute(fd, e.hash);
    close(fd);
    if (!found && result == 0) {
        pthread_mutex_lock(&h->mutex);
        put(h, &e);
        if (h->file != NULL)
            fwrite(&e, sizeof(e), 1, h->file);
        pthread_mutex_unlock(&h->mutex);
    }
    encoding_base64(e.hash, QUICKXOR_LEN, out);
    return result;
}
