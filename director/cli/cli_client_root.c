#include "director/cli/cli_client.h"

#include "common/base/buffer.h"
#include "common/base/encoding.h"
#include "common/base/memory.h"
#include "director/cli/cli_client_internal.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>

struct pinned {
    uint8_t fingerprint[32];
    bool found;
    uint8_t seen[32]; /* of the last certificate sent */
    char *root_pem;
};

static char *
to_pem(X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data, *text = NULL;

    if (bio != NULL && PEM_write_bio_X509(bio, certificate) == 1) {
        long len = BIO_get_mem_data(bio, &data);
        text = memory_printf("%.*s", (int)len, data);
    }
    BIO_free(bio);
    return text;
}

/* The pinned certificate becomes the only trusted one, and then the usual checks run. */
static int
on_verify(X509_STORE_CTX *store, void *ctx)
{
    struct pinned *pinned = ctx;
    STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(store), *trusted = sk_X509_new_null();

    for (int i = 0; i < sk_X509_num(sent); i++) {
        X509 *certificate = sk_X509_value(sent, i);
        unsigned len = sizeof(pinned->seen);
        X509_digest(certificate, EVP_sha256(), pinned->seen, &len);
        if (memcmp(pinned->seen, pinned->fingerprint, sizeof(pinned->seen)) != 0)
            continue;
        pinned->found = true;
        sk_X509_push(trusted, certificate);
        free(pinned->root_pem);
        pinned->root_pem = to_pem(certificate);
    }
    X509_STORE_CTX_set0_trusted_stack(store, trusted);
    int good = pinned->found ? X509_verify_cert(store) : 0;
    if (!pinned->found)
        X509_STORE_CTX_set_error(store, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN);
    sk_X509_free(trusted);
    return good;
}

static CURLcode
on_curl_tls(CURL *curl, void *tls, void *ctx)
{
    (void)curl;
    SSL_CTX_set_cert_verify_callback(tls, on_verify, ctx);
    return CURLE_OK;
}

static int
read_fingerprint(const char *text, uint8_t out[32], struct error *err)
{
    char digits[65];
    size_t len = 0;

    for (; *text != '\0' && len < sizeof(digits); text++)
        if (*text != ':' && *text != ' ')
            digits[len++] = (char)(*text >= 'A' && *text <= 'F' ? *text - 'A' + 'a' : *text);
    digits[len < 65 ? len : 64] = '\0';
    if (len != 64 || encoding_unhex(digits, out, 32) != 0)
        return FAIL(err, ERROR_USAGE, 0, "--ca-fingerprint wants 64 hex digits: the SHA-256 that the director logs");
    return 0;
}

char *
cli_client_fetch_root(const char *director, const char *fingerprint, struct error *err)
{
    CLEANUP(buffer_clear) struct buffer reply = BUFFER_INIT(4096);
    CLEANUP(memory_free_p) char *url = memory_printf("%s/api/v1/health", director);
    struct pinned pinned = { .found = false };
    char seen[65];

    if (read_fingerprint(fingerprint, pinned.fingerprint, err) != 0)
        return NULL;
    CURL *curl = cli_client_curl_new(err);
    if (curl == NULL)
        return NULL;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, on_curl_tls);
    curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, &pinned);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_cleanup(curl);
    if (code == CURLE_OK && pinned.root_pem != NULL)
        return pinned.root_pem;
    free(pinned.root_pem);
    encoding_hex(pinned.seen, sizeof(pinned.seen), seen);
    if (code == CURLE_PEER_FAILED_VERIFICATION && !pinned.found)
        FAIL(err, ERROR_DENIED, (int)code,
             "%s shows an authority with fingerprint %s, which is not the one you gave; do not go on before you know "
             "why",
             director, seen);
    else
        cli_client_curl_error(code, director, err);
    return NULL;
}
