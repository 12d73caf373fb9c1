#ifndef LONGHAUL_TRANSPORTER_RESTORE_SAFE_NAME_H
#define LONGHAUL_TRANSPORTER_RESTORE_SAFE_NAME_H

/* Names from a mailbox or drive made fit to be one path component. Pure; any thread.
 *
 * Whatever comes in, what goes out is valid UTF-8, not empty, not "." or "..", free of '/', NUL and control
 * characters, and at most SAFE_NAME_MAX bytes, cut between characters. */

#include <stddef.h>
#include <stdint.h>

#define SAFE_NAME_MAX         255
#define SAFE_NAME_SUBJECT_MAX 100

/* A file's or folder's name, kept as it is where the rule above allows; a cut keeps the extension. */
void safe_name_file(const char *name, char out[SAFE_NAME_MAX + 1]);

/* "<subject>-<first 8 hex digits of the SHA-256 of key>.eml": the subject cut to SAFE_NAME_SUBJECT_MAX bytes, without
 * characters that Windows or a shell mind ("*:<>?\|`$ and what has no width), runs of white space as one blank, "mail"
 * when nothing is left. key: the item's, as the catalog has it. */
void safe_name_message(const char *subject, const void *key, size_t key_len, char out[SAFE_NAME_MAX + 1]);

/* "report (2).docx" from "report.docx" and 2, for a name that is taken. name is safe already. */
void safe_name_numbered(const char *name, unsigned number, char out[SAFE_NAME_MAX + 1]);

#endif
