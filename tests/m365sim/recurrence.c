#include "tests/m365sim/recurrence.h"

#include "common/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const days[] = {
    NULL, "sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"
};
static const char *const codes[] = { NULL, "SU", "MO", "TU", "WE", "TH", "FR", "SA" };
static const char *const indexes[] = { "first", "second", "third", "fourth", "last" };

static size_t
count_of(const short *list, size_t limit)
{
    size_t n = 0;
    while (n < limit && list[n] != ICAL_RECURRENCE_ARRAY_MAX)
        n++;
    return n;
}

/* What a pattern is made of. */
struct parts {
    const struct icalrecurrencetype *rule;
    size_t days, month_days, months, positions;
    int position; /* of the days in the month, 0: none, 99: several */
    json_t *names;
};

static void
take_days(struct parts *p)
{
    p->names = json_array();
    for (size_t i = 0; i < p->days; i++) {
        int at = icalrecurrencetype_day_position(p->rule->by_day[i]);
        int day = (int)icalrecurrencetype_day_day_of_week(p->rule->by_day[i]);
        if (i > 0 && at != p->position)
            at = 99;
        p->position = at;
        if (day >= 1 && day <= 7)
            json_array_append_new(p->names, json_string(days[day]));
    }
    if (p->positions == 1 && p->position == 0)
        p->position = p->rule->by_set_pos[0];
    else if (p->positions > 0)
        p->position = 99;
}

static json_t *
pattern(const char *type, int interval)
{
    return json_pack("{s:s,s:i,s:i,s:i,s:[],s:s,s:s}", "type", type, "interval", interval, "month", 0, "dayOfMonth", 0,
                     "daysOfWeek", "firstDayOfWeek", "sunday", "index", "first");
}

static json_t *
weekly(const struct parts *p, struct icaltimetype start, int interval)
{
    json_t *o = pattern("weekly", interval);
    json_t *names =
        json_array_size(p->names) > 0 ? json_incref(p->names) : json_pack("[s]", days[icaltime_day_of_week(start)]);
    json_object_set_new(o, "daysOfWeek", names);
    if (p->rule->week_start >= ICAL_SUNDAY_WEEKDAY && p->rule->week_start <= ICAL_SATURDAY_WEEKDAY)
        json_object_set_new(o, "firstDayOfWeek", json_string(days[p->rule->week_start]));
    return o;
}

/* Monthly, or (month > 0) yearly. */
static json_t *
monthly(const struct parts *p, struct icaltimetype start, int interval, int month)
{
    bool relative = p->days > 0;
    if (relative && (p->month_days > 0 || p->position == 0 || p->position < -1 || p->position > 4))
        return NULL;
    int day = p->month_days == 1 ? p->rule->by_month_day[0] : start.day;
    if (!relative && (p->month_days > 1 || p->positions > 0 || day < 1 || day > 31))
        return NULL;
    json_t *o = pattern(relative ? (month > 0 ? "relativeYearly" : "relativeMonthly")
                                 : (month > 0 ? "absoluteYearly" : "absoluteMonthly"),
                        interval);
    json_object_set_new(o, "month", json_integer(month));
    if (relative) {
        json_object_set(o, "daysOfWeek", p->names);
        json_object_set_new(o, "index", json_string(indexes[p->position == -1 ? 4 : p->position - 1]));
    } else {
        json_object_set_new(o, "dayOfMonth", json_integer(day));
    }
    return o;
}

