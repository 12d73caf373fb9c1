#ifndef LONGHAUL_COMMON_VAULT_CONTENT_H
#define LONGHAUL_COMMON_VAULT_CONTENT_H

/* How an item's bytes are referred to: what a writer returns, a catalog keeps and a reader takes. A value, to be
 * copied freely. Equal bytes of equal type stored twice in one vault give equal references. */

#include "common/vault/chunk.h"

struct buffer;
struct error;
struct reader;

enum content_form {
    CONTENT_NONE = 0,  /* there is no content (a folder) */
    CONTENT_EMPTY = 1, /* zero bytes */
    CONTENT_CHUNK = 2, /* id names the bytes */
    CONTENT_LIST = 3   /* id names a list of chunks, or of lists */
};

struct content_ref {
    enum content_form form;
    bool message;       /* the bytes referred to are a recipe that rebuilds a MIME message */
    uint64_t len;       /* of the content as its reader gets it */
    struct chunk_id id; /* with CONTENT_CHUNK and CONTENT_LIST */
};

#define CONTENT_REF_MAX_ENCODED (1 + 10 + CHUNK_ID_LEN)

bool content_equal(const struct content_ref *a, const struct content_ref *b);
int content_encode(const struct content_ref *ref, struct buffer *out, struct error *err);
/* ERROR_FORMAT when the bytes are none. */
int content_decode(struct reader *in, struct content_ref *ref, struct error *err);

#endif
