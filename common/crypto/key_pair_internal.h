#ifndef LONGHAUL_COMMON_CRYPTO_KEY_PAIR_INTERNAL_H
#define LONGHAUL_COMMON_CRYPTO_KEY_PAIR_INTERNAL_H

#include "common/crypto/key_pair.h"

#include <openssl/evp.h>

/* The uncompressed public point. -1 when the key is not on P-256. */
int key_pair_internal_point(EVP_PKEY *pkey, uint8_t out[KEY_POINT_LEN]);
/* A public key from its point; NULL with ERROR_FORMAT. Free with EVP_PKEY_free(). */
EVP_PKEY *key_pair_internal_public(const uint8_t point[KEY_POINT_LEN], struct error *err);

#endif
