#ifndef LONGHAUL_COMMON_BASE_CLOCK_H
#define LONGHAUL_COMMON_BASE_CLOCK_H

/* The only door to time and randomness. Whoever needs them is handed a `const struct clock *`; tests hand in
 * one that they move by hand. Any thread. */

#include <stddef.h>
#include <stdint.h>

struct clock {
    void *ctx;
    int64_t (*wall_ms)(void *ctx);                    /* milliseconds since 1970-01-01T00:00Z */
    uint64_t (*monotonic_ms)(void *ctx);              /* never goes back; for durations and deadlines */
    void (*random)(void *ctx, void *out, size_t len); /* cryptographic quality */
};

/* The machine's own. */
const struct clock *clock_system(void);

int64_t clock_wall_ms(const struct clock *clock);
uint64_t clock_monotonic_ms(const struct clock *clock);
void clock_random(const struct clock *clock, void *out, size_t len);

/* "2026-09-14T07:58:10.000Z" */
#define CLOCK_TEXT_LEN 25
void clock_format_ms(int64_t wall_ms, char out[CLOCK_TEXT_LEN]);
/* ISO 8601 with Z and a fraction of 0 to 9 digits, as Microsoft Graph writes it. 0, or -1 when it is none. */
int clock_parse_ms(const char *text, int64_t *wall_ms);

#endif
