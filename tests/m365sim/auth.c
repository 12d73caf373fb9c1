#include "tests/m365sim/auth.h"

#include "common/base/clock.h"
#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/m365sim/auth_internal.h"
#include "tests/m365sim/options.h"
#include "tests/m365sim/reply.h"
#include "tests/m365sim/request.h"
#include "tests/m365sim/sim.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct auth *
auth_open(const struct options *options, const struct clock *clock, struct error *err)
{
    struct auth *auth = MEMORY_NEW(struct auth);
    auth->options = options;
    auth->clock = clock;
    auth->token_seconds = AUTH_TOKEN_SECONDS;
    pthread_mutex_init(&auth->mutex, NULL);
    clock_random(clock, auth->key, sizeof(auth->key));
    if (options->client_certificate == NULL)
        return auth;
    FILE *in = fopen(options->client_certificate, "re");
    if (in != NULL) {
        auth->certificate = PEM_read_X509(in, NULL, NULL, NULL);
        fclose(in);
    }
    if (auth->certificate == NULL) {
        FAIL(err, ERROR_CONFIG, errno, "--client-cert %s: holds no PEM certificate", options->client_certificate);
        auth_free(auth);
        return NULL;
    }
    return auth;
}

void
auth_free(struct auth *auth)
{
    if (auth == NULL)
        return;
    X509_free(auth->certificate);
    pthread_mutex_destroy(&auth->mutex);
    free(auth);
}

void
auth_sign(const struct auth *auth, const char *text, char out[AUTH_SIGNATURE_LEN])
{
    uint8_t mac[32];
    HMAC(EVP_sha256(), auth->key, sizeof(auth->key), (const uint8_t *)text, strlen(text), mac, NULL);
    encoding_base64url(mac, 16, out);
}

json_t *
auth_decode_object(const char *text, size_t len)
{
    uint8_t bytes[8192];
    size_t have = sizeof(bytes);
    if (encoding_unbase64(text, len, bytes, &have, NULL) != 0)
        return NULL;
    json_t *value = json_loadb((const char *)bytes, have, 0, NULL);
    if (value == NULL || json_is_object(value))
        return value;
    json_decref(value);
    return NULL;
}

/* The value of a form field, decoded; the caller frees it. NULL when absent. */
static char *
form_value(const char *form, size_t len, const char *name)
{
    size_t name_len = strlen(name);
    for (const char *p = form, *end = form + len; p < end;) {
        const char *amp = memchr(p, '&', (size_t)(end - p));
        const char *stop = amp != NULL ? amp : end;
        if ((size_t)(stop - p) > name_len && memcmp(p, name, name_len) == 0 && p[name_len] == '=') {
            char *value = memory_printf("%.*s", (int)(stop - p - (ptrdiff_t)name_len - 1), p + name_len + 1);
            for (char *c = value; *c != '\0'; c++)
                if (*c == '+')
                    *c = ' ';
            request_decode(value);
            return value;
        }
        p = stop + 1;
    }
    return NULL;
}

static void
refuse(struct reply *reply, unsigned status, const char *error, int code, const char *text)
{
    json_t *codes = json_array();
    json_array_append_new(codes, json_integer(code));
    CLEANUP(memory_free_p)
    char *description = memory_printf("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %.10s %sZ", code, text,
                                      reply->request_id, reply->client_request_id, reply->date, reply->date + 11);
    CLEANUP(memory_free_p) char *stamp = memory_printf("%.10s %sZ", reply->date, reply->date + 11);
    reply_json(reply, status,
               json_pack("{s:s,s:s,s:o,s:s,s:s,s:s}", "error", error, "error_description", description, "error_codes",
                         codes, "timestamp", stamp, "trace_id", reply->request_id, "correlation_id",
                         reply->client_request_id));
    reply_header(reply, "Content-Type", "application/json; charset=utf-8");
}

