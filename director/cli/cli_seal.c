#include "director/cli/cli_seal.h"

#include "common/base/buffer.h"
#include "common/base/encoding.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/sealed_secret.h"
#include "common/crypto/sealing_key.h"
#include "director/cli/cli_client.h"
#include "director/cli/cli_json.h"
#include "director/cli/cli_keys.h"

#include <string.h>

int
cli_seal_add_recipient(struct cli_recipients *recipients, json_t *transporter, struct error *err)
{
    const char *id = cli_json_text(transporter, "id"), *key = cli_json_text(transporter, "sealing_key");
    size_t len = KEY_POINT_LEN;

    if (recipients->count == CLI_SEAL_RECIPIENTS)
        return FAIL(err, ERROR_LIMIT, 0, "a secret is sealed to at most %d transporters", CLI_SEAL_RECIPIENTS);
    struct cli_recipient *to = &recipients->at[recipients->count];
    if (!identifier_valid(id) || encoding_unbase64(key, strlen(key), to->key, &len, NULL) != 0 ||
        key_pair_check_point(to->key, len, NULL) != 0)
        return FAIL(err, ERROR_FORMAT, 0, "the director shows a transporter without a valid sealing key");
    snprintf(to->id, sizeof(to->id), "%s", id);
    snprintf(to->name, sizeof(to->name), "%s", cli_json_text(transporter, "name"));
    if (cli_keys_look(to->id, to->key) == CLI_KEY_CHANGED)
        return FAIL(
            err, ERROR_DENIED, 0,
            "the director shows another sealing key for transporter %s than before: a transporter keeps its key "
            "for life, so find out why; nothing was sealed",
            to->name);
    recipients->count++;
    return 0;
}

int
cli_seal_find_recipient(struct cli *cli, struct cli_recipients *recipients, const char *name, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_client_path("/transporters/%s", name);
    json_t *transporter = cli_client_get(cli, path, err);

    if (transporter == NULL)
        return -1;
    int result = cli_json_true(transporter, "revoked") ? FAIL(err, ERROR_USAGE, 0, "transporter %s is revoked", name)
                                                       : cli_seal_add_recipient(recipients, transporter, err);
    json_decref(transporter);
    return result;
}

int
cli_seal_option_recipients(struct cli *cli, struct cli_recipients *recipients, struct error *err)
{
    const char *name;

    for (size_t i = 0; (name = cli_option_nth(cli, "transporter", i)) != NULL; i++)
        if (cli_seal_find_recipient(cli, recipients, name, err) != 0)
            return -1;
    if (recipients->count == 0)
        return FAIL(err, ERROR_USAGE, 0,
                    "--transporter is missing: the secret is sealed to the transporters that will use it");
    return 0;
}

int
cli_seal_confirm(struct cli *cli, const struct cli_recipients *recipients, struct error *err)
{
    char fingerprint[SEALING_KEY_FINGERPRINT_LEN];
    size_t unknown = 0;

    for (size_t i = 0; i < recipients->count; i++) {
        const struct cli_recipient *to = &recipients->at[i];
        if (cli_keys_look(to->id, to->key) == CLI_KEY_KNOWN)
            continue;
        if (unknown++ == 0)
            fprintf(cli->notices, "Sealing for the first time to these; compare with what their enrolment printed:\n");
        sealing_key_fingerprint(to->key, fingerprint);
        fprintf(cli->notices, "  %s  %s\n", to->name, fingerprint);
    }
    if (unknown == 0)
        return 0;
    if (cli_confirm(cli, "Are these the right fingerprints?", err) != 0)
        return -1;
    for (size_t i = 0; i < recipients->count; i++)
        if (cli_keys_remember(recipients->at[i].id, recipients->at[i].key, err) != 0)
            return -1;
    return 0;
}

static int
seal_slot(const struct cli_recipient *to, const char *context, const struct secret *plain, json_t *slots,
          struct error *err)
{
    CLEANUP(buffer_clear) struct buffer sealed = BUFFER_INIT(SECRET_MAX + SEALED_SECRET_OVERHEAD);

    if (sealed_secret_seal_secret(to->key, context, plain, &sealed, err) != 0)
        return -1;
    CLEANUP(memory_free_p) char *text = memory_new(ENCODING_BASE64_LEN(sealed.len));
    encoding_base64(sealed.data, sealed.len, text);
    return json_array_append_new(slots, json_pack("{s:s, s:s}", "transporter", to->id, "sealed", text));
}

int
cli_seal_upload(struct cli *cli, const char *purpose, const char *tenant, const struct cli_recipients *recipients,
                const struct secret *plain, char id[IDENTIFIER_LEN], struct error *err)
{
    char context[SEALED_SECRET_CONTEXT_MAX];
    json_t *slots = json_array();

    identifier_new(cli->clock, "secret", id);
    int result = sealed_secret_context(purpose, id, context, err);
    for (size_t i = 0; i < recipients->count && result == 0; i++)
        result = seal_slot(&recipients->at[i], context, plain, slots, err);
    if (result != 0) {
        json_decref(slots);
        return -1;
    }
    json_t *body = json_pack("{s:s, s:s, s:s*, s:o}", "id", id, "purpose", purpose, "tenant", tenant, "slots", slots);
    json_t *reply = cli_client_post(cli, "/secrets", body, err);
    json_decref(reply);
    return reply == NULL ? -1 : 0;
}

int
cli_seal_extend(struct cli *cli, const char *purpose, const char *id, const struct cli_recipients *recipients,
                const struct secret *plain, struct error *err)
{
    char context[SEALED_SECRET_CONTEXT_MAX];

    if (sealed_secret_context(purpose, id, context, err) != 0)
        return -1;
    for (size_t i = 0; i < recipients->count; i++) {
        CLEANUP(memory_free_p)
        char *path = memory_printf("/secrets/%s/slots/%s", id, recipients->at[i].id);
        json_t *slots = json_array();
        if (seal_slot(&recipients->at[i], context, plain, slots, err) != 0) {
            json_decref(slots);
            return -1;
        }
        json_t *body = json_pack("{s:O}", "sealed", json_object_get(json_array_get(slots, 0), "sealed"));
        json_decref(slots);
        json_t *reply = cli_client_call(cli, "PUT", path, body, err);
        json_decref(reply);
        if (reply == NULL)
            return error_wrap(err, "transporter %s", recipients->at[i].name);
    }
    return 0;
}
