#include "tests/m365sim/control.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/m365sim/auth.h"
#include "tests/m365sim/faults.h"
#include "tests/m365sim/limits.h"
#include "tests/m365sim/reply.h"
#include "tests/m365sim/request.h"
#include "tests/m365sim/sim.h"
#include "tests/m365sim/stats.h"

#include <string.h>

static void
refuse(struct reply *reply, const struct error *err)
{
    reply_error(reply, 400, "BadControl", error_is_set(err) ? err->text : "The body is not the JSON wanted here.",
                NULL);
}

static json_t *
any_json(struct request *r)
{
    const uint8_t *bytes = body_bytes(&r->body, NULL);
    return bytes == NULL ? NULL : json_loadb((const char *)bytes, r->body.size, JSON_DECODE_ANY, NULL);
}

static void
post_faults(struct request *r, struct reply *reply)
{
    struct error err = ERROR_INIT;
    json_t *rules = any_json(r);
    if (rules == NULL || faults_add(r->sim->faults, rules, &err) != 0)
        refuse(reply, &err);
    else
        reply_json(reply, 200, faults_json(r->sim->faults));
    json_decref(rules);
}

static void
get_faults(struct request *r, struct reply *reply)
{
    reply_json(reply, 200, faults_json(r->sim->faults));
}

static void
delete_faults(struct request *r, struct reply *reply)
{
    faults_clear(r->sim->faults);
    reply_empty(reply, 204);
}

static void
post_auth(struct request *r, struct reply *reply)
{
    struct error err = ERROR_INIT;
    json_t *o = request_json(r);
    if (o == NULL) {
        refuse(reply, &err);
        return;
    }
    if (json_is_true(json_object_get(o, "revoke_tokens")))
        auth_revoke_tokens(r->sim->auth);
    if (json_is_boolean(json_object_get(o, "secret_expired")))
        auth_set_secret_expired(r->sim->auth, json_is_true(json_object_get(o, "secret_expired")));
    if (json_is_integer(json_object_get(o, "token_seconds")))
        auth_set_token_seconds(r->sim->auth, (unsigned)json_integer_value(json_object_get(o, "token_seconds")));
    json_decref(o);
    reply_empty(reply, 204);
}

static void
post_limits(struct request *r, struct reply *reply)
{
    struct error err = ERROR_INIT;
    json_t *numbers = any_json(r);
    if (numbers == NULL || limits_set(r->sim->limits, numbers, &err) != 0)
        refuse(reply, &err);
    else
        reply_empty(reply, 204);
    json_decref(numbers);
}

static void
post_reset(struct request *r, struct reply *reply)
{
    const char *file = r->sim->options.limits;
    json_t *numbers = file == NULL || strcmp(file, "off") == 0 ? NULL : json_load_file(file, 0, NULL);
    faults_clear(r->sim->faults);
    stats_reset(r->sim->stats);
    limits_set(r->sim->limits, numbers, NULL);
    auth_set_secret_expired(r->sim->auth, false);
    auth_set_token_seconds(r->sim->auth, AUTH_TOKEN_SECONDS);
    json_decref(numbers);
    reply_empty(reply, 204);
}

static void
get_stats(struct request *r, struct reply *reply)
{
    reply_json(reply, 200, stats_json(r->sim->stats));
}

void
control_handle(struct request *r, struct reply *reply)
{
    static const struct {
        const char *method, *name;
        void (*handle)(struct request *r, struct reply *reply);
    } handlers[] = {
        { "POST", "faults", post_faults }, { "GET", "faults", get_faults },   { "DELETE", "faults", delete_faults },
        { "POST", "auth", post_auth },     { "POST", "limits", post_limits }, { "POST", "reset", post_reset },
        { "GET", "stats", get_stats },
    };
    const char *name = r->tail < r->segment_count ? r->segments[r->tail] : "";
    for (size_t i = 0; i < ARRAY_LEN(handlers); i++) {
        if (strcmp(handlers[i].name, name) == 0 && strcmp(handlers[i].method, r->method) == 0) {
            handlers[i].handle(r, reply);
            return;
        }
    }
    reply_error(reply, 404, "BadControl", "There is no such control.", NULL);
}
