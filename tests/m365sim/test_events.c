#include "common/base/memory.h"
#include "tests/m365sim/box_read.h"
#include "tests/m365sim/files.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BEGIN "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n"
#define END   "END:VCALENDAR\r\n"

static json_t *
read_text(const char *text)
{
    return event_read(text, strlen(text));
}

static void
assert_property(const json_t *o, const char *name, const char *want)
{
    const char *have = json_string_value(json_object_get(o, name));
    assert_non_null(have);
    assert_string_equal(have, want);
}

static void
a_series_with_exception_and_cancelled_day_is_read(void **state)
{
    static const char text[] = BEGIN "BEGIN:VEVENT\r\nUID:u\r\nRECURRENCE-ID;TZID=Europe/"
                                     "Berlin:20260928T090000\r\nSUMMARY:moved\r\n"
                                     "DTSTART;TZID=Europe/Berlin:20260928T110000\r\nDTEND;TZID=Europe/"
                                     "Berlin:20260928T111500\r\nEND:VEVENT\r\n"
                                     "BEGIN:VEVENT\r\nUID:u\r\nSUMMARY:Stand-up\r\nDTSTART;TZID=Europe/"
                                     "Berlin:20260914T090000\r\n"
                                     "DURATION:PT15M\r\nRRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=20261214T220000Z\r\n"
                                     "EXDATE;TZID=Europe/"
                                     "Berlin:20261005T090000\r\nORGANIZER;CN=Ines:mailto:i@b.example\r\n"
                                     "ATTENDEE;CN=Olu;PARTSTAT=ACCEPTED;ROLE=OPT-PARTICIPANT:mailto:o@b."
                                     "example\r\nCATEGORIES:a,b\r\n"
                                     "CLASS:PRIVATE\r\nLOCATION:Room\r\nBEGIN:VALARM\r\nACTION:"
                                     "DISPLAY\r\nTRIGGER:-PT10M\r\nEND:VALARM\r\n"
                                     "ATTACH;FMTTYPE=text/"
                                     "plain;ENCODING=BASE64;VALUE=BINARY;FILENAME=a.txt:aGVsbG8=\r\nEND:"
                                     "VEVENT\r\n" END;
    (void)state;
    json_t *found = read_text(text);
    assert_int_equal(json_object_size(found), 2);
    const json_t *o = json_object_get(found, "u"), *pattern, *range;
    assert_property(o, "subject", "Stand-up");
    assert_property(o, "type", "seriesMaster");
    assert_property(o, "originalStartTimeZone", "Europe/Berlin");
    assert_property(json_object_get(o, "start"), "dateTime", "2026-09-14T07:00:00.0000000");
    assert_property(json_object_get(o, "end"), "dateTime", "2026-09-14T07:15:00.0000000");
    pattern = json_object_get(json_object_get(o, "recurrence"), "pattern");
    range = json_object_get(json_object_get(o, "recurrence"), "range");
    assert_property(pattern, "type", "weekly");
    assert_property(range, "endDate", "2026-12-14");
    assert_string_equal(json_string_value(json_array_get(json_object_get(pattern, "daysOfWeek"), 0)), "monday");
    assert_string_equal(json_string_value(json_array_get(json_object_get(o, "_cancelled"), 0)), "2026-10-05");
    assert_property(o, "sensitivity", "private");
    assert_property(json_object_get(o, "location"), "displayName", "Room");
    assert_int_equal(json_integer_value(json_object_get(o, "reminderMinutesBeforeStart")), 10);
    const json_t *attendee = json_array_get(json_object_get(o, "attendees"), 0);
    assert_property(attendee, "type", "optional");
    assert_property(json_object_get(attendee, "status"), "response", "accepted");
    assert_property(json_array_get(json_object_get(o, "_files"), 0), "contentBytes", "aGVsbG8=");
    const json_t *x = json_object_get(found, "u 2026-09-28T07:00:00.0000000");
    assert_property(x, "type", "exception");
    assert_property(x, "_series", "u");
    assert_property(x, "originalStart", "2026-09-28T07:00:00Z");
    json_decref(found);
}

/* The type of the pattern that a rule becomes; "single" when Graph has none. */
static void
assert_rule(const char *rule, const char *type, const char *index)
{
    CLEANUP(memory_free_p)
    char *text = memory_printf(BEGIN "BEGIN:VEVENT\r\nUID:u\r\nDTSTART;VALUE=DATE:"
                                     "20260914\r\nRRULE:%s\r\nEND:VEVENT\r\n" END,
                               rule);
    json_t *found = read_text(text);
    const json_t *o = json_object_get(found, "u");
    const json_t *pattern = json_object_get(json_object_get(o, "recurrence"), "pattern");
    assert_true(json_is_true(json_object_get(o, "isAllDay")));
    if (type == NULL) {
        assert_null(pattern);
        assert_property(o, "type", "singleInstance");
    } else {
        assert_property(pattern, "type", type);
        assert_property(pattern, "index", index);
    }
    json_decref(found);
}

