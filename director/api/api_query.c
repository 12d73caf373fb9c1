#include "common/base/buffer.h"
#include "common/base/memory.h"
#include "common/crypto/key_pair.h"
#include "director/api/api_fields.h"
#include "director/api/api_handlers.h"
#include "director/api/api_json.h"
#include "director/api/api_queries.h"
#include "director/director.h"
#include "director/store/store_transporters.h"
#include "director/store/store_vaults.h"

#include <string.h>

/* The reply is fetched with api_query_look(). */
int
api_query_start(struct api_call *call, struct error *err)
{
    static const char *const fields[] = { "id", "vault", "transporter", "request", "reply_key", NULL };
    CLEANUP(buffer_clear) struct buffer request = BUFFER_INIT(DIRECTOR_QUERY_SEALED_MAX + 4);
    CLEANUP(buffer_clear) struct buffer key = BUFFER_INIT(KEY_POINT_LEN + 8);
    CLEANUP(memory_free_p) struct store_transporter *transporter = MEMORY_NEW(struct store_transporter);
    struct store_vault vault;
    const char *id, *vault_name, *transporter_name;

    if (api_fields_only(call->body, fields, err) != 0 ||
        api_fields_text(call->body, "id", IDENTIFIER_LEN - 1, &id, err) != 0 ||
        api_fields_text(call->body, "vault", STORE_NAME_LEN - 1, &vault_name, err) != 0 ||
        api_fields_text(call->body, "transporter", STORE_NAME_LEN - 1, &transporter_name, err) != 0 ||
        api_fields_bytes(call->body, "request", &request, err) != 0 ||
        api_fields_bytes(call->body, "reply_key", &key, err) != 0 ||
        store_vaults_find(call->store, vault_name, &vault, err) != 0 ||
        api_json_tenant_check(call, vault.tenant, "vault", err) != 0 ||
        store_transporters_find(call->store, transporter_name, transporter, err) != 0)
        return -1;
    if (!identifier_valid(id))
        return FAIL(err, ERROR_USAGE, 0, "field \"id\" has 1 to %d of a-z, 0-9 and '-'", IDENTIFIER_LEN - 1);
    if (key_pair_check_point(key.data, key.len, err) != 0)
        return error_wrap(err, "field \"reply_key\"");
    struct director_query query = { .query_id = id,
                                    .vault_id = vault.id,
                                    .transporter = transporter->id,
                                    .request = request.data,
                                    .request_len = request.len,
                                    .reply_key = key.data };
    if (api_queries_start(call->service->queries, &query, call->token_name, err) != 0)
        return -1;
    call->status = 202;
    return api_call_reply(call, json_pack("{s:s, s:s}", "id", id, "state", "waiting"));
}

/* ?wait=SECONDS: how long to wait for the reply, which is handed out once. */
int
api_query_look(struct api_call *call, struct error *err)
{
    const char *id = api_call_parameter(call, 0);
    const uint8_t *sealed;
    size_t len;
    int found = api_queries_look(call->service->queries, id, call->token_name, &sealed, &len, err);

    if (found < 0)
        return -1;
    if (found == 0) {
        int waits = api_call_waits(call, err);
        if (waits != 0)
            return waits;
        return api_call_reply(call, json_pack("{s:s, s:s}", "id", id, "state", "waiting"));
    }
    json_t *reply = json_pack("{s:s, s:s, s:o}", "id", id, "state", "done", "sealed", api_json_bytes(sealed, len));
    api_queries_drop(call->service->queries, id, call->token_name);
    return api_call_reply(call, reply);
}

int
api_query_drop(struct api_call *call, struct error *err)
{
    (void)err;
    api_queries_drop(call->service->queries, api_call_parameter(call, 0), call->token_name);
    return api_call_reply(call, json_object());
}
