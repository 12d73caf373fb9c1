#include "transporter/restore/spool.h"

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/aead.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MEMORY_MAX ((size_t)1 << 20)
#define SEALED     (SPOOL_BLOCK + AEAD_TAG_LEN)

struct spool {
    const struct clock *clock;
    const char *folder;
    uint8_t *memory; /* MEMORY_MAX bytes: all of a small content; else the last, unfinished block at its start */
    uint64_t len;
    int fd;            /* -1 while all is in memory */
    struct aead *aead; /* a fresh key for each content, so block numbers are good nonces */
    uint64_t blocks;   /* in the file */
    uint8_t *block;    /* SEALED bytes: the last one read */
    uint64_t block_at; /* its number; UINT64_MAX: none */
};

struct spool *
spool_new(const struct clock *clock, const char *folder)
{
    struct spool *spool = MEMORY_NEW(struct spool);
    spool->clock = clock;
    spool->folder = folder;
    spool->memory = memory_new(MEMORY_MAX);
    spool->block = memory_new(SEALED);
    spool->fd = -1;
    spool->block_at = UINT64_MAX;
    return spool;
}

void
spool_reset(struct spool *spool)
{
    if (spool->fd >= 0)
        close(spool->fd);
    spool->fd = -1;
    aead_free_p(&spool->aead);
    spool->len = 0;
    spool->blocks = 0;
    spool->block_at = UINT64_MAX;
}

void
spool_free(struct spool *spool)
{
    if (spool == NULL)
        return;
    spool_reset(spool);
    free(spool->memory);
    free(spool->block);
    free(spool);
}

static int
spool_fail(struct error *err, const char *what)
{
    int native = errno;
    return FAIL(err, error_kind_from_errno(native), native, "scratch file in state_dir: %s: %s", what,
                strerror(native));
}

static void
nonce_of(uint64_t block, uint8_t nonce[AEAD_NONCE_LEN])
{
    memset(nonce, 0, AEAD_NONCE_LEN);
    memcpy(nonce, &block, sizeof(block));
}

static int
put_block(struct spool *spool, const uint8_t *data, size_t len, struct error *err)
{
    uint8_t nonce[AEAD_NONCE_LEN];
    const struct aead_bound none = { .data = NULL };
    nonce_of(spool->blocks, nonce);
    if (aead_seal(spool->aead, nonce, none, data, len, spool->block, err) != 0)
        return -1;
    size_t size = len + AEAD_TAG_LEN;
    if (pwrite(spool->fd, spool->block, size, (off_t)(spool->blocks * SEALED)) != (ssize_t)size)
        return spool_fail(err, "write");
    spool->blocks++;
    return 0;
}

/* The content has outgrown the memory: what is there goes to a file. */
static int
move_to_file(struct spool *spool, struct error *err)
{
    uint8_t key[AEAD_KEY_LEN];
    spool->fd = open(spool->folder, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
    if (spool->fd < 0)
        return spool_fail(err, "create");
    clock_random(spool->clock, key, sizeof(key));
    spool->aead = aead_new(key);
    secret_zero(key, sizeof(key));
    for (size_t at = 0; at < MEMORY_MAX; at += SPOOL_BLOCK)
        if (put_block(spool, spool->memory + at, SPOOL_BLOCK, err) != 0)
            return -1;
    return 0;
}

int
spool_write(struct spool *spool, const void *data, size_t len, struct error *err)
{
    const uint8_t *from = data;
    while (len > 0) {
        size_t room =
            spool->fd < 0 ? MEMORY_MAX - (size_t)spool->len : SPOOL_BLOCK - (size_t)(spool->len % SPOOL_BLOCK);
        size_t at = spool->fd < 0 ? (size_t)spool->len : (size_t)(spool->len % SPOOL_BLOCK);
        if (room == 0) {
            if (move_to_file(spool, err) != 0)
                return -1;
            continue;
        }
        size_t part = len < room ? len : room;
        memcpy(spool->memory + at, from, part);
        spool->len += part;
        from += part;
        len -= part;
        if (spool->fd >= 0 && spool->len % SPOOL_BLOCK == 0 && put_block(spool, spool->memory, SPOOL_BLOCK, err) != 0)
            return -1;
    }
    return 0;
}

uint64_t
spool_len(const struct spool *spool)
{
    return spool->len;
}

static int
get_block(struct spool *spool, uint64_t number, struct error *err)
{
    uint8_t nonce[AEAD_NONCE_LEN];
    const struct aead_bound none = { .data = NULL };
    if (spool->block_at == number)
        return 0;
    spool->block_at = UINT64_MAX;
    if (pread(spool->fd, spool->block, SEALED, (off_t)(number * SEALED)) != (ssize_t)SEALED)
        return spool_fail(err, "read");
    nonce_of(number, nonce);
    if (aead_open(spool->aead, nonce, none, spool->block, SEALED, spool->block, err) != 0)
        return error_wrap(err, "scratch file in state_dir");
    spool->block_at = number;
    return 0;
}

int
spool_read(struct spool *spool, uint64_t offset, void *out, size_t capacity, size_t *len, struct error *err)
{
    *len = 0;
    while (*len < capacity && offset < spool->len) {
        const uint8_t *from = spool->memory;
        uint64_t start = 0;
        uint64_t end = spool->len;
        if (spool->fd >= 0) {
            uint64_t number = offset / SPOOL_BLOCK;
            start = number * SPOOL_BLOCK;
            if (number < spool->blocks) {
                if (get_block(spool, number, err) != 0)
                    return -1;
                from = spool->block;
                end = start + SPOOL_BLOCK;
            }
        }
        size_t part = (size_t)(end - offset) < capacity - *len ? (size_t)(end - offset) : capacity - *len;
        memcpy((uint8_t *)out + *len, from + (offset - start), part);
        *len += part;
        offset += part;
    }
    return 0;
}
