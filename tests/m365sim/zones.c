#include "tests/m365sim/zones.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* The ones in common use, after the Unicode CLDR's windowsZones. */
static const char *const windows[][2] = {
    { "AUS Eastern Standard Time", "Australia/Sydney" },
    { "Alaskan Standard Time", "America/Anchorage" },
    { "Arab Standard Time", "Asia/Riyadh" },
    { "Arabian Standard Time", "Asia/Dubai" },
    { "Argentina Standard Time", "America/Buenos_Aires" },
    { "Atlantic Standard Time", "America/Halifax" },
    { "Canada Central Standard Time", "America/Regina" },
    { "Cen. Australia Standard Time", "Australia/Adelaide" },
    { "Central America Standard Time", "America/Guatemala" },
    { "Central Europe Standard Time", "Europe/Budapest" },
    { "Central European Standard Time", "Europe/Warsaw" },
    { "Central Standard Time", "America/Chicago" },
    { "Central Standard Time (Mexico)", "America/Mexico_City" },
    { "China Standard Time", "Asia/Shanghai" },
    { "E. Africa Standard Time", "Africa/Nairobi" },
    { "E. Australia Standard Time", "Australia/Brisbane" },
    { "E. South America Standard Time", "America/Sao_Paulo" },
    { "Eastern Standard Time", "America/New_York" },
    { "Egypt Standard Time", "Africa/Cairo" },
    { "FLE Standard Time", "Europe/Kiev" },
    { "GMT Standard Time", "Europe/London" },
    { "GTB Standard Time", "Europe/Bucharest" },
    { "Greenwich Standard Time", "Atlantic/Reykjavik" },
    { "Hawaiian Standard Time", "Pacific/Honolulu" },
    { "India Standard Time", "Asia/Calcutta" },
    { "Iran Standard Time", "Asia/Tehran" },
    { "Israel Standard Time", "Asia/Jerusalem" },
    { "Korea Standard Time", "Asia/Seoul" },
    { "Mountain Standard Time", "America/Denver" },
    { "New Zealand Standard Time", "Pacific/Auckland" },
    { "Newfoundland Standard Time", "America/St_Johns" },
    { "Pacific SA Standard Time", "America/Santiago" },
    { "Pacific Standard Time", "America/Los_Angeles" },
    { "Pakistan Standard Time", "Asia/Karachi" },
    { "Romance Standard Time", "Europe/Paris" },
    { "Russian Standard Time", "Europe/Moscow" },
    { "SA Pacific Standard Time", "America/Bogota" },
    { "SE Asia Standard Time", "Asia/Bangkok" },
    { "Singapore Standard Time", "Asia/Singapore" },
    { "South Africa Standard Time", "Africa/Johannesburg" },
    { "Taipei Standard Time", "Asia/Taipei" },
    { "Tasmania Standard Time", "Australia/Hobart" },
    { "Tokyo Standard Time", "Asia/Tokyo" },
    { "Turkey Standard Time", "Europe/Istanbul" },
    { "US Eastern Standard Time", "America/Indianapolis" },
    { "US Mountain Standard Time", "America/Phoenix" },
    { "W. Australia Standard Time", "Australia/Perth" },
    { "W. Europe Standard Time", "Europe/Berlin" },
    { "West Asia Standard Time", "Asia/Tashkent" },
};

void
zones_lock(void)
{
    pthread_mutex_lock(&mutex);
    icalerror_set_errors_are_fatal(false);
}

void
zones_unlock(void)
{
    pthread_mutex_unlock(&mutex);
}

icaltimezone *
zones_find(const char *name)
{
    if (name == NULL || name[0] == '\0' || strlen(name) > 100)
        return NULL;
    if (strcasecmp(name, "UTC") == 0 || strcasecmp(name, "GMT") == 0 || strcasecmp(name, "Etc/UTC") == 0 ||
        strcasecmp(name, "tzone://Microsoft/Utc") == 0)
        return icaltimezone_get_utc_timezone();
    for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++)
        if (strcasecmp(windows[i][0], name) == 0)
            return icaltimezone_get_builtin_timezone(windows[i][1]);
    return icaltimezone_get_builtin_timezone(name);
}

bool
zones_read(const char *date_time, const char *zone, struct icaltimetype *utc)
{
    struct icaltimetype t = icaltime_null_time();
    icaltimezone *z = zones_find(zone);
    int used = 0;
    if (z == NULL || date_time == NULL || sscanf(date_time, "%4d-%2d-%2d%n", &t.year, &t.month, &t.day, &used) != 3)
        return false;
    date_time += used;
    used = 0;
    if (date_time[0] == 'T' && sscanf(date_time, "T%2d:%2d%n", &t.hour, &t.minute, &used) != 2)
        return false;
    if (date_time[used] == ':' && sscanf(date_time + used, ":%2d", &t.second) != 1)
        return false;
    if (t.year < 1 || t.month < 1 || t.month > 12 || t.day < 1 || t.day > icaltime_days_in_month(t.month, t.year) ||
        t.hour < 0 || t.hour > 23 || t.minute < 0 || t.minute > 59 || t.second < 0 || t.second > 59)
        return false;
    t.zone = z;
    *utc = icaltime_convert_to_zone(t, icaltimezone_get_utc_timezone());
    return true;
}

void
zones_write(struct icaltimetype utc, icaltimezone *zone, char out[32])
{
    struct icaltimetype t = zone != NULL ? icaltime_convert_to_zone(utc, zone) : utc;
    snprintf(out, 32, "%04d-%02d-%02dT%02d:%02d:%02d.0000000", t.year, t.month, t.day, t.hour, t.minute, t.second);
}
