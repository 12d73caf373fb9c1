#ifndef LONGHAUL_TESTS_M365SIM_QUICKXOR_H
#define LONGHAUL_TESTS_M365SIM_QUICKXOR_H

/* quickXorHash, the checksum of OneDrive and SharePoint: byte i is XORed into a 160 bit register at bit
 * 11 * i mod 160; the length goes into the last eight bytes. */

#include <stddef.h>
#include <stdint.h>

#define QUICKXOR_LEN      20
#define QUICKXOR_TEXT_LEN 29 /* base64 with the NUL */

struct quickxor {
    uint64_t rows[20]; /* byte i of the input is XORed into byte i mod 160 */
    uint64_t total;
};

void quickxor_init(struct quickxor *q);
void quickxor_update(struct quickxor *q, const void *data, size_t len);
void quickxor_final(const struct quickxor *q, uint8_t out[QUICKXOR_LEN]);

#endif
