#include "transporter/task/task_secrets.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/sealed_secret.h"
#include "transporter/link/node_identity.h"

#include <jansson.h>
#include <string.h>

struct secret *
task_secrets_unseal(const struct node_identity *identity, const struct task_secret *sealed, struct error *err)
{
    char context[SEALED_SECRET_CONTEXT_MAX];
    if (sealed_secret_context(sealed->purpose, sealed->secret_id, context, err) != 0)
        return NULL;
    struct secret *plain =
        sealed_secret_open(node_identity_sealing_key(identity), context, sealed->sealed, sealed->sealed_len, err);
    if (plain == NULL)
        error_wrap(err, "secret %s (%s)", sealed->secret_id, sealed->purpose);
    return plain;
}

static const struct task_secret *
find(const struct task_secret *secrets, size_t count, const char *purpose, struct error *err)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(secrets[i].purpose, purpose) == 0)
            return &secrets[i];
    FAIL(err, ERROR_CONFIG, 0, "the order carries no secret for '%s': seal it to this transporter", purpose);
    return NULL;
}

struct secret *
task_secrets_find(const struct node_identity *identity, const struct task_secret *secrets, size_t count,
                  const char *purpose, struct error *err)
{
    const struct task_secret *sealed = find(secrets, count, purpose, err);
    return sealed != NULL ? task_secrets_unseal(identity, sealed, err) : NULL;
}

int
task_secrets_find_large(const struct node_identity *identity, const struct task_secret *secrets, size_t count,
                        const char *purpose, struct buffer *out, struct error *err)
{
    const struct task_secret *sealed = find(secrets, count, purpose, err);
    char context[SEALED_SECRET_CONTEXT_MAX];
    if (sealed == NULL || sealed_secret_context(sealed->purpose, sealed->secret_id, context, err) != 0)
        return -1;
    if (sealed_secret_open_into(node_identity_sealing_key(identity), context, sealed->sealed, sealed->sealed_len, out,
                                err) != 0)
        return error_wrap(err, "secret %s (%s)", sealed->secret_id, sealed->purpose);
    return 0;
}

/* jansson's own copy is zeroed when it is freed: see transporter_new(). */
static struct secret *
password_of(const struct secret *bundle, struct error *err)
{
    json_t *json = json_loadb((const char *)secret_bytes(bundle), secret_len(bundle), 0, NULL);
    const char *text = json_string_value(json_object_get(json, "password"));
    struct secret *password = NULL;
    if (text == NULL || text[0] == '\0')
        FAIL(err, ERROR_CONFIG, 0, "the sealed vault password is not of the form {\"password\":\"...\"}");
    else
        password = secret_new(text, strlen(text), err);
    json_decref(json);
    return password;
}

struct secret *
task_secrets_vault_password(const struct node_identity *identity, const struct task_secret *secrets, size_t count,
                            struct error *err)
{
    CLEANUP(secret_free_p)
    struct secret *bundle = task_secrets_find(identity, secrets, count, "vault-password", err);
    return bundle != NULL ? password_of(bundle, err) : NULL;
}
