#ifndef LONGHAUL_COMMON_BASE_ENCODING_H
#define LONGHAUL_COMMON_BASE_ENCODING_H

/* Hexadecimal and base64 (RFC 4648), for ids, hashes and small values; strict when decoding. */

#include <stddef.h>
#include <stdint.h>

struct error;

/* out holds 2 * len + 1 bytes. Lower case. */
void encoding_hex(const void *data, size_t len, char *out);
/* Exactly len bytes from 2 * len digits. 0, or -1. */
int encoding_unhex(const char *text, void *out, size_t len);

#define ENCODING_BASE64_LEN(n) (((n) + 2) / 3 * 4 + 1)
/* Standard alphabet with padding. out holds ENCODING_BASE64_LEN(len). Returns the text's length. */
size_t encoding_base64(const void *data, size_t len, char *out);
/* URL alphabet, no padding. */
size_t encoding_base64url(const void *data, size_t len, char *out);
/* What a character of either alphabet stands for, 0 to 63; -1: it is of none. */
int encoding_base64_digit(char c);
/* Either alphabet, padding optional, no white space. *len is out's size on entry, the bytes written on return.
 * ERROR_FORMAT when it is not base64, ERROR_LIMIT when out is too small. */
int encoding_unbase64(const char *text, size_t text_len, uint8_t *out, size_t *len, struct error *err);

#endif
