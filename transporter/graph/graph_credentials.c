#include "transporter/graph/graph_credentials.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "transporter/graph/graph_json.h"
#include "transporter/graph/graph_url.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

/* The parser's own copies of secrets, overwritten before they go back to the heap. */
static void
wipe_and_unref(json_t **bundle)
{
    const char *key;
    json_t *value;

    json_object_foreach (*bundle, key, value) {
        if (!json_is_string(value))
            continue;
        const char *text = json_string_value(value);
        char *mutable_text;
        memcpy(&mutable_text, &text, sizeof(text));
        secret_zero(mutable_text, strlen(text));
    }
    json_decref(*bundle);
}

static char *
take_origin(const json_t *bundle, const char *key, const char *standard, struct error *err)
{
    const char *text = graph_json_text(bundle, key);

    if (text[0] == '\0')
        text = standard;
    if (!graph_url_is_https(text)) {
        FAIL(err, ERROR_CONFIG, 0, "Microsoft 365 credentials: %s must be an https URL", key);
        return NULL;
    }
    char *copy = memory_strdup(text);
    copy[8 + strcspn(copy + 8, "/?#")] = '\0';
    return copy;
}

static int
take_certificate(struct graph_credentials *c, const char *certificate_pem, const char *key_pem, struct error *err)
{
    BIO *certificate_bio = BIO_new_mem_buf(certificate_pem, -1), *key_bio = BIO_new_mem_buf(key_pem, -1);
    X509 *certificate = PEM_read_bio_X509(certificate_bio, NULL, NULL, NULL);
    unsigned len = 0;
    int status = 0;

    char no_password[] = ""; /* else OpenSSL would ask on the terminal */
    c->key = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, no_password);
    if (certificate == NULL)
        status = FAIL(err, ERROR_CONFIG, 0, "Microsoft 365 credentials: certificate_pem is not a PEM certificate");
    else if (c->key == NULL)
        status = FAIL(err, ERROR_CONFIG, 0, "Microsoft 365 credentials: private_key_pem is not an unencrypted PEM key");
    else if (X509_check_private_key(certificate, c->key) != 1)
        status = FAIL(err, ERROR_CONFIG, 0, "Microsoft 365 credentials: the private key does not fit the certificate");
    else if (X509_digest(certificate, EVP_sha256(), c->certificate_sha256, &len) != 1)
        status = FAIL(err, ERROR_INTERNAL, 0, "OpenSSL cannot hash the certificate");
    ERR_clear_error();
    X509_free(certificate);
    BIO_free(certificate_bio);
    BIO_free(key_bio);
    return status;
}

static int
take_proof(struct graph_credentials *c, const json_t *bundle, struct error *err)
{
    const char *secret = graph_json_text(bundle, "client_secret");
    const char *certificate = graph_json_text(bundle, "certificate_pem");
    const char *key = graph_json_text(bundle, "private_key_pem");

    if (secret[0] != '\0') {
        c->client_secret = secret_new(secret, strlen(secret), err);
        return c->client_secret != NULL ? 0 : -1;
    }
    if (certificate[0] == '\0' || key[0] == '\0')
        return FAIL(err, ERROR_CONFIG, 0,
                    "Microsoft 365 credentials: give client_secret, or certificate_pem and private_key_pem");
    return take_certificate(c, certificate, key, err);
}

struct graph_credentials *
graph_credentials_new(const struct secret *bundle, struct error *err)
{
    CLEANUP(wipe_and_unref)
    json_t *json = json_loadb((const char *)secret_bytes(bundle), secret_len(bundle), 0, NULL);
    CLEANUP(graph_credentials_free_p) struct graph_credentials *c = MEMORY_NEW(struct graph_credentials);

    if (!json_is_object(json)) {
        FAIL(err, ERROR_CONFIG, 0, "Microsoft 365 credentials are not a JSON object");
        return NULL;
    }
    c->tenant = memory_strdup(graph_json_text(json, "tenant"));
    c->client_id = memory_strdup(graph_json_text(json, "client_id"));
    if (c->tenant[0] == '\0' || c->client_id[0] == '\0') {
        FAIL(err, ERROR_CONFIG, 0, "Microsoft 365 credentials: tenant and client_id are required");
        return NULL;
    }
    c->login_url = take_origin(json, "login_url", "https://login.microsoftonline.com", err);
    c->graph_url = take_origin(json, "graph_url", "https://graph.microsoft.com", err);
    if (c->login_url == NULL || c->graph_url == NULL || take_proof(c, json, err) != 0)
        return NULL;
    return MOVE(c);
}

void
graph_credentials_free(struct graph_credentials *c)
{
    if (c == NULL)
        return;
    free(c->tenant);
    free(c->client_id);
    free(c->login_url);
    free(c->graph_url);
    secret_free(c->client_secret);
    EVP_PKEY_free(c->key);
    free(c);
}

void
graph_credentials_free_p(struct graph_credentials **credentials)
{
    graph_credentials_free(*credentials);
}

char *
graph_credentials_token_url(const struct graph_credentials *c)
{
    CLEANUP(memory_free_p) char *path = graph_url("/%s/oauth2/v2.0/token", c->tenant);
    return memory_printf("%s%s", c->login_url, path);
}