static char *
make_token(struct auth *auth, const char *base, unsigned seconds, uint64_t generation)
{
    static const char *const roles[] = { "User.Read.All",       "Mail.ReadWrite",       "Files.ReadWrite.All",
                                         "Sites.ReadWrite.All", "MailboxSettings.Read", "Organization.Read.All" };
    int64_t now = clock_wall_ms(auth->clock) / 1000;
    json_t *list = json_array();
    for (size_t i = 0; i < ARRAY_LEN(roles); i++)
        json_array_append_new(list, json_string(roles[i]));
    CLEANUP(memory_free_p) char *issuer = memory_printf("https://sts.windows.net/%s/", auth->options->tenant_id);
    json_t *claims = json_pack("{s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:o,s:I,s:s}", "aud", base, "iss", issuer, "appid",
                               auth->options->client_id, "tid", auth->options->tenant_id, "iat", (json_int_t)now, "nbf",
                               (json_int_t)now, "exp", (json_int_t)(now + seconds), "roles", list, "gen",
                               (json_int_t)generation, "idtyp", "app");
    char *text = json_dumps(claims, JSON_COMPACT);
    json_decref(claims);
    CLEANUP(memory_free_p) char *payload = memory_new(ENCODING_BASE64_LEN(strlen(text)));
    encoding_base64url(text, strlen(text), payload);
    free(text);
    static const char header[] = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9";
    CLEANUP(memory_free_p) char *head = memory_printf("%s.%s", header, payload);
    char signature[AUTH_SIGNATURE_LEN];
    auth_sign(auth, head, signature);
    return memory_printf("%s.%s", head, signature);
}

static bool
check_secret(struct auth *auth, const char *secret, bool expired, struct reply *reply)
{
    const char *right = auth->options->client_secret;
    if (expired && secret != NULL) {
        refuse(reply, 401, "invalid_client", 7000222, "The provided client secret keys for app are expired.");
        return false;
    }
    if (secret != NULL && right != NULL && strlen(secret) == strlen(right) &&
        CRYPTO_memcmp(secret, right, strlen(right)) == 0)
        return true;
    refuse(
        reply, 401, "invalid_client", 7000215,
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not "
        "the client secret ID.");
    return false;
}

static bool
check_client(struct auth *auth, struct request *r, const char *form, size_t len, struct reply *reply)
{
    CLEANUP(memory_free_p) char *secret = form_value(form, len, "client_secret");
    CLEANUP(memory_free_p) char *assertion = form_value(form, len, "client_assertion");
    pthread_mutex_lock(&auth->mutex);
    bool expired = auth->secret_expired;
    pthread_mutex_unlock(&auth->mutex);
    if (assertion == NULL)
        return check_secret(auth, secret, expired, reply);
    int code = 0;
    CLEANUP(memory_free_p) char *audience = memory_printf("%s/%s/oauth2/v2.0/token", r->base, r->arguments[0]);
    const char *problem = auth_assertion_check(auth, assertion, audience, clock_wall_ms(auth->clock) / 1000, &code);
    if (problem == NULL)
        return true;
    refuse(reply, 401, "invalid_client", code, problem);
    return false;
}

static bool
check_form(struct auth *auth, struct request *r, const char *form, size_t len, struct reply *reply)
{
    CLEANUP(memory_free_p) char *grant = form_value(form, len, "grant_type");
    CLEANUP(memory_free_p) char *client = form_value(form, len, "client_id");
    CLEANUP(memory_free_p) char *scope = form_value(form, len, "scope");
    if (strcasecmp(r->arguments[0], auth->options->tenant_id) != 0 && strchr(r->arguments[0], '.') == NULL) {
        refuse(reply, 400, "invalid_request", 90002,
               "Tenant not found. Check to make sure you have the correct tenant ID and are signing into the correct "
               "cloud.");
        return false;
    }
    if (grant == NULL || strcmp(grant, "client_credentials") != 0) {
        refuse(reply, 400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.");
        return false;
    }
    if (client == NULL || strcasecmp(client, auth->options->client_id) != 0) {
        refuse(reply, 400, "unauthorized_client", 700016, "Application was not found in the directory.");
        return false;
    }
    size_t suffix = strlen("/.default");
    if (scope == NULL || strlen(scope) < suffix || strcmp(scope + strlen(scope) - suffix, "/.default") != 0) {
        refuse(reply, 400, "invalid_scope", 70011, "The provided value for the input parameter 'scope' is not valid.");
        return false;
    }
    return check_client(auth, r, form, len, reply);
}

void
auth_handle_token(struct request *r, struct reply *reply)
{
    struct auth *auth = r->sim->auth;
    const char *form = (const char *)body_bytes(&r->body, NULL);
    if (form == NULL || r->body.size > AUTH_CEILING) {
        refuse(reply, 400, "invalid_request", 900144, "The request body must contain the parameter 'grant_type'.");
        return;
    }
    if (!check_form(auth, r, form, r->body.size, reply))
        return;
    pthread_mutex_lock(&auth->mutex);
    uint64_t generation = auth->generation;
    unsigned seconds = auth->token_seconds;
    pthread_mutex_unlock(&auth->mutex);
    CLEANUP(memory_free_p) char *token = make_token(auth, r->base, seconds, generation);
    reply_json(reply, 200,
               json_pack("{s:s,s:i,s:i,s:s}", "token_type", "Bearer", "expires_in", (int)seconds, "ext_expires_in",
                         (int)seconds, "access_token", token));
    reply_header(reply, "Content-Type", "application/json; charset=utf-8");
    reply_header(reply, "Cache-Control", "no-store, no-cache");
}

void
auth_handle_metadata(struct request *r, struct reply *reply)
{
    const char *tenant = r->arguments[0];
    CLEANUP(memory_free_p) char *root = memory_printf("%s/%s", r->base, tenant);
    json_t *o =
        json_pack("{s:[s,s,s],s:[s],s:[s],s:[s]}", "token_endpoint_auth_methods_supported", "client_secret_post",
                  "private_key_jwt", "client_secret_basic", "response_types_supported", "code",
                  "subject_types_supported", "pairwise", "id_token_signing_alg_values_supported", "RS256");
    const struct {
        const char *name, *path;
    } ends[] = { { "issuer", "/v2.0" },
                 { "token_endpoint", "/oauth2/v2.0/token" },
                 { "authorization_endpoint", "/oauth2/v2.0/authorize" },
                 { "jwks_uri", "/discovery/v2.0/keys" } };
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        CLEANUP(memory_free_p) char *address = memory_printf("%s%s", root, ends[i].path);
        json_object_set_new(o, ends[i].name, json_string(address));
    }
    reply_json(reply, 200, o);
    reply_header(reply, "Content-Type", "application/json; charset=utf-8");
}

