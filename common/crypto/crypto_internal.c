#include "common/crypto/crypto_internal.h"

#include <openssl/err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_once_t fetched = PTHREAD_ONCE_INIT;
static EVP_MD *sha256;
static EVP_CIPHER *aes_256_gcm;

void
crypto_internal_must(int ok, const char *what)
{
    if (ok == 1)
        return;
    fprintf(stderr, "fatal: OpenSSL refuses %s\n", what);
    abort();
}

static void
fetch(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    crypto_internal_must(sha256 != NULL, "SHA-256");
    aes_256_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    crypto_internal_must(aes_256_gcm != NULL, "AES-256-GCM");
}

const EVP_MD *
crypto_internal_sha256(void)
{
    pthread_once(&fetched, fetch);
    return sha256;
}

const EVP_CIPHER *
crypto_internal_aes_256_gcm(void)
{
    pthread_once(&fetched, fetch);
    return aes_256_gcm;
}

int
crypto_internal_fail(struct error *err, enum error_kind kind, const char *what)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;
    ERR_clear_error();
    if (reason == NULL)
        return FAIL(err, kind, 0, "%s", what);
    return FAIL(err, kind, 0, "%s (%s)", what, reason);
}