static json_t *
make_pattern(const struct parts *p, struct icaltimetype start)
{
    int interval = p->rule->interval > 0 ? p->rule->interval : 1;
    bool plain_days = p->position == 0 && p->positions == 0;
    switch ((int)p->rule->freq) {
    case ICAL_DAILY_RECURRENCE:
        if (p->month_days > 0 || p->months > 0 || !plain_days || (p->days > 0 && interval > 1))
            return NULL;
        return p->days > 0 ? weekly(p, start, 1) : pattern("daily", interval);
    case ICAL_WEEKLY_RECURRENCE:
        return p->month_days > 0 || p->months > 0 || !plain_days ? NULL : weekly(p, start, interval);
    case ICAL_MONTHLY_RECURRENCE:
        return p->months > 0 ? NULL : monthly(p, start, interval, 0);
    case ICAL_YEARLY_RECURRENCE:
        /* "The first Monday" is one of the year unless a month is named. */
        if (p->months > 1 || (p->days > 0 && p->months == 0))
            return NULL;
        return monthly(p, start, interval, p->months == 1 ? p->rule->by_month[0] : start.month);
    default:
        return NULL;
    }
}

static json_t *
make_range(const struct icalrecurrencetype *rule, struct icaltimetype start, const char *zone)
{
    const char *type = "noEnd";
    json_t *end = json_string("0001-01-01");
    if (rule->count > 0) {
        type = "numbered";
    } else if (!icaltime_is_null_time(rule->until)) {
        struct icaltimetype until = rule->until;
        if (start.zone != NULL && !until.is_date && icaltime_is_utc(until))
            until = icaltime_convert_to_zone(until, (icaltimezone *)(uintptr_t)start.zone);
        type = "endDate";
        json_decref(end);
        end = json_sprintf("%04d-%02d-%02d", until.year, until.month, until.day);
    }
    return json_pack("{s:s,s:o,s:o,s:s,s:i}", "type", type, "startDate",
                     json_sprintf("%04d-%02d-%02d", start.year, start.month, start.day), "endDate", end,
                     "recurrenceTimeZone", zone, "numberOfOccurrences", rule->count > 0 ? rule->count : 0);
}

json_t *
recurrence_from_rule(const struct icalrecurrencetype *rule, struct icaltimetype start, const char *zone)
{
    struct parts p = { .rule = rule,
                       .days = count_of(rule->by_day, ICAL_BY_DAY_SIZE),
                       .month_days = count_of(rule->by_month_day, ICAL_BY_MONTHDAY_SIZE),
                       .months = count_of(rule->by_month, ICAL_BY_MONTH_SIZE),
                       .positions = count_of(rule->by_set_pos, ICAL_BY_SETPOS_SIZE) };
    if (count_of(rule->by_hour, ICAL_BY_HOUR_SIZE) > 1 || count_of(rule->by_minute, ICAL_BY_MINUTE_SIZE) > 1 ||
        count_of(rule->by_second, ICAL_BY_SECOND_SIZE) > 1 || count_of(rule->by_year_day, ICAL_BY_YEARDAY_SIZE) > 0 ||
        count_of(rule->by_week_no, ICAL_BY_WEEKNO_SIZE) > 0 || start.month < 1 || start.day < 1)
        return NULL;
    take_days(&p);
    json_t *made = make_pattern(&p, start);
    json_decref(p.names);
    return made != NULL ? json_pack("{s:o,s:o}", "pattern", made, "range", make_range(rule, start, zone)) : NULL;
}

static const char *
text_of(const json_t *o, const char *name)
{
    const char *text = json_string_value(json_object_get(o, name));
    return text != NULL ? text : "";
}

static char *
day_codes(const json_t *names)
{
    char *out = memory_strdup("");
    size_t i;
    const json_t *one;
    json_array_foreach (names, i, one) {
        for (size_t k = 1; json_is_string(one) && k < ARRAY_LEN(days); k++) {
            if (strcasecmp(days[k], json_string_value(one)) != 0)
                continue;
            char *longer = memory_printf("%s%s%s", out, out[0] != '\0' ? "," : "", codes[k]);
            free(out);
            out = longer;
        }
    }
    return out;
}

/* The RRULE of a Graph recurrence; the caller frees it. NULL when it is not
 * understood. */
