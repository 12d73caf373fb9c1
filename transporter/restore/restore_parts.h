#ifndef LONGHAUL_TRANSPORTER_RESTORE_RESTORE_PARTS_H
#define LONGHAUL_TRANSPORTER_RESTORE_RESTORE_PARTS_H

/* The parts of a message (RFC 2045, 2046) as places in its bytes, so that what is handed out is exactly what is stored.
 * Nothing fails on content: a multipart whose boundary never comes is a text, a part that is no part is one. Embedded
 * messages are not opened. Pure. */

#include "transporter/restore/restore_decode.h"

#include <stdbool.h>
#include <stddef.h>

#define RESTORE_PARTS_LIMIT 4096u

struct restore_part {
    int parent; /* -1: the message itself */
    unsigned depth;
    char type[128]; /* "text/html", lower case */
    char *charset;  /* NULL */
    enum restore_encoding encoding;
    bool multipart, attachment, is_inline; /* the latter as Content-Disposition says */
    char *name;                            /* of the file; NULL */
    char *content_id;                      /* without brackets; NULL */
    size_t offset, len;                    /* of the content, still encoded */
};

struct restore_parts {
    const char *data;
    size_t count;
    struct restore_part *parts;
    size_t body;     /* where the message's own body begins */
    int plain, html; /* parts that a reader shows as the body; -1: none */
};

/* Borrows data. */
void restore_parts_read(struct restore_parts *parts, const char *data, size_t len);
void restore_parts_clear(struct restore_parts *parts);
/* Whether it is neither container nor body. */
bool restore_parts_is_attachment(const struct restore_parts *parts, size_t index);

#endif
