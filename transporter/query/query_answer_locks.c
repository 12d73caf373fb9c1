#include "common/base/clock.h"
#include "common/base/error.h"
#include "transporter/pipeline/remote_vault.h"
#include "transporter/query/query_answer.h"

static json_t *
time_of(int64_t wall_ms)
{
    char text[CLOCK_TEXT_LEN];
    if (wall_ms <= 0)
        return json_null();
    clock_format_ms(wall_ms, text);
    return json_string(text);
}

json_t *
query_answer_locks(const struct query_request *request, struct remote_vault *remote, struct error *err)
{
    struct remote_vault_locks locks;
    if (remote_vault_get_locks(remote, request->check, &locks, err) != 0)
        return NULL;
    return json_pack("{s:b, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:I, s:I, s:I}", "supported", locks.supported,
                     "now", time_of(locks.now_ms), "promise", time_of(locks.promise_ms), "objects",
                     (json_int_t)locks.objects, "locked", (json_int_t)locks.locked, "without",
                     (json_int_t)locks.without, "short_of_promise", (json_int_t)locks.short_of_promise, "dead",
                     (json_int_t)locks.dead, "earliest", time_of(locks.earliest_ms), "latest", time_of(locks.latest_ms),
                     "checked", (json_int_t)locks.checked, "missing", (json_int_t)locks.missing, "extended",
                     (json_int_t)locks.extended);
}
