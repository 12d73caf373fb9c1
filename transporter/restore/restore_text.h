#ifndef LONGHAUL_TRANSPORTER_RESTORE_RESTORE_TEXT_H
#define LONGHAUL_TRANSPORTER_RESTORE_RESTORE_TEXT_H

/* Text of a message as UTF-8. Pure; any thread. */

#include <stddef.h>

/* Bytes in a charset, as valid UTF-8 without NUL; what does not convert becomes U+FFFD. charset NULL or unknown: UTF-8
 * when the bytes are, else windows-1252. Free with free(). */
char *restore_text_utf8(const char *charset, const char *data, size_t len);

#endif
