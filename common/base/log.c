#include "common/base/log.h"

#include "common/base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048

static atomic_int log_fd = 2;
static atomic_int log_lowest = LOG_INFO;
static const char *const level_names[] = { "debug", "info", "warn", "error" };

void
log_setup(int fd, enum log_level lowest)
{
    atomic_store(&log_fd, fd);
    atomic_store(&log_lowest, (int)lowest);
}

int
log_level_from_name(const char *name, enum log_level *level)
{
    for (int i = LOG_DEBUG; i <= LOG_ERROR; i++) {
        if (strcasecmp(name, level_names[i]) == 0) {
            *level = (enum log_level)i;
            return 0;
        }
    }
    return -1;
}

/* Control characters would let data forge lines. */
static void
write_line(char *line, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = ' ';
    }
    line[len++] = '\n';
    ssize_t n = write(atomic_load(&log_fd), line, len);
    (void)n;
}

static size_t
begin_line(char *line, enum log_level level, const char *component)
{
    char when[CLOCK_TEXT_LEN];
    clock_format_ms(clock_wall_ms(clock_system()), when);
    int n = snprintf(line, LINE_MAX_BYTES - 1, "%s %-5s %s: ", when, level_names[level], component);
    return n < 0 ? 0 : (size_t)n;
}

__attribute__((format(printf, 3, 0))) static size_t
add_text(char *line, size_t used, const char *fmt, va_list args)
{
    int n = vsnprintf(line + used, LINE_MAX_BYTES - 1 - used, fmt, args);
    if (n < 0)
        return used;
    used += (size_t)n;
    return used < LINE_MAX_BYTES - 2 ? used : LINE_MAX_BYTES - 2;
}

void
log_write(enum log_level level, const char *component, const char *fmt, ...)
{
    if ((int)level < atomic_load(&log_lowest))
        return;
    char line[LINE_MAX_BYTES];
    size_t used = begin_line(line, level, component);
    va_list args;
    va_start(args, fmt);
    used = add_text(line, used, fmt, args);
    va_end(args);
    write_line(line, used);
}

void
log_failure(enum log_level level, const char *component, const struct error *err, const char *fmt, ...)
{
    if ((int)level < atomic_load(&log_lowest))
        return;
    char line[LINE_MAX_BYTES];
    size_t used = begin_line(line, level, component);
    va_list args;
    va_start(args, fmt);
    used = add_text(line, used, fmt, args);
    va_end(args);
    int n = snprintf(line + used, LINE_MAX_BYTES - 1 - used, ": %s kind=%s native=%d at=%s:%d", err->text,
                     error_kind_name(err->kind), err->native, err->file != NULL ? err->file : "?", err->line);
    if (n > 0)
        used += (size_t)n;
    write_line(line, used < LINE_MAX_BYTES - 2 ? used : LINE_MAX_BYTES - 2);
}
