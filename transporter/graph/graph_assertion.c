#include "common/base/clock.h"
#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/graph/graph_credentials.h"
#include "transporter/graph/graph_json.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASSERTION_LIFETIME_S 600
#define SIGNATURE_MAX        ((size_t)2048) /* RSA keys up to 16,384 bits */

static void
format_guid(const struct clock *clock, char out[37])
{
    uint8_t raw[16];
    char hex[33];

    clock_random(clock, raw, sizeof(raw));
    raw[6] = (uint8_t)((raw[6] & 0x0F) | 0x40);
    raw[8] = (uint8_t)((raw[8] & 0x3F) | 0x80);
    encoding_hex(raw, sizeof(raw), hex);
    snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

static char *
encode_part(json_t *part)
{
    size_t len;
    char *text = graph_json_dump(part, &len);
    char *out = memory_new(ENCODING_BASE64_LEN(len));

    encoding_base64url(text, len, out);
    free(text);
    json_decref(part);
    return out;
}

static char *
unsigned_assertion(const struct graph_credentials *c, const struct clock *clock)
{
    char thumbprint[ENCODING_BASE64_LEN(32)], jti[37];
    json_int_t now = (json_int_t)(clock_wall_ms(clock) / 1000);
    CLEANUP(memory_free_p) char *audience = graph_credentials_token_url(c);

    encoding_base64url(c->certificate_sha256, 32, thumbprint);
    format_guid(clock, jti);
    CLEANUP(memory_free_p)
    char *header = encode_part(json_pack("{s:s,s:s,s:s}", "alg", "PS256", "typ", "JWT", "x5t#S256", thumbprint));
    CLEANUP(memory_free_p)
    char *claims =
        encode_part(json_pack("{s:s,s:s,s:s,s:s,s:I,s:I,s:I}", "aud", audience, "iss", c->client_id, "sub",
                              c->client_id, "jti", jti, "nbf", now, "iat", now, "exp", now + ASSERTION_LIFETIME_S));
    return memory_printf("%s.%s", header, claims);
}

char *
graph_credentials_assertion(const struct graph_credentials *c, const struct clock *clock, struct error *err)
{
    if (EVP_PKEY_get_base_id(c->key) != EVP_PKEY_RSA) {
        FAIL(err, ERROR_CONFIG, 0, "Microsoft Entra accepts RSA certificates only; the key is of another kind");
        return NULL;
    }
    CLEANUP(memory_free_p) char *text = unsigned_assertion(c, clock);
    uint8_t signature[SIGNATURE_MAX];
    size_t len = sizeof(signature);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_PKEY_CTX *options = NULL;
    bool ok = md != NULL && EVP_DigestSignInit(md, &options, EVP_sha256(), NULL, c->key) == 1 &&
              EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
              EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1 &&
              EVP_DigestSign(md, signature, &len, (const uint8_t *)text, strlen(text)) == 1;

    EVP_MD_CTX_free(md);
    ERR_clear_error();
    if (!ok) {
        FAIL(err, ERROR_CONFIG, 0, "the private key of the app registration cannot sign (RSA of 2048 bits or more?)");
        return NULL;
    }
    char encoded[ENCODING_BASE64_LEN(SIGNATURE_MAX)];
    encoding_base64url(signature, len, encoded);
    return memory_printf("%s.%s", text, encoded);
}
