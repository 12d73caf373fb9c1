#ifndef LONGHAUL_COMMON_CRYPTO_KEY_PAIR_H
#define LONGHAUL_COMMON_CRYPTO_KEY_PAIR_H

/* A P-256 key pair (FIPS 186-4): the one kind of key pair in the project, for TLS, for the authority, for grants
 * and for sealing. The private half lives inside OpenSSL's key object and leaves it only as a struct secret or
 * through ECDH and ECDSA. Immutable after creation; any thread. */

#include <stddef.h>
#include <stdint.h>

struct error;
struct evp_pkey_st;
struct key_pair;
struct secret;

#define KEY_POINT_LEN     65 /* uncompressed: 0x04, X, Y (SEC 1, 2.3.3) */
#define KEY_SIGNATURE_LEN 64 /* r, s, big-endian, 32 bytes each (IEEE P1363) */

/* A fresh one. */
struct key_pair *key_pair_new(struct error *err);
void key_pair_free(struct key_pair *key);
void key_pair_free_p(struct key_pair **key);

/* PKCS #8 PEM, not encrypted. ERROR_FORMAT when it is not a P-256 private key. */
struct key_pair *key_pair_from_pem(const struct secret *pem, struct error *err);
struct secret *key_pair_to_pem(const struct key_pair *key, struct error *err);

/* A PEM file with mode 0600. load: ERROR_NOT_FOUND, ERROR_CONFIG when others may read it, ERROR_FORMAT.
 * save: made with O_EXCL and fsync, ERROR_EXISTS when the name is taken. */
struct key_pair *key_pair_load(const char *path, struct error *err);
int key_pair_save(const struct key_pair *key, const char *path, struct error *err);

/* The public half; valid as long as the key. */
const uint8_t *key_pair_point(const struct key_pair *key);
/* SHA-256 of the public half as SubjectPublicKeyInfo DER: what tls_peer.key_sha256 holds. */
void key_pair_spki_sha256(const struct key_pair *key, uint8_t out[32]);
/* Borrowed, for X.509 work. */
struct evp_pkey_st *key_pair_openssl(const struct key_pair *key);

/* ECDSA over SHA-256 of the data. */
int key_pair_sign(const struct key_pair *key, const void *data, size_t len, uint8_t out[KEY_SIGNATURE_LEN],
                  struct error *err);
/* ERROR_DENIED when the signature is not good, ERROR_FORMAT when the point is not on the curve. */
int key_pair_verify(const uint8_t point[KEY_POINT_LEN], const void *data, size_t len,
                    const uint8_t signature[KEY_SIGNATURE_LEN], struct error *err);

/* ECDH: the shared X coordinate. out is the caller's to zero. ERROR_FORMAT when the peer's point is not on the curve.
 */
int key_pair_agree(const struct key_pair *key, const uint8_t peer[KEY_POINT_LEN], uint8_t out[32], struct error *err);

/* 0 when the bytes are an uncompressed point on P-256, else ERROR_FORMAT. */
int key_pair_check_point(const uint8_t *point, size_t len, struct error *err);

#endif