static void
rules_become_what_graph_has(void **state)
{
    (void)state;
    assert_rule("FREQ=DAILY;INTERVAL=3", "daily", "first");
    assert_rule("FREQ=DAILY;BYDAY=MO,TU", "weekly", "first");
    assert_rule("FREQ=WEEKLY", "weekly", "first");
    assert_rule("FREQ=MONTHLY;BYMONTHDAY=31", "absoluteMonthly", "first");
    assert_rule("FREQ=MONTHLY;BYDAY=-1FR", "relativeMonthly", "last");
    assert_rule("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=2", "relativeMonthly", "second");
    assert_rule("FREQ=YEARLY", "absoluteYearly", "first");
    assert_rule("FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", "relativeYearly", "fourth");
    assert_rule("FREQ=HOURLY", NULL, NULL);
    assert_rule("FREQ=MONTHLY;BYMONTHDAY=1,15", NULL, NULL);
    assert_rule("FREQ=MONTHLY;BYDAY=1MO,3MO", NULL, NULL);
    assert_rule("FREQ=YEARLY;BYWEEKNO=20", NULL, NULL);
}

static void
zones_are_known_by_their_names_or_described(void **state)
{
    static const char text[] = BEGIN "BEGIN:VTIMEZONE\r\nTZID:Mine\r\nBEGIN:STANDARD\r\nDTSTART:"
                                     "19700101T000000\r\nTZOFFSETFROM:+0300\r\n"
                                     "TZOFFSETTO:+0300\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
                                     "BEGIN:VEVENT\r\nUID:a\r\nDTSTART;TZID=Mine:20260914T090000\r\nEND:"
                                     "VEVENT\r\n"
                                     "BEGIN:VEVENT\r\nUID:b\r\nDTSTART;TZID=W. Europe Standard "
                                     "Time:20260914T090000\r\nEND:VEVENT\r\n"
                                     "BEGIN:VEVENT\r\nUID:c\r\nDTSTART;TZID=/x.org/Europe/"
                                     "Berlin:20260914T090000\r\nEND:VEVENT\r\n"
                                     "BEGIN:VEVENT\r\nUID:d\r\nDTSTART:20260914T090000\r\nEND:VEVENT\r\n"
                                     "BEGIN:VEVENT\r\nUID:e\r\nSUMMARY:no start\r\nEND:VEVENT\r\n" END;
    static const char *const want[][3] = { { "a", "tzone://Microsoft/Custom", "2026-09-14T06:00:00.0000000" },
                                           { "b", "W. Europe Standard Time", "2026-09-14T07:00:00.0000000" },
                                           { "c", "Europe/Berlin", "2026-09-14T07:00:00.0000000" },
                                           { "d", "UTC", "2026-09-14T09:00:00.0000000" } };
    (void)state;
    json_t *found = read_text(text);
    assert_int_equal(json_object_size(found), ARRAY_LEN(want));
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        const json_t *o = json_object_get(found, want[i][0]);
        assert_property(o, "originalStartTimeZone", want[i][1]);
        assert_property(json_object_get(o, "start"), "dateTime", want[i][2]);
    }
    json_decref(found);
    json_decref(read_text("not a calendar"));
    json_decref(read_text(""));
}

static unsigned files_seen, without_event;

static int
on_corpus_file(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    size_t len;
    const char *name;
    json_t *one;
    (void)st;
    (void)at;
    if (kind != FTW_F || !box_reads(BOX_CALENDARS, path))
        return 0;
    char *data = files_read(path, (size_t)64 << 20, &len, NULL);
    assert_non_null(data);
    json_t *found = event_read(data, len);
    files_seen++;
    if (json_object_size(found) == 0 && strstr(data, "BEGIN:VEVENT") != NULL) {
        print_message("no event: %s\n", path);
        without_event++;
    }
    json_object_foreach (found, name, one)
        assert_non_null(json_object_get(one, "subject"));
    json_decref(found);
    free(data);
    return 0;
}

static void
real_calendars_have_events(void **state)
{
    const char *folder = getenv("LONGHAUL_CALENDAR_CORPUS");
    (void)state;
    if (folder == NULL)
        skip();
    assert_int_equal(nftw(folder, on_corpus_file, 16, FTW_PHYS), 0);
    /* Some are cut off or have no start. */
    assert_true(files_seen > 0 && without_event * 10 <= files_seen);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_series_with_exception_and_cancelled_day_is_read),
        cmocka_unit_test(rules_become_what_graph_has),
        cmocka_unit_test(zones_are_known_by_their_names_or_described),
        cmocka_unit_test(real_calendars_have_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
