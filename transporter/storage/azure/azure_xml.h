#ifndef LONGHAUL_TRANSPORTER_STORAGE_AZURE_AZURE_XML_H
#define LONGHAUL_TRANSPORTER_STORAGE_AZURE_AZURE_XML_H

/* The answer of List Blobs. Bytes from outside: nothing in them is trusted. Pure; any thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

#define AZURE_XML_NAME_LEN    1088 /* with the NUL; a blob whose name or version is longer is left out */
#define AZURE_XML_VERSION_LEN 64
#define AZURE_XML_MARKER_LEN  4096

struct azure_xml_blob {
    char name[AZURE_XML_NAME_LEN];
    char version[AZURE_XML_VERSION_LEN]; /* "" when the account keeps none */
    bool current;                        /* with versions only */
    bool held;                           /* a legal hold */
    uint64_t size;
    int64_t modified_ms, lock_until_ms;
};

/* Return -1 (err set) to stop. blob is borrowed for the call. */
typedef int azure_xml_found_fn(void *ctx, const struct azure_xml_blob *blob, struct error *err);

/* Calls found for each blob in turn; marker takes where the next page begins, "" when there is none.
 * ERROR_FORMAT or ERROR_LIMIT when the bytes are not such an answer. */
int azure_xml_blobs(const void *data, size_t len, azure_xml_found_fn *found, void *ctx,
                    char marker[AZURE_XML_MARKER_LEN], struct error *err);

#endif
