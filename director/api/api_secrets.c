#include "common/base/buffer.h"
#include "common/base/memory.h"
#include "common/crypto/digest.h"
#include "common/crypto/sealed_secret.h"
#include "director/api/api_fields.h"
#include "director/api/api_handlers.h"
#include "director/api/api_json.h"
#include "director/director.h"
#include "director/store/store_events.h"
#include "director/store/store_secrets.h"
#include "director/store/store_tenants.h"
#include "director/store/store_transporters.h"

#include <string.h>

#define SLOTS_MAX 64

static int
on_slot(void *ctx, const char *transporter, int64_t sealed_ms, struct error *err)
{
    (void)err;
    return json_array_append_new(
        ctx, json_pack("{s:s, s:o}", "transporter", transporter, "sealed", api_json_time(sealed_ms)));
}

/* Slots are opaque and never handed out again: only to whom they are sealed is shown. */
static json_t *
secret_json(const struct api_call *call, const struct store_secret *secret)
{
    struct error ignored = ERROR_INIT;
    json_t *slots = json_array();

    store_secrets_list_slots(call->store, secret->id, on_slot, slots, &ignored);
    return json_pack("{s:s, s:s, s:o, s:o, s:o}", "id", secret->id, "purpose",
                     store_secret_purpose_name(secret->purpose), "tenant", api_json_tenant(call, secret->tenant),
                     "created", api_json_time(secret->created_ms), "slots", slots);
}

static int
on_secret(void *ctx, const struct store_secret *secret, struct error *err)
{
    struct api_page *page = ctx;

    (void)err;
    return api_json_page_add(page, secret->id, secret_json(page->call, secret));
}

static int
find_secret(const struct api_call *call, struct store_secret *secret, struct error *err)
{
    if (store_secrets_find(call->store, api_call_parameter(call, 0), secret, err) != 0)
        return -1;
    return api_json_tenant_check(call, secret->tenant, "secret", err);
}

int
api_secrets_list(struct api_call *call, struct error *err)
{
    char tenant[IDENTIFIER_LEN];
    const char *filter;
    struct api_page page;

    if (api_json_tenant_filter(call, tenant, &filter, err) != 0 || api_json_page_begin(call, &page, err) != 0)
        return -1;
    return api_json_page_end(&page, store_secrets_list(call->store, filter, page.page, on_secret, &page, err));
}

int
api_secrets_show(struct api_call *call, struct error *err)
{
    struct store_secret secret;

    if (find_secret(call, &secret, err) != 0)
        return -1;
    return api_call_reply(call, secret_json(call, &secret));
}

/* What is not sealed to this very transporter must not get into the store: it would be of no use, or a secret in
 * clear that somebody sent by mistake. */
static int
check_sealed_to(const struct store_transporter *transporter, const struct buffer *sealed, struct error *err)
{
    uint8_t hash[DIGEST_LEN];

    if (transporter->revoked_ms != 0)
        return FAIL(err, ERROR_USAGE, 0, "transporter %s is revoked", transporter->name);
    digest_sha256(transporter->sealing_key, STORE_SEALING_KEY_LEN, hash);
    if (sealed->len <= SEALED_SECRET_OVERHEAD || memcmp(sealed->data, "LHSS", 4) != 0)
        return FAIL(err, ERROR_USAGE, 0, "this is not a sealed secret");
    if (memcmp(sealed->data + 6, hash, 8) != 0)
        return FAIL(err, ERROR_USAGE, 0, "the secret is not sealed to the present key of transporter %s",
                    transporter->name);
    return 0;
}

static int
put_slot(const struct api_call *call, const char *secret_id, const char *transporter_name, json_t *holder,
         struct error *err)
{
    CLEANUP(memory_free_p) struct store_transporter *transporter = MEMORY_NEW(struct store_transporter);
    CLEANUP(buffer_clear) struct buffer sealed = BUFFER_INIT(STORE_SEALED_MAX + 4);

    if (api_fields_bytes(holder, "sealed", &sealed, err) != 0 ||
        store_transporters_find(call->store, transporter_name, transporter, err) != 0 ||
        check_sealed_to(transporter, &sealed, err) != 0)
        return -1;
    return store_secrets_put_slot(call->store, secret_id, transporter->id, sealed.data, sealed.len, err);
}

