#ifndef LONGHAUL_TRANSPORTER_RESTORE_RESTORE_HEADERS_H
#define LONGHAUL_TRANSPORTER_RESTORE_RESTORE_HEADERS_H

/* Header blocks of messages as they are found in mailboxes, broken ones included. Pure. */

#include <stdbool.h>
#include <stddef.h>

/* Where the body begins: after the empty line. A block without a single field has no headers: 0, unless `top`: before
 * the headers of a whole message there may be an mbox line, a byte order mark, or blanks. */
size_t restore_headers_end(const char *data, size_t len, bool top);

/* The first field of that name within a block that ends at len, unfolded, broken UTF-8 replaced; NULL when there is
 * none; free(). */
char *restore_headers_find(const char *data, size_t len, const char *name);

#endif
