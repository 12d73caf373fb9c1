#include "transporter/graph/graph_token_reply.h"

#include "common/base/buffer.h"
#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "transporter/graph/graph_json.h"

#include <stdlib.h>
#include <string.h>

#define TOKEN_MAX ((size_t)32 << 10)

static const struct {
    int code;
    enum error_kind kind;
    const char *text;
} refusals[] = {
    { 700016, ERROR_CONFIG, "the app id is unknown in this tenant: wrong tenant, or no administrator consented" },
    { 7000215, ERROR_UNAUTHENTICATED, "the client secret is wrong (its value is needed, not its id): make a new one" },
    { 7000222, ERROR_UNAUTHENTICATED, "the client secret has expired: make a new one" },
    { 700027, ERROR_UNAUTHENTICATED,
      "the certificate is not accepted: add it to the app registration, and check this machine's clock" },
    { 700024, ERROR_UNAUTHENTICATED, "the signed request is outside its time window: check this machine's clock" },
    { 90002, ERROR_CONFIG, "the tenant does not exist in this cloud: check tenant id and login address" },
    { 50020, ERROR_CONFIG, "the account belongs to another tenant: check tenant id" },
    { 65001, ERROR_CONFIG, "nobody consented to the app's permissions: an administrator must" },
    { 70011, ERROR_CONFIG, "the scope is not accepted: check the Graph address of this cloud" },
    { 50196, ERROR_UNAVAILABLE, "the token service sees too many requests; waiting" },
    { 50053, ERROR_UNAVAILABLE, "the token service locked sign-in for a while; waiting" },
};

static int
aadsts_of(const json_t *json)
{
    const json_t *codes = json_object_get(json, "error_codes");
    json_int_t code = json_integer_value(json_array_get(codes, 0));

    if (code == 0) {
        const char *text = strstr(graph_json_text(json, "error_description"), "AADSTS");
        code = text != NULL ? strtol(text + 6, NULL, 10) : 0;
    }
    return code > 0 && code < 100000000 ? (int)code : 0;
}

static int
refuse(int status, const json_t *json, struct graph_token_reply *reply, struct error *err)
{
    reply->aadsts = aadsts_of(json);
    reply->passing = status == 429 || status >= 500;
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        if (refusals[i].code != reply->aadsts)
            continue;
        reply->passing |= refusals[i].kind == ERROR_UNAVAILABLE;
        return FAIL(err, refusals[i].kind, status, "Microsoft sign-in: %s (AADSTS%d)", refusals[i].text, reply->aadsts);
    }
    if (reply->passing)
        return FAIL(err, ERROR_UNAVAILABLE, status, "Microsoft sign-in answered %d; waiting", status);
    if (reply->aadsts != 0)
        return FAIL(err, ERROR_UNAUTHENTICATED, status, "Microsoft sign-in refused the app (AADSTS%d)", reply->aadsts);
    return FAIL(err, ERROR_CONFIG, status,
                "the login address answered %d and not as a Microsoft token endpoint: check login_url", status);
}

static int
take_token(const json_t *json, struct graph_token_reply *reply, struct error *err)
{
    const char *token = graph_json_text(json, "access_token");
    size_t len = strlen(token);
    int64_t expires = graph_json_int(json, "expires_in");
    const char *expires_text = graph_json_text(json, "expires_in");

    if (expires_text[0] != '\0')
        expires = strtoll(expires_text, NULL, 10);
    if (len == 0 || len > TOKEN_MAX || strpbrk(token, "\r\n") != NULL)
        return FAIL(err, ERROR_CONFIG, 200,
                    "the login address gave no usable token: check login_url (not a Microsoft token endpoint?)");
    reply->expires_in_s = expires <= 0 ? 300 : expires > 7 * 86400 ? 7 * 86400 : (uint32_t)expires;
    reply->token = secret_new(token, len, err);
    char *mutable_token;
    memcpy(&mutable_token, &token, sizeof(token));
    secret_zero(mutable_token, len);
    return reply->token != NULL ? 0 : -1;
}

int
graph_token_reply_parse(int status, char *body, size_t len, struct graph_token_reply *reply, struct error *err)
{
    *reply = (struct graph_token_reply){ .token = NULL };
    CLEANUP(graph_json_unref) json_t *json = graph_json_parse(body, len, NULL);
    if (len > 0)
        secret_zero(body, len);
    if (status == 200 && json_is_object(json))
        return take_token(json, reply, err);
    return refuse(status, json, reply, err);
}

static bool
has_role(const json_t *roles, const char *role)
{
    size_t index;
    const json_t *one;

    json_array_foreach (roles, index, one) {
        if (json_is_string(one) && strcmp(json_string_value(one), role) == 0)
            return true;
    }
    return false;
}

int
graph_token_reply_missing(const struct secret *token, const char *const *wanted, struct buffer *missing,
                          struct error *err)
{
    const char *start = strchr(secret_text(token), '.'), *end = start != NULL ? strchr(start + 1, '.') : NULL;

    if (end == NULL)
        return FAIL(err, ERROR_FORMAT, 0, "the token is opaque: its roles cannot be read");
    size_t len = (size_t)(end - start - 1), raw_len = len;
    CLEANUP(memory_free_p) char *raw = memory_array(len + 1, 1, TOKEN_MAX + 1, err);
    if (raw == NULL || encoding_unbase64(start + 1, len, (uint8_t *)raw, &raw_len, err) != 0)
        return -1;
    CLEANUP(graph_json_unref) json_t *claims = graph_json_parse(raw, raw_len, err);
    if (claims == NULL)
        return -1;
    for (; *wanted != NULL; wanted++)
        if (!has_role(json_object_get(claims, "roles"), *wanted) &&
            buffer_printf(missing, err, "%s%s", missing->len > 0 ? ", " : "", *wanted) != 0)
            return -1;
    return 0;
}