static int
put_slots(const struct api_call *call, const char *secret_id, struct error *err)
{
    static const char *const fields[] = { "transporter", "sealed", NULL };
    json_t *slots = json_object_get(call->body, "slots");
    size_t count = json_array_size(slots);

    if (!json_is_array(slots) || count == 0 || count > SLOTS_MAX)
        return FAIL(err, ERROR_USAGE, 0, "field \"slots\" must be a list of 1 to %d slots", SLOTS_MAX);
    for (size_t i = 0; i < count; i++) {
        json_t *slot = json_array_get(slots, i);
        const char *transporter;
        if (!json_is_object(slot))
            return FAIL(err, ERROR_USAGE, 0, "field \"slots\" must hold objects");
        if (api_fields_only(slot, fields, err) != 0 ||
            api_fields_text(slot, "transporter", STORE_NAME_LEN - 1, &transporter, err) != 0 ||
            put_slot(call, secret_id, transporter, slot, err) != 0)
            return -1;
    }
    return 0;
}

static int
read_owner(const struct api_call *call, struct store_secret *secret, struct error *err)
{
    struct store_tenant tenant;
    const char *name;

    if (api_fields_optional_text(call->body, "tenant", STORE_NAME_LEN - 1, &name, err) != 0)
        return -1;
    if (secret->purpose == STORE_SECRET_STORAGE) {
        if (name != NULL)
            return FAIL(err, ERROR_USAGE, 0, "a storage secret belongs to no tenant");
        if (call->tenant[0] != '\0' || call->access < API_ADMIN)
            return FAIL(err, ERROR_DENIED, 0, "storage secrets need a token of scope admin that is bound to no tenant");
        return 0;
    }
    if (name == NULL)
        return FAIL(err, ERROR_USAGE, 0, "field \"tenant\" is missing");
    if (secret->purpose != STORE_SECRET_SELECTION && call->access < API_ADMIN)
        return FAIL(err, ERROR_DENIED, 0, "secrets of this purpose need a token of scope admin");
    if (store_tenants_find(call->store, name, &tenant, err) != 0 ||
        api_json_tenant_check(call, tenant.id, "tenant", err) != 0)
        return -1;
    memcpy(secret->tenant, tenant.id, sizeof(secret->tenant));
    return 0;
}

int
api_secrets_add(struct api_call *call, struct error *err)
{
    static const char *const fields[] = { "id", "purpose", "tenant", "slots", NULL };
    struct store_secret secret = { .id = "" };
    const char *id, *purpose;

    if (api_fields_only(call->body, fields, err) != 0 ||
        api_fields_text(call->body, "id", IDENTIFIER_LEN - 1, &id, err) != 0 ||
        api_fields_text(call->body, "purpose", 64, &purpose, err) != 0)
        return -1;
    if (store_secret_purpose_from_name(purpose, &secret.purpose) != 0)
        return FAIL(err, ERROR_USAGE, 0, "field \"purpose\": microsoft365, vault-password, storage or selection");
    if (read_owner(call, &secret, err) != 0 || store_begin(call->store, err) != 0)
        return -1;
    snprintf(secret.id, sizeof(secret.id), "%s", id);
    if (store_secrets_add(call->store, &secret, err) != 0 || put_slots(call, secret.id, err) != 0 ||
        store_events_add(call->store, secret.tenant, call->token_name, "secret.added", secret.id, err, "%s", purpose) !=
            0) {
        store_rollback(call->store);
        return -1;
    }
    if (store_commit(call->store, err) != 0)
        return -1;
    return api_call_created(call, secret_json(call, &secret));
}

int
api_secrets_put_slot(struct api_call *call, struct error *err)
{
    static const char *const fields[] = { "sealed", NULL };
    struct store_secret secret;

    if (find_secret(call, &secret, err) != 0 || api_fields_only(call->body, fields, err) != 0)
        return -1;
    if (secret.purpose != STORE_SECRET_SELECTION && call->access < API_ADMIN)
        return FAIL(err, ERROR_DENIED, 0, "this token's scope does not allow to seal to one more transporter");
    if (put_slot(call, secret.id, api_call_parameter(call, 1), call->body, err) != 0 ||
        store_events_add(call->store, secret.tenant, call->token_name, "secret.sealed", secret.id, err, "to %s",
                         api_call_parameter(call, 1)) != 0)
        return -1;
    director_secrets_changed(call->director);
    return api_call_reply(call, secret_json(call, &secret));
}

int
api_secrets_delete(struct api_call *call, struct error *err)
{
    struct store_secret secret;

    if (find_secret(call, &secret, err) != 0 || store_secrets_delete(call->store, secret.id, err) != 0 ||
        store_events_add(call->store, secret.tenant, call->token_name, "secret.deleted", secret.id, err, "%s",
                         store_secret_purpose_name(secret.purpose)) != 0)
        return -1;
    return api_call_reply(call, json_object());
}
