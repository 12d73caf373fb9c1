#include "transporter/restore/restore_boundary.h"

#include "common/base/memory.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define BLOCK        ((size_t)64 << 10)
#define BOUNDARY_MAX ((size_t)1024)

/* "\n--boundary" within data; the offset of its line feed, or -1. */
static ssize_t
find(const char *data, size_t len, const char *delimiter, size_t delimiter_len)
{
    const char *hit = memmem(data, len, delimiter, delimiter_len);
    return hit != NULL ? hit - data : -1;
}

int
restore_boundary_find(int fd, off_t from, const char *boundary, off_t *end)
{
    char delimiter[BOUNDARY_MAX + 4];
    size_t boundary_len = boundary != NULL ? strlen(boundary) : 0, kept = 0;

    *end = lseek(fd, 0, SEEK_END);
    if (*end < 0 || boundary_len > BOUNDARY_MAX)
        return -1;
    if (boundary_len == 0)
        return 0;
    size_t delimiter_len = (size_t)snprintf(delimiter, sizeof(delimiter), "\n--%s", boundary);
    CLEANUP(memory_free_p) char *block = memory_new(BLOCK + delimiter_len);
    for (off_t at = from;;) {
        ssize_t n = pread(fd, block + kept, BLOCK, at);
        if (n < 0)
            return -1;
        if (n == 0)
            return 0;
        size_t have = kept + (size_t)n;
        ssize_t hit = find(block, have, delimiter, delimiter_len);
        if (hit >= 0) {
            *end = at - (off_t)kept + hit;
            char before;
            if (*end > from && pread(fd, &before, 1, *end - 1) == 1 && before == '\r')
                (*end)--;
            return 0;
        }
        at += n;
        kept = have < delimiter_len - 1 ? have : delimiter_len - 1;
        memmove(block, block + have - kept, kept);
    }
}
