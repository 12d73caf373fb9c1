#ifndef LONGHAUL_TRANSPORTER_RESTORE_RESTORE_DECODE_H
#define LONGHAUL_TRANSPORTER_RESTORE_RESTORE_DECODE_H

/* Transfer encodings, read so that no byte is lost: what is no code is passed over (base64) or kept as it is
 * (quoted-printable), and a text that goes on after its padding is read to its end. Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum restore_encoding { RESTORE_IDENTITY, RESTORE_BASE64, RESTORE_QUOTED, RESTORE_UUENCODE };

/* Of a Content-Transfer-Encoding; NULL and unknown ones are the identity. */
enum restore_encoding restore_decode_kind(const char *value);

/* Takes the content piece by piece. */
struct restore_decode {
    enum restore_encoding encoding;
    const char *at;
    size_t left;
    uint32_t bits; /* of base64, not yet a byte */
    unsigned have;
    int uu_state; /* the library's */
    uint32_t uu_save;
};

#define RESTORE_DECODE_BLOCK ((size_t)64 << 10)

/* Borrows data until the last piece. */
void restore_decode_begin(struct restore_decode *decode, enum restore_encoding encoding, const char *data, size_t len);
/* The next piece, at most RESTORE_DECODE_BLOCK bytes of it into out. false at the end; *len may be 0 before. */
bool restore_decode_next(struct restore_decode *decode, char *out, size_t *len);

#endif
