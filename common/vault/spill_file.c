#include "common/vault/spill_file.h"

#include "common/base/buffer.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/aead.h"
#include "common/vault/varint.h"
#include "common/vault/vault_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_FILL    ((size_t)64 << 10) /* a block ends with the record that reaches this */
#define BLOCK_CEILING (BLOCK_FILL + TREE_KEY_MAX + TREE_VALUE_MAX + 64)

struct block {
    off_t offset;
    size_t sealed;
    uint8_t *first_key;
    size_t first_key_len;
};

struct spill_file {
    int fd;
    struct aead *aead;
    struct buffer bytes; /* the block being written, or the one read last */
    struct block *blocks;
    size_t block_count, block_capacity, current;
    struct reader in;
};

struct spill_file *
spill_file_new(const struct clock *clock, const char *folder, struct error *err)
{
    uint8_t key[AEAD_KEY_LEN];
    int fd = open(folder, O_RDWR | O_TMPFILE | O_CLOEXEC | O_EXCL, 0600);
    if (fd < 0) {
        FAIL(err, error_kind_from_errno(errno), errno, "no temporary file in %s: %s", folder, strerror(errno));
        return NULL;
    }
    struct spill_file *file = MEMORY_NEW(struct spill_file);
    file->fd = fd;
    clock_random(clock, key, sizeof(key));
    file->aead = aead_new(key);
    secret_zero(key, sizeof(key));
    buffer_init(&file->bytes, BLOCK_CEILING + AEAD_TAG_LEN);
    return file;
}

void
spill_file_free(struct spill_file *file)
{
    if (file == NULL)
        return;
    for (size_t i = 0; i < file->block_count; i++)
        free(file->blocks[i].first_key);
    free(file->blocks);
    buffer_clear(&file->bytes);
    aead_free(file->aead);
    close(file->fd);
    free(file);
}

static int
write_block(struct spill_file *file, struct error *err)
{
    uint8_t nonce[AEAD_NONCE_LEN];
    struct block *block = &file->blocks[file->block_count - 1];
    size_t plain = file->bytes.len;
    vault_nonce((uint32_t)(file->block_count - 1), nonce);
    if (buffer_reserve(&file->bytes, AEAD_TAG_LEN, err) != 0 ||
        aead_seal(file->aead, nonce, (struct aead_bound){ NULL, 0 }, file->bytes.data, plain, file->bytes.data, err) !=
            0)
        return -1;
    block->sealed = plain + AEAD_TAG_LEN;
    for (size_t at = 0; at < block->sealed;) {
        ssize_t n = pwrite(file->fd, file->bytes.data + at, block->sealed - at, block->offset + (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return FAIL(err, error_kind_from_errno(errno), errno, "writing a temporary file: %s", strerror(errno));
        at += (size_t)n;
    }
    file->bytes.len = 0;
    return 0;
}

static void
begin_block(struct spill_file *file, struct tree_bytes first)
{
    if (file->block_count == file->block_capacity) {
        file->block_capacity = file->block_capacity == 0 ? 64 : file->block_capacity * 2;
        file->blocks = realloc(file->blocks, file->block_capacity * sizeof(file->blocks[0]));
    }
    if (file->blocks == NULL)
        abort();
    struct block *block = &file->blocks[file->block_count++];
    const struct block *before = file->block_count > 1 ? block - 1 : NULL;
    block->offset = before == NULL ? 0 : before->offset + (off_t)before->sealed;
    block->first_key = memory_new(first.len);
    memcpy(block->first_key, first.data, first.len);
    block->first_key_len = first.len;
}

int
spill_file_add(struct spill_file *file, const struct tree_change *change, struct error *err)
{
    uint8_t head[1 + VARINT_MAX], value_len[VARINT_MAX];
    if (file->bytes.len == 0)
        begin_block(file, change->key);
    head[0] = change->remove;
    size_t n = 1 + varint_put(head + 1, change->key.len);
    if (buffer_append(&file->bytes, head, n, err) != 0 ||
        buffer_append(&file->bytes, change->key.data, change->key.len, err) != 0 ||
        buffer_append(&file->bytes, value_len, varint_put(value_len, change->remove ? 0 : change->value.len), err) !=
            0 ||
        (!change->remove && buffer_append(&file->bytes, change->value.data, change->value.len, err) != 0))
        return -1;
    return file->bytes.len < BLOCK_FILL ? 0 : write_block(file, err);
}

int
spill_file_finish(struct spill_file *file, struct error *err)
{
    file->current = (size_t)-1;
    return file->bytes.len == 0 ? 0 : write_block(file, err);
}

static int
read_block(struct spill_file *file, size_t index, struct error *err)
{
    uint8_t nonce[AEAD_NONCE_LEN];
    const struct block *block = &file->blocks[index];
    if (file->current == index) {
        file->in = (struct reader)READER_INIT(file->bytes.data, file->bytes.len);
        return 0;
    }
    file->current = (size_t)-1;
    file->bytes.len = 0;
    if (buffer_reserve(&file->bytes, block->sealed, err) != 0)
        return -1;
    for (size_t at = 0; at < block->sealed;) {
        ssize_t n = pread(file->fd, file->bytes.data + at, block->sealed - at, block->offset + (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return FAIL(err, ERROR_IO, errno, "reading a temporary file: %s", n < 0 ? strerror(errno) : "cut off");
        at += (size_t)n;
    }
    vault_nonce((uint32_t)index, nonce);
    if (aead_open(file->aead, nonce, (struct aead_bound){ NULL, 0 }, file->bytes.data, block->sealed, file->bytes.data,
                  err) != 0)
        return error_wrap(err, "a temporary file was changed");
    file->bytes.len = block->sealed - AEAD_TAG_LEN;
    file->current = index;
    file->in = (struct reader)READER_INIT(file->bytes.data, file->bytes.len);
    return 0;
}

static int
read_record(struct spill_file *file, struct tree_change *change, struct error *err)
{
    change->remove = reader_u8(&file->in) != 0;
    change->key.len = (size_t)varint_get(&file->in);
    change->key.data = reader_bytes(&file->in, change->key.len);
    change->value.len = (size_t)varint_get(&file->in);
    change->value.data = reader_bytes(&file->in, change->value.len);
    return file->in.failed ? FAIL(err, ERROR_INTERNAL, 0, "a temporary file holds an impossible record") : 1;
}

int
spill_file_find(struct spill_file *file, struct tree_bytes key, struct tree_change *change, struct error *err)
{
    size_t low = 0, high = file->block_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct tree_bytes first = { file->blocks[middle].first_key, file->blocks[middle].first_key_len };
        if (tree_bytes_compare(first, key) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return 0;
    if (read_block(file, low - 1, err) != 0)
        return -1;
    while (reader_left(&file->in) > 0) {
        if (read_record(file, change, err) < 0)
            return -1;
        int order = tree_bytes_compare(change->key, key);
        if (order >= 0)
            return order == 0;
    }
    return 0;
}

int
spill_file_rewind(struct spill_file *file, struct error *err)
{
    file->current = (size_t)-1;
    return file->block_count == 0 ? 0 : read_block(file, 0, err);
}

int
spill_file_next(struct spill_file *file, struct tree_change *change, struct error *err)
{
    if (file->block_count == 0)
        return 0;
    if (reader_left(&file->in) == 0) {
        if (file->current + 1 >= file->block_count)
            return 0;
        if (read_block(file, file->current + 1, err) != 0)
            return -1;
    }
    return read_record(file, change, err);
}
