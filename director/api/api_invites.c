#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "director/api/api_fields.h"
#include "director/api/api_handlers.h"
#include "director/api/api_json.h"
#include "director/api/api_labels.h"
#include "director/director.h"
#include "director/director_config.h"
#include "director/enrolment/authority.h"
#include "director/enrolment/invite.h"
#include "director/store/store_events.h"
#include "director/store/store_invites.h"
#include "director/store/store_transporters.h"

#include <string.h>

static json_t *
invite_json(const struct store_invite *invite)
{
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "id", invite->id, "name", invite->name, "labels",
                     api_json_labels(&invite->labels), "created", api_json_time(invite->created_ms), "expires",
                     api_json_time(invite->expires_ms), "used", api_json_time(invite->used_ms), "used_by",
                     api_json_text(invite->used_by));
}

static int
on_invite(void *ctx, const struct store_invite *invite, struct error *err)
{
    (void)err;
    return api_json_page_add(ctx, invite->id, invite_json(invite));
}

int
api_invites_list(struct api_call *call, struct error *err)
{
    struct api_page page;

    if (api_json_page_begin(call, &page, err) != 0)
        return -1;
    return api_json_page_end(&page, store_invites_list(call->store, page.page, on_invite, &page, err));
}

/* The token is in this one reply and nowhere else. */
static int
reply_with_command(struct api_call *call, const struct store_invite *invite, const char *token, struct error *err)
{
    const char *address = director_config(call->director)->rpc_advertise;
    const char *fingerprint = authority_fingerprint(director_authority(call->director));
    char *command = invite_command(token, address, fingerprint);
    json_t *reply = invite_json(invite);

    if (command == NULL) {
        json_decref(reply);
        return FAIL(err, ERROR_INTERNAL, 0, "the invitation's command cannot be made");
    }
    json_object_set_new(reply, "director", json_string(address));
    json_object_set_new(reply, "fingerprint", json_string(fingerprint));
    json_object_set_new(reply, "token", json_string(token));
    json_object_set_new(reply, "command", json_string(command));
    secret_zero(command, strlen(command));
    free(command);
    return api_call_created(call, reply);
}

/* A node that was away until its certificate ended comes back under its own name. */
static int
check_name_free(const struct api_call *call, const char *name, struct error *err)
{
    CLEANUP(memory_free_p) struct store_transporter *taken = MEMORY_NEW(struct store_transporter);
    struct error ignored = ERROR_INIT;

    if (store_transporters_find(call->store, name, taken, &ignored) == 0 &&
        (taken->revoked_ms != 0 || taken->certificate_expires_ms > clock_wall_ms(call->clock)))
        return FAIL(err, ERROR_EXISTS, 0, "a transporter named %s exists; choose another name", name);
    return 0;
}

int
api_invites_add(struct api_call *call, struct error *err)
{
    static const char *const fields[] = { "name", "labels", "lifetime_s", NULL };
    struct store_invite invite;
    struct store_labels labels;
    char token[INVITE_TOKEN_LEN];
    const char *name, *address = director_config(call->director)->rpc_advertise;
    int64_t lifetime_s;

    if (address == NULL || address[0] == '\0')
        return FAIL(err, ERROR_CONFIG, 0, "set rpc.advertise in director.yaml: the address transporters reach it by");
    if (api_fields_only(call->body, fields, err) != 0 ||
        api_fields_text(call->body, "name", sizeof(invite.name) - 1, &name, err) != 0 ||
        api_labels_read(call->body, "labels", &labels, err) != 0 ||
        api_fields_number(call->body, "lifetime_s", 60, INVITE_LIFETIME_MOST_MS / 1000, INVITE_LIFETIME_MS / 1000,
                          &lifetime_s, err) != 0 ||
        check_name_free(call, name, err) != 0 ||
        invite_new(call->clock, name, &labels, lifetime_s * 1000, &invite, token, err) != 0)
        return -1;
    int result = store_invites_add(call->store, &invite, err);
    if (result == 0)
        result = store_events_add(call->store, NULL, call->token_name, "invite.created", invite.id, err, "%s", name);
    if (result == 0)
        result = reply_with_command(call, &invite, token, err);
    secret_zero(token, sizeof(token));
    return result;
}

int
api_invites_delete(struct api_call *call, struct error *err)
{
    const char *id = api_call_parameter(call, 0);

    if (store_invites_delete(call->store, id, err) != 0 ||
        store_events_add(call->store, NULL, call->token_name, "invite.deleted", id, err, "withdrawn") != 0)
        return -1;
    return api_call_reply(call, json_object());
}
