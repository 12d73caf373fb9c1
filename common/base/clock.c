#include "common/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static int64_t
system_wall_ms(void *ctx)
{
    (void)ctx;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static uint64_t
system_monotonic_ms(void *ctx)
{
    (void)ctx;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void
system_random(void *ctx, void *out, size_t len)
{
    (void)ctx;
    uint8_t *p = out;
    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);
        if (n <= 0)
            abort();
        p += n;
        len -= (size_t)n;
    }
}

const struct clock *
clock_system(void)
{
    static const struct clock clock = { NULL, system_wall_ms, system_monotonic_ms, system_random };
    return &clock;
}

int64_t
clock_wall_ms(const struct clock *clock)
{
    return clock->wall_ms(clock->ctx);
}

uint64_t
clock_monotonic_ms(const struct clock *clock)
{
    return clock->monotonic_ms(clock->ctx);
}

void
clock_random(const struct clock *clock, void *out, size_t len)
{
    clock->random(clock->ctx, out, len);
}

void
clock_format_ms(int64_t wall_ms, char out[CLOCK_TEXT_LEN])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    int ms = (int)(wall_ms % 1000);
    if (ms < 0) {
        ms += 1000;
        seconds--;
    }
    struct tm tm;
    gmtime_r(&seconds, &tm);
    snprintf(out, CLOCK_TEXT_LEN, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)(tm.tm_year + 1900) % 10000,
             (unsigned)(tm.tm_mon + 1) % 100, (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100,
             (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100, (unsigned)ms % 1000);
}

static int
parse_digits(const char **at, int count, int *value)
{
    *value = 0;
    for (int i = 0; i < count; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return -1;
        *value = *value * 10 + (**at - '0');
    }
    return 0;
}

static int
parse_fraction_ms(const char **at, int *ms)
{
    *ms = 0;
    if (**at != '.')
        return 0;
    (*at)++;
    int scale = 100, digits = 0;
    for (; **at >= '0' && **at <= '9'; (*at)++, digits++, scale /= 10)
        *ms += (**at - '0') * scale;
    return digits >= 1 && digits <= 9 ? 0 : -1;
}

int
clock_parse_ms(const char *text, int64_t *wall_ms)
{
    static const char separators[] = "--T::";
    static const int widths[] = { 4, 2, 2, 2, 2, 2 };
    int field[6], ms = 0;
    const char *at = text;
    for (int i = 0; i < 6; i++) {
        if (parse_digits(&at, widths[i], &field[i]) != 0)
            return -1;
        if (i < 5 && *at++ != separators[i])
            return -1;
    }
    if (parse_fraction_ms(&at, &ms) != 0 || strcmp(at, "Z") != 0)
        return -1;
    if (field[1] < 1 || field[1] > 12 || field[2] < 1 || field[2] > 31 || field[3] > 23 || field[4] > 59 ||
        field[5] > 60)
        return -1;
    struct tm tm = { .tm_year = field[0] - 1900,
                     .tm_mon = field[1] - 1,
                     .tm_mday = field[2],
                     .tm_hour = field[3],
                     .tm_min = field[4],
                     .tm_sec = field[5] };
    *wall_ms = (int64_t)timegm(&tm) * 1000 + ms;
    return 0;
}
