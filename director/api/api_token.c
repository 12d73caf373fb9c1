#include "director/api/api_token.h"

#include "common/base/clock.h"
#include "common/base/encoding.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/digest.h"
#include "common/crypto/private_file.h"
#include "director/store/store_events.h"
#include "director/store/store_tokens.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define USED_GRANULARITY_MS 60000 /* when a token was last used is not worth a disk write for each request */

void
api_token_new(const struct clock *clock, char token[API_TOKEN_LEN])
{
    uint8_t random[32];

    clock_random(clock, random, sizeof(random));
    memcpy(token, API_TOKEN_PREFIX, sizeof(API_TOKEN_PREFIX));
    encoding_base64url(random, sizeof(random), token + sizeof(API_TOKEN_PREFIX) - 1);
    secret_zero(random, sizeof(random));
}

static int
on_token(void *ctx, const struct store_token *token, struct error *err)
{
    (void)token;
    (void)err;
    *(bool *)ctx = true;
    return 0;
}

int
api_token_bootstrap(struct store *store, const char *state_dir, const struct clock *clock, struct error *err)
{
    struct store_token row = { .name = "first-admin", .scope = STORE_TOKEN_ADMIN };
    CLEANUP(memory_free_p) char *path = memory_printf("%s/admin.token", state_dir);
    char token[API_TOKEN_LEN + 1];
    bool some = false;

    if (store_tokens_list(store, (struct store_page){ .limit = 1 }, on_token, &some, err) != 0)
        return -1;
    if (some)
        return 0;
    api_token_new(clock, token);
    digest_sha256(token, API_TOKEN_LEN - 1, row.token_sha256);
    memcpy(token + API_TOKEN_LEN - 1, "\n", 2);
    /* The file first: a token that is in the store and nowhere else would lock everybody out. */
    int result = private_file_replace(path, token, API_TOKEN_LEN, err);
    secret_zero(token, sizeof(token));
    if (result != 0 || store_tokens_add(store, &row, err) != 0)
        return error_wrap(err, "first API token");
    log_info("api", "wrote the first API token to file=%s", path);
    return store_events_add(store, NULL, "director", "token.created", row.id, err, "first token, scope admin");
}

static const char *
bearer(const char *authorization)
{
    static const char scheme[] = "Bearer ";

    if (authorization == NULL || strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0)
        return "";
    return authorization + sizeof(scheme) - 1;
}

int
api_token_authenticate(struct api_call *call, struct store *store, const char *authorization, struct error *err)
{
    static const enum api_access access[] = {
        [STORE_TOKEN_VIEWER] = API_VIEWER, [STORE_TOKEN_OPERATOR] = API_OPERATOR, [STORE_TOKEN_ADMIN] = API_ADMIN
    };
    const char *text = bearer(authorization);
    struct store_token token = { .scope = STORE_TOKEN_VIEWER };
    struct error ignored = ERROR_INIT;
    int64_t now = clock_wall_ms(call->clock);
    uint8_t hash[32];

    digest_sha256(text, strlen(text), hash);
    int found = store_tokens_find_by_hash(store, hash, &token, &ignored);
    if (found != 0 && ignored.kind != ERROR_NOT_FOUND) {
        *err = ignored;
        return -1;
    }
    if (found != 0 || CRYPTO_memcmp(hash, token.token_sha256, sizeof(hash)) != 0 ||
        (token.expires_ms != 0 && token.expires_ms <= now))
        return FAIL(err, ERROR_UNAUTHENTICATED, 0,
                    "a valid token is needed; log in again: longhaul login --director URL --token-file FILE");
    memcpy(call->token_name, token.name, sizeof(call->token_name));
    memcpy(call->tenant, token.tenant, sizeof(call->tenant));
    call->access = access[token.scope];
    if (now - token.last_used_ms > USED_GRANULARITY_MS)
        return store_tokens_set_used(store, token.id, err);
    return 0;
}
