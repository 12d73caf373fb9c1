#ifndef LONGHAUL_COMMON_CRYPTO_CRYPTO_INTERNAL_H
#define LONGHAUL_COMMON_CRYPTO_CRYPTO_INTERNAL_H

/* What the files of this folder share. */

#include "common/base/error.h"

#include <openssl/evp.h>

/* For calls that fail only when memory is out or the library is broken: aborts. */
void crypto_internal_must(int ok, const char *what);

/* Fetched once and kept for the life of the process. */
const EVP_MD *crypto_internal_sha256(void);
const EVP_CIPHER *crypto_internal_aes_256_gcm(void);

/* FAIL with the text and OpenSSL's reason, and empties its error queue. Returns -1. */
int crypto_internal_fail(struct error *err, enum error_kind kind, const char *what);

#endif
