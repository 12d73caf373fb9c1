#include "director/api/api_handlers.h"
#include "director/api/api_json.h"
#include "director/store/store_events.h"

#include <stdlib.h>

struct event_list {
    json_t *items;
    int64_t last;
};

static int
on_event(void *ctx, const struct store_event *event, struct error *err)
{
    struct event_list *list = ctx;

    (void)err;
    list->last = event->seq;
    return json_array_append_new(list->items,
                                 json_pack("{s:I, s:o, s:o, s:s, s:s, s:o, s:s}", "seq", (json_int_t)event->seq, "time",
                                           api_json_time(event->time_ms), "tenant", api_json_text(event->tenant),
                                           "actor", event->actor, "type", event->type, "subject",
                                           api_json_text(event->subject), "text", event->text));
}

/* Newest first, going back with ?before=SEQ; or with ?after=SEQ oldest first, to follow what happens. */
int
api_events_list(struct api_call *call, struct error *err)
{
    char tenant[IDENTIFIER_LEN];
    const char *filter;
    struct event_list list = { .last = 0 };
    uint64_t after, before, limit;
    bool follow = api_call_query(call, "after") != NULL;

    if (api_json_tenant_filter(call, tenant, &filter, err) != 0 ||
        api_call_query_number(call, "after", 0, INT64_MAX, 0, &after, err) != 0 ||
        api_call_query_number(call, "before", 0, INT64_MAX, 0, &before, err) != 0 ||
        api_call_query_number(call, "limit", 1, STORE_PAGE_MAX, 100, &limit, err) != 0)
        return -1;
    list.items = json_array();
    int result =
        follow ? store_events_list(call->store, filter, (int64_t)after, (unsigned)limit, on_event, &list, err)
               : store_events_list_newest(call->store, filter, (int64_t)before, (unsigned)limit, on_event, &list, err);
    if (result != 0) {
        json_decref(list.items);
        return -1;
    }
    bool more = json_array_size(list.items) == limit;
    return api_call_reply(
        call, json_pack("{s:o, s:o}", "items", list.items, "next", more ? json_integer(list.last) : json_null()));
}
