#ifndef LONGHAUL_TRANSPORTER_RESTORE_VCARD_WRITE_H
#define LONGHAUL_TRANSPORTER_RESTORE_VCARD_WRITE_H

/* A contact as Microsoft Graph gives it (contact resource type) as a vCard 3.0 (RFC 2426), which every address book
 * reads. What vCard has no property for is written as X-MS-… as Outlook does. Pure; any thread. */

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct error;

/* Appends the card. photo: its bytes; len 0: none. */
int vcard_write(const json_t *contact, const uint8_t *photo, size_t len, struct buffer *out, struct error *err);

#endif
