#include "transporter/source/source_spool.h"

#include "common/base/error.h"
#include "common/base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX      ((size_t)1024)
#define TABLE_CEILING ((size_t)1 << 30)

/* Record: 1 byte alive, 2 bytes each length, folder id, item id. */
struct slot {
    uint64_t hash; /* never 0 when used */
    uint64_t offset;
};

struct source_spool {
    FILE *file;
    uint64_t size;
    char scope[TEXT_MAX + 1];
    struct slot *slots; /* open addressing; a power of two */
    size_t capacity, used;
    uint64_t read_at;
    char folder[TEXT_MAX + 1], id[TEXT_MAX + 1];
};

static int
fail(const char *what, struct error *err)
{
    return FAIL(err, error_kind_from_errno(errno), errno, "%s temporary file: %s", what, strerror(errno));
}

struct source_spool *
source_spool_new(const char *folder, struct error *err)
{
    CLEANUP(memory_free_p) char *path = memory_printf("%s/spool-XXXXXX", folder);
    int fd = mkostemp(path, O_CLOEXEC);
    FILE *file = fd >= 0 ? fdopen(fd, "w+b") : NULL;

    if (file == NULL) {
        fail("make", err);
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    unlink(path);
    struct source_spool *spool = MEMORY_NEW(struct source_spool);
    spool->file = file;
    return spool;
}

void
source_spool_free(struct source_spool *spool)
{
    if (spool == NULL)
        return;
    fclose(spool->file);
    free(spool->slots);
    free(spool);
}

void
source_spool_scope(struct source_spool *spool, const char *folder_id)
{
    /* A folder that is listed anew takes back what its delta has said, too. */
    if (spool->slots != NULL && strcmp(spool->scope, folder_id) == 0)
        return;
    snprintf(spool->scope, sizeof(spool->scope), "%s", folder_id);
    free(spool->slots);
    spool->slots = NULL;
    spool->capacity = spool->used = 0;
}

/* FNV-1a; equal hashes are told apart by reading the record. */
static uint64_t
hash_of(const char *id)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (; *id != '\0'; id++)
        hash = (hash ^ (uint8_t)*id) * 0x100000001b3u;
    return hash != 0 ? hash : 1;
}

static void
put(struct source_spool *spool, uint64_t hash, uint64_t offset)
{
    size_t at = (size_t)hash & (spool->capacity - 1);

    while (spool->slots[at].hash != 0)
        at = (at + 1) & (spool->capacity - 1);
    spool->slots[at] = (struct slot){ hash, offset };
    spool->used++;
}

static int
grow(struct source_spool *spool, struct error *err)
{
    struct slot *old = spool->slots;
    size_t count = spool->capacity, capacity = count == 0 ? 64 : count * 2;
    struct slot *slots = memory_array(capacity, sizeof(struct slot), TABLE_CEILING, err);

    if (slots == NULL)
        return -1;
    spool->slots = slots;
    spool->capacity = capacity;
    spool->used = 0;
    for (size_t i = 0; i < count; i++)
        if (old[i].hash != 0)
            put(spool, old[i].hash, old[i].offset);
    free(old);
    return 0;
}

int
source_spool_add(struct source_spool *spool, const char *id, struct error *err)
{
    size_t folder_len = strlen(spool->scope), id_len = strlen(id);
    uint8_t head[5] = { 1, (uint8_t)folder_len, (uint8_t)(folder_len >> 8), (uint8_t)id_len, (uint8_t)(id_len >> 8) };

    if (id_len == 0 || id_len > TEXT_MAX)
        return FAIL(err, ERROR_FORMAT, 0, "the service gave an id of %zu bytes", id_len);
    if (spool->used * 4 >= spool->capacity * 3 && grow(spool, err) != 0)
        return -1;
    if (fseeko(spool->file, (off_t)spool->size, SEEK_SET) != 0 ||
        fwrite(head, 1, sizeof(head), spool->file) != sizeof(head) ||
        fwrite(spool->scope, 1, folder_len, spool->file) != folder_len || fwrite(id, 1, id_len, spool->file) != id_len)
        return fail("write", err);
    put(spool, hash_of(id), spool->size);
    spool->size += sizeof(head) + folder_len + id_len;
    return 0;
}

/* The record at offset into folder and id. */
static int
read_record(struct source_spool *spool, uint64_t offset, bool *alive, uint64_t *next, struct error *err)
{
    uint8_t head[5];

    if (fseeko(spool->file, (off_t)offset, SEEK_SET) != 0 || fread(head, 1, sizeof(head), spool->file) != sizeof(head))
        return fail("read", err);
    size_t folder_len = head[1] | (size_t)head[2] << 8, id_len = head[3] | (size_t)head[4] << 8;
    if (folder_len > TEXT_MAX || id_len > TEXT_MAX)
        return FAIL(err, ERROR_CORRUPT, 0, "temporary file is damaged");
    if (fread(spool->folder, 1, folder_len, spool->file) != folder_len ||
        fread(spool->id, 1, id_len, spool->file) != id_len)
        return fail("read", err);
    spool->folder[folder_len] = spool->id[id_len] = '\0';
    *alive = head[0] != 0;
    *next = offset + sizeof(head) + folder_len + id_len;
    return 0;
}

int
source_spool_cancel(struct source_spool *spool, const char *id, struct error *err)
{
    uint64_t hash = hash_of(id), next;
    bool alive;

    if (spool->used == 0)
        return 0;
    for (size_t at = (size_t)hash & (spool->capacity - 1); spool->slots[at].hash != 0;
         at = (at + 1) & (spool->capacity - 1)) {
        if (spool->slots[at].hash != hash)
            continue;
        if (read_record(spool, spool->slots[at].offset, &alive, &next, err) != 0)
            return -1;
        if (strcmp(spool->id, id) != 0 || !alive)
            continue;
        if (fseeko(spool->file, (off_t)spool->slots[at].offset, SEEK_SET) != 0 || fputc(0, spool->file) == EOF)
            return fail("write", err);
    }
    return 0;
}

int
source_spool_next(struct source_spool *spool, const char **folder_id, const char **id, struct error *err)
{
    bool alive = false;

    while (!alive) {
        if (spool->read_at >= spool->size)
            return 0;
        if (read_record(spool, spool->read_at, &alive, &spool->read_at, err) != 0)
            return -1;
    }
    *folder_id = spool->folder;
    *id = spool->id;
    return 1;
}
