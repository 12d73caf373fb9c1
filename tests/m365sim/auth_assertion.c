#include "common/base/encoding.h"
#include "common/base/memory.h"
#include "tests/m365sim/auth_internal.h"
#include "tests/m365sim/options.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SKEW_SECONDS     300
#define LIFETIME_SECONDS 86400

static bool
thumbprint_matches(X509 *certificate, const char *name, const EVP_MD *md, const json_t *header)
{
    const char *have = json_string_value(json_object_get(header, name));
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    char text[ENCODING_BASE64_LEN(EVP_MAX_MD_SIZE)];
    if (have == NULL || !X509_digest(certificate, md, digest, &len))
        return false;
    size_t text_len = encoding_base64url(digest, len, text);
    return strncmp(have, text, text_len) == 0 && strspn(have + text_len, "=") == strlen(have + text_len);
}

static bool
signature_holds(X509 *certificate, const char *algorithm, const char *signed_text, size_t signed_len,
                const char *signature)
{
    uint8_t bytes[1024];
    size_t len = sizeof(bytes);
    if (algorithm == NULL || encoding_unbase64(signature, strlen(signature), bytes, &len, NULL) != 0)
        return false;
    bool pss = strcmp(algorithm, "PS256") == 0;
    if (!pss && strcmp(algorithm, "RS256") != 0)
        return false;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_PKEY_CTX *key = NULL;
    bool good = EVP_DigestVerifyInit(md, &key, EVP_sha256(), NULL, X509_get0_pubkey(certificate)) == 1;
    if (good && pss)
        good = EVP_PKEY_CTX_set_rsa_padding(key, RSA_PKCS1_PSS_PADDING) > 0 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(key, RSA_PSS_SALTLEN_DIGEST) > 0;
    good = good && EVP_DigestVerify(md, bytes, len, (const uint8_t *)signed_text, signed_len) == 1;
    EVP_MD_CTX_free(md);
    return good;
}

static bool
audience_matches(const char *have, const char *audience)
{
    if (have == NULL)
        return false;
    size_t len = strlen(audience);
    if (strcasecmp(have, audience) == 0)
        return true;
    /* Older libraries name the issuer instead of the endpoint. */
    size_t suffix = strlen("/oauth2/v2.0/token");
    return strlen(have) + strlen("/oauth2/v2.0/token") >= len && strncasecmp(have, audience, len - suffix) == 0 &&
           (strcmp(have + len - suffix, "/v2.0") == 0 || strcmp(have + len - suffix, "/oauth2/token") == 0);
}

static const char *
check_claims(const struct auth *auth, const json_t *claims, const char *audience, int64_t now, int *code)
{
    const char *issuer = json_string_value(json_object_get(claims, "iss"));
    const char *subject = json_string_value(json_object_get(claims, "sub"));
    int64_t expires = json_integer_value(json_object_get(claims, "exp"));
    int64_t begins = json_integer_value(json_object_get(claims, "nbf"));
    *code = 700021;
    if (issuer == NULL || subject == NULL || strcasecmp(issuer, auth->options->client_id) != 0 ||
        strcasecmp(subject, issuer) != 0)
        return "Client assertion application identifier doesn't match 'client_id' parameter.";
    *code = 700023;
    if (!audience_matches(json_string_value(json_object_get(claims, "aud")), audience))
        return "Client assertion audience claim does not match Realm issuer.";
    *code = 700024;
    if (expires + SKEW_SECONDS < now || begins > now + SKEW_SECONDS || expires - now > LIFETIME_SECONDS)
        return "Client assertion is not within its valid time range.";
    return NULL;
}

const char *
auth_assertion_check(const struct auth *auth, const char *assertion, const char *audience, int64_t now, int *code)
{
    const char *first = strchr(assertion, '.');
    const char *second = first == NULL ? NULL : strchr(first + 1, '.');
    const char *problem;
    *code = 50027;
    if (second == NULL)
        return "JWT token is invalid or malformed.";
    *code = 700027;
    if (auth->certificate == NULL)
        return "The certificate with identifier used to sign the client assertion is not registered on application.";
    json_t *header = auth_decode_object(assertion, (size_t)(first - assertion));
    json_t *claims = auth_decode_object(first + 1, (size_t)(second - first - 1));
    if (!thumbprint_matches(auth->certificate, "x5t#S256", EVP_sha256(), header) &&
        !thumbprint_matches(auth->certificate, "x5t", EVP_sha1(), header))
        problem = "The certificate with identifier used to sign the client assertion is not registered on application.";
    else if (!signature_holds(auth->certificate, json_string_value(json_object_get(header, "alg")), assertion,
                              (size_t)(second - assertion), second + 1))
        problem = "Client assertion contains an invalid signature. The key was not accepted.";
    else
        problem = check_claims(auth, claims, audience, now, code);
    json_decref(header);
    json_decref(claims);
    return problem;
}
