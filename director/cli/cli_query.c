#include "director/cli/cli_query.h"

#include "common/base/buffer.h"
#include "common/base/clock.h"
#include "common/base/encoding.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/sealed_secret.h"
#include "common/crypto/sealing_key.h"
#include "director/cli/cli_client.h"
#include "director/cli/cli_json.h"
#include "director/cli/cli_keys.h"
#include "director/cli/cli_seal.h"

#include <stdlib.h>
#include <string.h>

#define REPLY_LIMIT ((size_t)4 << 20)
#define WAIT_S      "20"
#define ROUNDS      15 /* 5 minutes */

static int
find_transporter(struct cli *cli, const char *vault_id, const char *name, struct cli_recipients *to, struct error *err)
{
    if (name != NULL)
        return cli_seal_find_recipient(cli, to, name, err);
    CLEANUP(memory_free_p) char *path = cli_client_path("/vaults/%s/placement", vault_id);
    json_t *placement = cli_client_get(cli, path, err);
    int result = placement == NULL ? -1 : cli_seal_add_recipient(to, placement, err);
    json_decref(placement);
    return result;
}

static json_t *
seal_request(const struct cli_recipient *to, const char *id, const char *vault_id, const struct sealing_key *reply_key,
             json_t *request, struct error *err)
{
    CLEANUP(buffer_clear) struct buffer sealed = BUFFER_INIT((size_t)64 << 10);
    CLEANUP(memory_free_p) char *plain = json_dumps(request, JSON_COMPACT);
    char context[SEALED_SECRET_CONTEXT_MAX], key[ENCODING_BASE64_LEN(KEY_POINT_LEN)];

    if (plain == NULL) {
        FAIL(err, ERROR_USAGE, 0, "a name or text in this command is not UTF-8");
        return NULL;
    }
    if (sealed_secret_context("query", id, context, err) != 0 ||
        sealed_secret_seal(to->key, context, plain, strlen(plain), &sealed, err) != 0)
        return NULL;
    CLEANUP(memory_free_p) char *text = memory_new(ENCODING_BASE64_LEN(sealed.len));
    encoding_base64(sealed.data, sealed.len, text);
    encoding_base64(sealing_key_point(reply_key), KEY_POINT_LEN, key);
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", id, "vault", vault_id, "transporter", to->id, "request", text,
                     "reply_key", key);
}

static json_t *
wait_reply(struct cli *cli, const char *id, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/queries/%s?wait=" WAIT_S, id);

    for (int i = 0; i < ROUNDS; i++) {
        json_t *reply = cli_client_get(cli, path, err);
        if (reply == NULL || strcmp(cli_json_text(reply, "state"), "done") == 0)
            return reply;
        json_decref(reply);
    }
    FAIL(err, ERROR_TIMEOUT, 0, "the transporter did not answer in time; try again");
    return NULL;
}

static json_t *
open_reply(const struct sealing_key *key, const char *id, const char *text, struct error *err)
{
    CLEANUP(buffer_clear) struct buffer plain = BUFFER_INIT(REPLY_LIMIT);
    char context[SEALED_SECRET_CONTEXT_MAX];
    size_t len = strlen(text) / 4 * 3 + 3;
    CLEANUP(memory_free_p) uint8_t *sealed = memory_array(len, 1, REPLY_LIMIT, err);

    if (sealed == NULL || encoding_unbase64(text, strlen(text), sealed, &len, err) != 0 ||
        sealed_secret_context("query-reply", id, context, err) != 0 ||
        sealed_secret_open_into(key, context, sealed, len, &plain, err) != 0) {
        error_wrap(err, "the transporter's reply");
        return NULL;
    }
    json_t *reply = json_loadb((const char *)plain.data, plain.len, 0, NULL);
    secret_zero(plain.data, plain.len);
    if (reply == NULL)
        FAIL(err, ERROR_FORMAT, 0, "the transporter's reply is not JSON");
    return reply;
}

json_t *
cli_query_ask(struct cli *cli, const char *vault_id, const char *transporter, json_t *request, struct error *err)
{
    CLEANUP(memory_free_p) struct cli_recipients *to = MEMORY_NEW(struct cli_recipients);
    CLEANUP(sealing_key_free_p) struct sealing_key *key = sealing_key_new(err);
    char id[IDENTIFIER_LEN];
    json_t *body = NULL;

    identifier_new(cli->clock, "query", id);
    if (key != NULL && find_transporter(cli, vault_id, transporter, to, err) == 0 &&
        cli_keys_remember(to->at[0].id, to->at[0].key, err) == 0)
        body = seal_request(&to->at[0], id, vault_id, key, request, err);
    json_decref(request);
    if (body == NULL)
        return NULL;
    json_t *started = cli_client_post(cli, "/queries", body, err);
    json_decref(started);
    json_t *done = started == NULL ? NULL : wait_reply(cli, id, err);
    json_t *reply = done == NULL ? NULL : open_reply(key, id, cli_json_text(done, "sealed"), err);
    json_decref(done);
    return reply;
}
