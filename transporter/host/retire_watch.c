#include "transporter/host/retire_watch.h"

#include "common/base/buffer.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/crypto/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_LEN 42
#define FILE_MAX     ((size_t)RETIRE_WATCH_MAX * LINE_MAX_LEN)
#define SAVE_MS      ((uint64_t)10 * 60 * 1000)

struct retire_watch {
    const struct clock *clock;
    char *path;
    uint64_t counted, saved; /* monotonic: up to when ages are counted, when they were saved */
    struct retire_watched *records;
    size_t count;
};

static const char *
parse_number(const char *at, const char *end, char stop, uint64_t *value)
{
    const char *start = at;
    *value = 0;
    for (; at < end && *at >= '0' && *at <= '9' && at - start < 20; at++)
        if (__builtin_mul_overflow(*value, 10, value) || __builtin_add_overflow(*value, (uint64_t)(*at - '0'), value))
            return NULL;
    return at == start || at == end || *at != stop ? NULL : at + 1;
}

int
retire_watch_parse(const char *text, size_t len, struct retire_watched *out, size_t max, size_t *count)
{
    const char *at = text, *end = text + len;
    *count = 0;
    while (at < end) {
        struct retire_watched one;
        if ((at = parse_number(at, end, ' ', &one.epoch)) == NULL ||
            (at = parse_number(at, end, '\n', &one.age_ms)) == NULL || one.epoch == 0 || *count == max ||
            (*count > 0 && out[*count - 1].epoch >= one.epoch))
            return -1;
        out[(*count)++] = one;
    }
    return 0;
}

static int
read_file(struct retire_watch *watch, struct error *err)
{
    int fd = open(watch->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return 0;
    CLEANUP(memory_free_p) char *text = memory_new(FILE_MAX + 1);
    size_t len = 0;
    ssize_t n = fd < 0 ? -1 : 1;
    while (n > 0 && len <= FILE_MAX) {
        n = read(fd, text + len, FILE_MAX + 1 - len);
        len += n > 0 ? (size_t)n : 0;
    }
    int native = errno;
    if (fd >= 0)
        close(fd);
    if (n < 0)
        return FAIL(err, error_kind_from_errno(native), native, "%s: %s", watch->path, strerror(native));
    if (len > FILE_MAX || retire_watch_parse(text, len, watch->records, RETIRE_WATCH_MAX, &watch->count) != 0) {
        log_warn("host", "%s is damaged: retired packs are watched anew before they are removed", watch->path);
        watch->count = 0;
    }
    return 0;
}

struct retire_watch *
retire_watch_open(const char *path, const struct clock *clock, struct error *err)
{
    struct retire_watch *watch = MEMORY_NEW(struct retire_watch);
    watch->clock = clock;
    watch->path = memory_strdup(path);
    watch->records = memory_new(RETIRE_WATCH_MAX * sizeof(watch->records[0]));
    watch->counted = watch->saved = clock_monotonic_ms(clock);
    if (read_file(watch, err) != 0) {
        retire_watch_close(watch);
        return NULL;
    }
    return watch;
}

static void
count(struct retire_watch *watch)
{
    uint64_t now = clock_monotonic_ms(watch->clock);
    uint64_t passed = now > watch->counted ? now - watch->counted : 0;
    for (size_t i = 0; i < watch->count; i++)
        watch->records[i].age_ms += passed;
    watch->counted = now;
}

void
retire_watch_close(struct retire_watch *watch)
{
    if (watch == NULL)
        return;
    free(watch->records);
    free(watch->path);
    free(watch);
}

static size_t
position(const struct retire_watch *watch, uint64_t epoch)
{
    size_t at = 0;
    while (at < watch->count && watch->records[at].epoch < epoch)
        at++;
    return at;
}

int
retire_watch_note(struct retire_watch *watch, uint64_t epoch, struct error *err)
{
    count(watch);
    size_t at = position(watch, epoch);
    if (at < watch->count && watch->records[at].epoch == epoch)
        return 0;
    if (watch->count == RETIRE_WATCH_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "more than %d retire records are open: run a sweep that closes some",
                    RETIRE_WATCH_MAX);
    memmove(&watch->records[at + 1], &watch->records[at], (watch->count - at) * sizeof(watch->records[0]));
    watch->records[at] = (struct retire_watched){ epoch, 0 };
    watch->count++;
    return 0;
}

void
retire_watch_forget(struct retire_watch *watch, uint64_t epoch)
{
    size_t at = position(watch, epoch);
    if (at == watch->count || watch->records[at].epoch != epoch)
        return;
    watch->count--;
    memmove(&watch->records[at], &watch->records[at + 1], (watch->count - at) * sizeof(watch->records[0]));
}

uint64_t
retire_watch_age_ms(struct retire_watch *watch, uint64_t epoch)
{
    count(watch);
    size_t at = position(watch, epoch);
    if (clock_monotonic_ms(watch->clock) - watch->saved >= SAVE_MS)
        retire_watch_save(watch, NULL);
    return at < watch->count && watch->records[at].epoch == epoch ? watch->records[at].age_ms : 0;
}

int
retire_watch_save(struct retire_watch *watch, struct error *err)
{
    CLEANUP(buffer_clear) struct buffer text = BUFFER_INIT(FILE_MAX);
    count(watch);
    for (size_t i = 0; i < watch->count; i++)
        if (buffer_printf(&text, err, "%" PRIu64 " %" PRIu64 "\n", watch->records[i].epoch, watch->records[i].age_ms) !=
            0)
            return -1;
    watch->saved = watch->counted;
    return private_file_replace(watch->path, text.data == NULL ? (const uint8_t *)"" : text.data, text.len, err);
}
