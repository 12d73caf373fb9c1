#include "common/base/memory.h"
#include "common/crypto/sealing_key.h"
#include "director/api/api_fields.h"
#include "director/api/api_handlers.h"
#include "director/api/api_json.h"
#include "director/api/api_labels.h"
#include "director/director.h"
#include "director/store/store_events.h"
#include "director/store/store_transporters.h"

static json_t *
connection_json(const struct director_transporter_state *state)
{
    if (!state->online)
        return json_null();
    return json_pack("{s:o, s:s, s:i, s:I, s:f, s:s, s:s, s:s}", "since", api_json_time(state->connected_ms), "address",
                     state->address, "running", (int)state->running, "resident_bytes",
                     (json_int_t)state->resident_bytes, "cpu_seconds", state->cpu_seconds, "tls_version",
                     state->tls_version, "tls_suite", state->tls_suite, "tls_group", state->tls_group);
}

static json_t *
transporter_json(const struct api_call *call, const struct store_transporter *transporter)
{
    struct director_transporter_state state;
    char fingerprint[SEALING_KEY_FINGERPRINT_LEN];

    director_transporter_state(call->director, transporter->id, &state);
    sealing_key_fingerprint(transporter->sealing_key, fingerprint);
    json_t *json = json_pack(
        "{s:s, s:s, s:b, s:b, s:o, s:o, s:o, s:s, s:i}", "id", transporter->id, "name", transporter->name, "online",
        state.online, "revoked", transporter->revoked_ms != 0, "labels", api_json_labels(&transporter->labels),
        "address", api_json_text(transporter->advertise), "version", api_json_text(transporter->software_version),
        "sealing_key_fingerprint", fingerprint, "task_slots", (int)transporter->task_slots);
    json_object_set_new(json, "sealing_key", api_json_bytes(transporter->sealing_key, STORE_SEALING_KEY_LEN));
    json_object_set_new(json, "enrolled", api_json_time(transporter->enrolled_ms));
    json_object_set_new(json, "certificate_expires", api_json_time(transporter->certificate_expires_ms));
    json_object_set_new(json, "last_seen", api_json_time(transporter->last_seen_ms));
    json_object_set_new(json, "revoked_at", api_json_time(transporter->revoked_ms));
    json_object_set_new(json, "connection", connection_json(&state));
    return json;
}

static int
on_transporter(void *ctx, const struct store_transporter *transporter, struct error *err)
{
    struct api_page *page = ctx;

    (void)err;
    return api_json_page_add(page, transporter->id, transporter_json(page->call, transporter));
}

int
api_transporters_list(struct api_call *call, struct error *err)
{
    struct api_page page;

    if (api_json_page_begin(call, &page, err) != 0)
        return -1;
    return api_json_page_end(&page, store_transporters_list(call->store, page.page, on_transporter, &page, err));
}

int
api_transporters_show(struct api_call *call, struct error *err)
{
    struct store_transporter transporter;

    if (store_transporters_find(call->store, api_call_parameter(call, 0), &transporter, err) != 0)
        return -1;
    return api_call_reply(call, transporter_json(call, &transporter));
}

int
api_transporters_label(struct api_call *call, struct error *err)
{
    static const char *const fields[] = { "labels", NULL };
    struct store_transporter transporter;

    if (store_transporters_find(call->store, api_call_parameter(call, 0), &transporter, err) != 0 ||
        api_fields_only(call->body, fields, err) != 0 ||
        api_labels_read(call->body, "labels", &transporter.labels, err) != 0 ||
        store_transporters_set_labels(call->store, transporter.id, &transporter.labels, err) != 0 ||
        store_events_add(call->store, NULL, call->token_name, "transporter.labelled", transporter.id, err, "%zu labels",
                         transporter.labels.count) != 0)
        return -1;
    return api_call_reply(call, transporter_json(call, &transporter));
}

int
api_transporters_revoke(struct api_call *call, struct error *err)
{
    struct store_transporter transporter;

    if (store_transporters_find(call->store, api_call_parameter(call, 0), &transporter, err) != 0 ||
        director_transporter_revoke(call->director, transporter.id, call->token_name, err) != 0 ||
        store_transporters_find(call->store, transporter.id, &transporter, err) != 0)
        return -1;
    return api_call_reply(call, transporter_json(call, &transporter));
}
