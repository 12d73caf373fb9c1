#ifndef LONGHAUL_TRANSPORTER_STORAGE_AZURE_AZURE_SIGN_H
#define LONGHAUL_TRANSPORTER_STORAGE_AZURE_AZURE_SIGN_H

/* Signatures of Azure Storage requests ("Authorize with Shared Key", Blob service, versions from 2015-02-21 on).
 * Pure; any thread. */

#include <stddef.h>
#include <stdint.h>

struct buffer;
struct error;
struct secret;

struct azure_sign_header {
    const char *name, *value;
};

#define AZURE_SIGN_HEADERS_MAX    24
#define AZURE_SIGN_PARAMETERS_MAX 16

/* The request as it goes out. */
struct azure_sign_request {
    const char *method, *account;
    const char *path;  /* of the URL, encoded as sent, with the leading '/' */
    const char *query; /* encoded as sent, without '?'; NULL: none */
    const struct azure_sign_header *headers;
    size_t header_count;
    uint64_t content_length;
};

/* The text that is signed. ERROR_LIMIT with more headers or parameters than the limits above. */
int azure_sign_text(const struct azure_sign_request *request, struct buffer *out, struct error *err);

#define AZURE_SIGNATURE_LEN 45
/* Base64 of the HMAC-SHA256 with the account's key (decoded), NUL ended. */
int azure_sign(const struct azure_sign_request *request, const struct secret *key, char out[AZURE_SIGNATURE_LEN],
               struct error *err);

#endif
