#ifndef LONGHAUL_TRANSPORTER_RESTORE_RESTORE_BOUNDARY_H
#define LONGHAUL_TRANSPORTER_RESTORE_RESTORE_BOUNDARY_H

/* Where a part of a multipart ends (RFC 2046, 5.1.1). Pure but for reading the file; any thread. */

#include <sys/types.h>

/* *end: of the bytes from `from` on that belong to the part; the line break before the delimiter is not among them. The
 * file's end when no delimiter comes, or boundary is NULL. 0, or -1 when the file cannot be read. */
int restore_boundary_find(int fd, off_t from, const char *boundary, off_t *end);

#endif
