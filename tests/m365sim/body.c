#include "tests/m365sim/body.h"

#include "common/base/error.h"
#include "tests/m365sim/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEMORY_CEILING ((size_t)1 << 20)

void
body_init(struct body *b, const char *folder)
{
    memset(b, 0, sizeof(*b));
    buffer_init(&b->memory, MEMORY_CEILING);
    b->fd = -1;
    b->folder = folder;
}

void
body_clear(struct body *b)
{
    if (b->map != NULL)
        munmap(b->map, b->size);
    if (b->fd >= 0)
        close(b->fd);
    buffer_clear(&b->memory);
    body_init(b, b->folder);
}

static int
body_spill(struct body *b, struct error *err)
{
    b->fd = files_temporary(b->folder, err);
    if (b->fd < 0)
        return -1;
    if (files_write_at(b->fd, b->memory.data, b->memory.len, 0, err) != 0)
        return -1;
    buffer_clear(&b->memory);
    return 0;
}

int
body_append(struct body *b, const void *data, size_t len, struct error *err)
{
    if (b->size + len > BODY_CEILING)
        return FAIL(err, ERROR_LIMIT, 0, "the request body is larger than %llu bytes",
                    (unsigned long long)BODY_CEILING);
    if (b->fd < 0 && b->size + len > MEMORY_CEILING && body_spill(b, err) != 0)
        return -1;
    if (b->fd < 0) {
        if (buffer_append(&b->memory, data, len, err) != 0)
            return -1;
    } else if (files_write_at(b->fd, data, len, b->size, err) != 0) {
        return -1;
    }
    b->size += len;
    return 0;
}

const uint8_t *
body_bytes(struct body *b, struct error *err)
{
    if (b->fd < 0)
        return b->memory.data;
    if (b->map == NULL) {
        void *map = mmap(NULL, b->size, PROT_READ, MAP_PRIVATE, b->fd, 0);
        if (map == MAP_FAILED) {
            FAIL(err, ERROR_IO, errno, "map a request body: %s", strerror(errno));
            return NULL;
        }
        b->map = map;
    }
    return b->map;
}

int
body_write(struct body *b, int fd, uint64_t offset, struct error *err)
{
    if (b->fd >= 0)
        return files_copy(b->fd, fd, offset, b->size, err);
    return files_write_at(fd, b->memory.data, b->memory.len, offset, err);
}
