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

/* Which contents a message's recipe takes from elsewhere: encoded references, each once. */
#define CONTENT_PARTS_MAX 256
struct content_parts {
    bool known; /* false: there are more than can be told */
    size_t count, len;
    uint8_t bytes[CONTENT_PARTS_MAX * CONTENT_REF_MAX_ENCODED];
};

void content_parts_begin(struct content_parts *parts);
int content_parts_add(struct content_parts *parts, const struct content_ref *ref, struct error *err);
/* How many good references (of form chunk or list, not of messages) the bytes are; ERROR_FORMAT. */
int content_parts_check(const uint8_t *bytes, size_t len, size_t *count, struct error *err);

bool content_equal(const struct content_ref *a, const struct content_ref *b);
int content_encode(const struct content_ref *ref, struct buffer *out, struct error *err);
/* ERROR_FORMAT when the bytes are none. */
int content_decode(struct reader *in, struct content_ref *ref, struct error *err);

#endif
