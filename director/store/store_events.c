#include "director/store/store_events.h"

#include "common/base/clock.h"
#include "director/store/store_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct store_column columns[] = {
    STORE_COLUMN(I64, store_event, seq),     STORE_COLUMN(I64, store_event, time_ms),
    STORE_COLUMN(TEXT, store_event, tenant), STORE_COLUMN(TEXT, store_event, actor),
    STORE_COLUMN(TEXT, store_event, type),   STORE_COLUMN(TEXT, store_event, subject),
    STORE_COLUMN(TEXT, store_event, text),
};
static const struct store_table table = STORE_TABLE("event", "event", columns, store_event);

STORE_EACH(each_event, store_event);

static const char *
or_none(const char *text)
{
    return text != NULL ? text : "";
}

/* Cuts in front of the character that does not fit whole. */
static void
cut_to_utf8(char *text, size_t size)
{
    size_t len = strlen(text);

    while (len > 0 && !store_title_valid(text, size) && ((unsigned char)text[len - 1] & 0x80) != 0)
        text[--len] = '\0';
}

int
store_events_add(struct store *store, const char *tenant, const char *actor, const char *type, const char *subject,
                 struct error *err, const char *fmt, ...)
{
    char text[STORE_TEXT_LEN];
    va_list args;

    va_start(args, fmt);
    int len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (len < 0)
        return FAIL(err, ERROR_INTERNAL, 0, "event %s has no text", type);
    if ((size_t)len >= sizeof(text))
        cut_to_utf8(text, sizeof(text));
    return store_statement_change(
        store,
        STORE_QUERY("INSERT INTO event (time_ms, tenant, actor, type, subject, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    STORE_INT(clock_wall_ms(store->clock)), STORE_TEXT(or_none(tenant)), STORE_TEXT(or_none(actor)),
                    STORE_TEXT(type), STORE_TEXT(or_none(subject)), STORE_TEXT(text)),
        NULL, err);
}

static int64_t
bounded(unsigned limit)
{
    return limit == 0 || limit > STORE_PAGE_MAX ? STORE_PAGE_MAX : limit;
}

int
store_events_list(struct store *store, const char *tenant, int64_t after_seq, unsigned limit,
                  int (*each)(void *ctx, const struct store_event *event, struct error *err), void *ctx,
                  struct error *err)
{
    struct each_event to = { each, ctx };

    return store_table_each(store, &table,
                            STORE_QUERY("WHERE (?1 = '' OR tenant = ?1) AND seq > ?2 ORDER BY seq LIMIT ?3",
                                        STORE_TEXT(or_none(tenant)), STORE_INT(after_seq), STORE_INT(bounded(limit))),
                            each_event, &to, err);
}

int
store_events_list_newest(struct store *store, const char *tenant, int64_t before_seq, unsigned limit,
                         int (*each)(void *ctx, const struct store_event *event, struct error *err), void *ctx,
                         struct error *err)
{
    struct each_event to = { each, ctx };

    return store_table_each(store, &table,
                            STORE_QUERY("WHERE (?1 = '' OR tenant = ?1) AND seq < ?2 ORDER BY seq DESC LIMIT ?3",
                                        STORE_TEXT(or_none(tenant)), STORE_INT(before_seq > 0 ? before_seq : INT64_MAX),
                                        STORE_INT(bounded(limit))),
                            each_event, &to, err);
}
