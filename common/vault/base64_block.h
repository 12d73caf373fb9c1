#ifndef LONGHAUL_COMMON_VAULT_BASE64_BLOCK_H
#define LONGHAUL_COMMON_VAULT_BASE64_BLOCK_H

/* Base64 (RFC 4648 §4) without line ends or padding, 32 characters at a time where the processor can. Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* len is a multiple of 3; writes len / 3 * 4 characters. */
void base64_block_encode(const uint8_t *data, size_t len, uint8_t *out);
/* len is a multiple of 4; writes len / 4 * 3 bytes. False when a character is not of the alphabet. */
bool base64_block_decode(const uint8_t *text, size_t len, uint8_t *out);

/* The same without vector instructions: the fallback, and what tests compare with. */
void base64_block_encode_plain(const uint8_t *data, size_t len, uint8_t *out);
bool base64_block_decode_plain(const uint8_t *text, size_t len, uint8_t *out);

/* The value of a character, or BASE64_BLOCK_BAD. */
#define BASE64_BLOCK_BAD 0xff
uint8_t base64_block_value(uint8_t c);

#endif
