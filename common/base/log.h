#ifndef LONGHAUL_COMMON_BASE_LOG_H
#define LONGHAUL_COMMON_BASE_LOG_H

/* One line an event: time, level, component, message, key=value ... Any thread. Levels are tied to what an
 * operator should do; secrets and item contents have no way in here. */

#include "common/base/error.h"

enum log_level {
    LOG_DEBUG,
    LOG_INFO, /* a normal step worth remembering */
    LOG_WARN, /* unusual; the program copes by itself */
    LOG_ERROR /* an operator must act */
};

/* Where lines go: a file descriptor (2 by default) and the lowest level written (LOG_INFO by default). */
void log_setup(int fd, enum log_level lowest);
/* 0, or -1 when the name is none of debug, info, warn, error. */
int log_level_from_name(const char *name, enum log_level *level);

/* component is a short constant ("rpc", "graph", "store"); the format carries key=value pairs at its end. */
void log_write(enum log_level level, const char *component, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#define log_debug(component, ...) log_write(LOG_DEBUG, (component), __VA_ARGS__)
#define log_info(component, ...)  log_write(LOG_INFO, (component), __VA_ARGS__)
#define log_warn(component, ...)  log_write(LOG_WARN, (component), __VA_ARGS__)
#define log_error(component, ...) log_write(LOG_ERROR, (component), __VA_ARGS__)

/* "text kind=... native=... at=file:line", after the message. */
void log_failure(enum log_level level, const char *component, const struct error *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
