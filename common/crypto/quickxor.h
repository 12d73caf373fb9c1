#ifndef LONGHAUL_COMMON_CRYPTO_QUICKXOR_H
#define LONGHAUL_COMMON_CRYPTO_QUICKXOR_H

/* quickXorHash, Microsoft's error check for drive files. Not a security hash. */

#include <stddef.h>
#include <stdint.h>

#define QUICKXOR_LEN  20
#define QUICKXOR_ROWS 160
#define QUICKXOR_TEXT 29 /* base64 with the NUL */

/* Embedded; zero it to begin, nothing to clear. */
struct quickxor {
    uint8_t row[QUICKXOR_ROWS]; /* XOR of all bytes at the same offset modulo 160 */
    uint64_t length;
};

void quickxor_update(struct quickxor *hash, const void *data, size_t len);
/* Leaves the state as it is: more may follow. */
void quickxor_final(const struct quickxor *hash, uint8_t out[QUICKXOR_LEN]);
/* As Graph writes it. */
void quickxor_text(const struct quickxor *hash, char out[QUICKXOR_TEXT]);

#endif
