#ifndef LONGHAUL_COMMON_VAULT_BASE64_LINE_H
#define LONGHAUL_COMMON_VAULT_BASE64_LINE_H

/* Base64 (RFC 4648 §4) as it stands in messages, one way only: what decodes encodes to the same characters. Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes one line; len is a multiple of 4. Returns the bytes written to out (at most len / 4 * 3), or 0 when it is not
 * base64, or not the one encoding of its bytes. *padded: it ended with '='. */
size_t base64_line_decode(const uint8_t *line, size_t len, uint8_t *out, bool *padded);

/* Encoder of a part: groups of 3 bytes, a line end after every line_len characters that something follows. */
struct base64_lines {
    size_t line_len, column;
    bool crlf;
    uint8_t carry[3];
    size_t carried;
};

#define BASE64_LINES_OUT(n) (((n) + 3) / 3 * 4 * 2) /* room for n bytes' output with lines of 4 and more characters */

/* Returns the bytes written to out. */
size_t base64_lines_encode(struct base64_lines *lines, const uint8_t *data, size_t len, uint8_t *out);
size_t base64_lines_finish(struct base64_lines *lines, uint8_t *out);

#endif
