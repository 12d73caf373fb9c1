#include "common/base/memory.h"
#include "tests/m365sim/mime.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static int
month_of(const char *word)
{
    static const char *const months[] = { "jan", "feb", "mar", "apr", "may", "jun",
                                          "jul", "aug", "sep", "oct", "nov", "dec" };
    for (int i = 0; i < 12; i++)
        if (strncasecmp(word, months[i], 3) == 0)
            return i;
    return -1;
}

static int
zone_minutes(const char *zone)
{
    static const struct {
        const char *name;
        int minutes;
    } names[] = { { "EST", -300 }, { "EDT", -240 }, { "CST", -360 }, { "CDT", -300 }, { "MST", -420 },
                  { "MDT", -360 }, { "PST", -480 }, { "PDT", -420 }, { "CET", 60 },   { "CEST", 120 } };
    if ((zone[0] == '+' || zone[0] == '-') && strspn(zone + 1, "0123456789") >= 4) {
        int value = (zone[1] - '0') * 600 + (zone[2] - '0') * 60 + (zone[3] - '0') * 10 + (zone[4] - '0');
        return zone[0] == '-' ? -value : value;
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcasecmp(zone, names[i].name) == 0)
            return names[i].minutes;
    return 0;
}

/* "14 Sep 2026 09:58:07 +0200", or as ctime() writes it, "Sep 14 09:58:07 2026". */
int
mime_date(const char *text, int64_t *wall_ms)
{
    struct tm tm = { 0 };
    char month[16] = "", zone[16] = "";
    int day, year = 0, hour = 0, minute = 0, second = 0;
    const char *comma = strchr(text, ',');
    const char *p = comma != NULL ? comma + 1 : text;
    p += strspn(p, " \t");
    if (comma == NULL && isalpha((unsigned char)*p) && month_of(p) < 0)
        p += strcspn(p, " \t");
    p += strspn(p, " \t");
    if (sscanf(p, "%d%*[ -]%15[A-Za-z.]%*[ -]%d %d:%d:%d %15s", &day, month, &year, &hour, &minute, &second, zone) <
            5 &&
        sscanf(p, "%15[A-Za-z] %d %d:%d:%d %d %15s", month, &day, &hour, &minute, &second, &year, zone) < 6)
        return -1;
    if (second == 0 && zone[0] == '\0')
        sscanf(p, "%*d%*[ -]%*[A-Za-z.]%*[ -]%*d %*d:%*d %15s", zone);
    if (year >= 0 && year < 50)
        year += 2000;
    else if (year >= 50 && year < 200)
        year += 1900;
    tm.tm_mon = month_of(month);
    if (tm.tm_mon < 0 || day < 1 || day > 31 || year < 1601 || year > 9999 || hour < 0 || hour > 24 || minute < 0 ||
        minute > 59 || second < 0 || second > 60)
        return -1;
    tm.tm_year = year - 1900;
    tm.tm_mday = day;
    tm.tm_hour = hour;
    tm.tm_min = minute;
    tm.tm_sec = second;
    *wall_ms = ((int64_t)timegm(&tm) - zone_minutes(zone) * 60) * 1000;
    return 0;
}