static char *
rule_text(const json_t *recurrence)
{
    const json_t *p = json_object_get(recurrence, "pattern"), *range = json_object_get(recurrence, "range");
    const char *type = text_of(p, "type"), *end = text_of(range, "type");
    CLEANUP(memory_free_p)
    char *names = day_codes(json_object_get(p, "daysOfWeek"));
    CLEANUP(memory_free_p) char *tail = NULL;
    json_int_t interval = json_integer_value(json_object_get(p, "interval"));
    int day = (int)json_integer_value(json_object_get(p, "dayOfMonth"));
    int month = (int)json_integer_value(json_object_get(p, "month")), at = 1, y, m, d;
    for (size_t i = 0; i < ARRAY_LEN(indexes); i++)
        if (strcasecmp(indexes[i], text_of(p, "index")) == 0)
            at = i == 4 ? -1 : (int)i + 1;
    if (strcasecmp(end, "numbered") == 0)
        tail = memory_printf(";COUNT=%d", (int)json_integer_value(json_object_get(range, "numberOfOccurrences")));
    else if (strcasecmp(end, "endDate") == 0 && sscanf(text_of(range, "endDate"), "%4d-%2d-%2d", &y, &m, &d) == 3)
        tail = memory_printf(";UNTIL=%04d%02d%02dT235959", y, m, d);
    else
        tail = memory_strdup("");
    if (interval < 1 || interval > 999)
        return NULL;
    if (strcasecmp(type, "daily") == 0)
        return memory_printf("FREQ=DAILY;INTERVAL=%d%s", (int)interval, tail);
    if (strcasecmp(type, "weekly") == 0 && names[0] != '\0')
        return memory_printf("FREQ=WEEKLY;INTERVAL=%d;BYDAY=%s%s", (int)interval, names, tail);
    if (strcasecmp(type, "absoluteMonthly") == 0 && day > 0)
        return memory_printf("FREQ=MONTHLY;INTERVAL=%d;BYMONTHDAY=%d%s", (int)interval, day, tail);
    if (strcasecmp(type, "relativeMonthly") == 0 && names[0] != '\0')
        return memory_printf("FREQ=MONTHLY;INTERVAL=%d;BYDAY=%s;BYSETPOS=%d%s", (int)interval, names, at, tail);
    if (strcasecmp(type, "absoluteYearly") == 0 && day > 0 && month > 0)
        return memory_printf("FREQ=YEARLY;INTERVAL=%d;BYMONTH=%d;BYMONTHDAY=%d%s", (int)interval, month, day, tail);
    if (strcasecmp(type, "relativeYearly") == 0 && names[0] != '\0' && month > 0)
        return memory_printf("FREQ=YEARLY;INTERVAL=%d;BYMONTH=%d;BYDAY=%s;BYSETPOS=%d%s", (int)interval, month, names,
                             at, tail);
    return NULL;
}

bool
recurrence_expand(const json_t *recurrence, struct icaltimetype start, icaltimezone *zone,
                  bool (*on_start)(void *ctx, struct icaltimetype utc, struct icaltimetype local), void *ctx)
{
    CLEANUP(memory_free_p) char *text = rule_text(recurrence);
    if (text == NULL)
        return false;
    struct icaltimetype local = icaltime_convert_to_zone(start, zone);
    struct icalrecurrencetype rule = icalrecurrencetype_from_string(text);
    icalrecur_iterator *iterator = icalrecur_iterator_new(rule, local);
    if (iterator == NULL)
        return false;
    for (int i = 0; i < RECURRENCE_LIMIT; i++) {
        struct icaltimetype next = icalrecur_iterator_next(iterator);
        if (icaltime_is_null_time(next))
            break;
        next.zone = zone;
        if (!on_start(ctx, icaltime_convert_to_zone(next, icaltimezone_get_utc_timezone()), next))
            break;
    }
    icalrecur_iterator_free(iterator);
    return true;
}
