#ifndef LONGHAUL_TRANSPORTER_HOST_RETIRE_WATCH_H
#define LONGHAUL_TRANSPORTER_HOST_RETIRE_WATCH_H

/* For how long this host has watched the records of a retire journal: monotonic time of running hosts only, so that no
 * jump of a clock shortens it. Kept in a file; when that is lost, watching begins anew. The caller locks. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clock;
struct error;
struct retire_watch;

#define RETIRE_WATCH_MAX 16384 /* records watched at a time */

/* clock is borrowed for life. A damaged file is as none. */
struct retire_watch *retire_watch_open(const char *path, const struct clock *clock, struct error *err);
void retire_watch_close(struct retire_watch *watch);

/* Begins to watch the record, if it is not watched. */
int retire_watch_note(struct retire_watch *watch, uint64_t epoch, struct error *err);
void retire_watch_forget(struct retire_watch *watch, uint64_t epoch);
/* 0 when it is not watched. */
uint64_t retire_watch_age_ms(struct retire_watch *watch, uint64_t epoch);
/* Makes the ages so far durable. */
int retire_watch_save(struct retire_watch *watch, struct error *err);

/* The file's bytes: a line "epoch age" for each, epochs ascending. Fills at most max; -1 when it is anything else. */
struct retire_watched {
    uint64_t epoch, age_ms;
};
int retire_watch_parse(const char *text, size_t len, struct retire_watched *out, size_t max, size_t *count);

#endif