void
auth_handle_keys(struct request *r, struct reply *reply)
{
    (void)r;
    reply_json(reply, 200, json_pack("{s:[]}", "keys"));
}

/* NULL when the token is good. */
static const char *
token_problem(struct auth *auth, const char *token)
{
    const char *first = strchr(token, '.');
    const char *last = strrchr(token, '.');
    if (first == NULL || last == first || last - token > 4096)
        return "JWT is not well formed.";
    CLEANUP(memory_free_p) char *head = memory_printf("%.*s", (int)(last - token), token);
    char signature[AUTH_SIGNATURE_LEN];
    auth_sign(auth, head, signature);
    if (strcmp(signature, last + 1) != 0)
        return "Access token validation failure. Invalid signature.";
    json_t *claims = auth_decode_object(first + 1, (size_t)(last - first - 1));
    int64_t expires = json_integer_value(json_object_get(claims, "exp"));
    uint64_t generation = (uint64_t)json_integer_value(json_object_get(claims, "gen"));
    json_decref(claims);
    if (clock_wall_ms(auth->clock) / 1000 >= expires)
        return "Lifetime validation failed, the token is expired.";
    pthread_mutex_lock(&auth->mutex);
    bool revoked = generation < auth->generation;
    pthread_mutex_unlock(&auth->mutex);
    return revoked ? "Access token has been revoked." : NULL;
}

bool
auth_check(struct auth *auth, const struct request *r, struct reply *reply)
{
    const char *header = request_header(r, "Authorization");
    const char *problem = "Access token is empty.";
    if (header != NULL && strncasecmp(header, "Bearer ", 7) == 0)
        problem = token_problem(auth, header + 7);
    if (problem == NULL)
        return true;
    reply_error(reply, 401, "InvalidAuthenticationToken", problem, NULL);
    reply_header(reply, "WWW-Authenticate",
                 "Bearer realm=\"\", authorization_uri=\"%s/common/oauth2/authorize\", "
                 "client_id=\"00000003-0000-0000-c000-000000000000\"",
                 r->base);
    return false;
}

void
auth_revoke_tokens(struct auth *auth)
{
    pthread_mutex_lock(&auth->mutex);
    auth->generation++;
    pthread_mutex_unlock(&auth->mutex);
}

void
auth_set_secret_expired(struct auth *auth, bool expired)
{
    pthread_mutex_lock(&auth->mutex);
    auth->secret_expired = expired;
    pthread_mutex_unlock(&auth->mutex);
}

void
auth_set_token_seconds(struct auth *auth, unsigned seconds)
{
    pthread_mutex_lock(&auth->mutex);
    auth->token_seconds = seconds;
    pthread_mutex_unlock(&auth->mutex);
}
