#ifndef LONGHAUL_TRANSPORTER_RESTORE_RESTORE_MIME_H
#define LONGHAUL_TRANSPORTER_RESTORE_RESTORE_MIME_H

/* A stored message taken apart for Microsoft Graph: body, attachments, headers. The bytes lie in an unnamed temporary
 * file; memory holds the structure and a piece of one part at a time. One thread per message. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct error;
struct restore_mime;
struct to_tenant_content;

#define RESTORE_MIME_CEILING ((uint64_t)512 << 20)
#define RESTORE_BODY_CEILING ((size_t)32 << 20)

/* scratch: folder for the temporary file. ERROR_LIMIT above the ceiling; bytes that are no message become an empty
 * one with everything in its body, as mail programs do. */
struct restore_mime *restore_mime_open(const struct to_tenant_content *content, const char *scratch, struct error *err);
void restore_mime_free(struct restore_mime *mime);
void restore_mime_free_p(struct restore_mime **mime);

/* The part a reader shows first: HTML when there is, else plain text; UTF-8, the caller's, free(). "" when none. */
char *restore_mime_body(struct restore_mime *mime, bool *html, struct error *err);
/* The header block as it came, at most `ceiling` bytes of whole lines, broken UTF-8 replaced; free(). */
char *restore_mime_headers(struct restore_mime *mime, size_t ceiling);
/* First value of a header, unfolded; NULL; free(). */
char *restore_mime_header(struct restore_mime *mime, const char *name);
/* multipart/signed or multipart/encrypted: the parts come back, the signature over them does not. */
bool restore_mime_is_sealed(const struct restore_mime *mime);

struct restore_attachment {
    const char *name; /* the file's, an embedded message's subject, or "ATT00003" */
    char content_type[128];
    const char *content_id;   /* without brackets; "" */
    bool is_inline, embedded; /* embedded: a message/rfc822 */
};

size_t restore_mime_attachment_count(const struct restore_mime *mime);
/* Valid as long as mime. */
struct restore_attachment restore_mime_attachment(const struct restore_mime *mime, size_t index);
/* Decoded bytes into an unnamed temporary file, position at its start; the caller's, fclose(). */
FILE *restore_mime_attachment_open(struct restore_mime *mime, size_t index, uint64_t *len, struct error *err);

#endif
