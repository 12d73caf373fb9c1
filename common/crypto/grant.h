#ifndef LONGHAUL_COMMON_CRYPTO_GRANT_H
#define LONGHAUL_COMMON_CRYPTO_GRANT_H

/* A capability: what one node may do in one vault of one host, until when, under which fence; signed by the director.
 * Hosts check it offline on every call. Any thread.
 *
 * Format, version 2, numbers little-endian, texts as a length byte and that many bytes:
 *
 *   "LHGR", u8 version 2,
 *   text vault id, text repository id, text host node id,
 *   u32 operations, text task id, text scope, u64 fence, u32 lock days,
 *   text holder node id, 32 bytes SHA-256 of the holder's SubjectPublicKeyInfo,
 *   i64 not before, i64 expiry (milliseconds since 1970),
 *   64 bytes ECDSA P-256 signature over SHA-256("longhaul grant" || 0x00 || all bytes above)
 *
 * There is one encoding of a grant: trailing bytes, unknown operations and texts that are no ids are refused. */

#include "common/base/identifier.h"
#include "common/crypto/key_pair.h"

#include <stdbool.h>

struct buffer;

#define GRANT_MAX           512 /* bytes of a signed grant */
#define GRANT_LOCK_DAYS_MAX 36500U
#define GRANT_METADATA_KEY  "longhaul-grant-bin"

enum grant_operation {
    GRANT_READ = 1,   /* objects and ranges */
    GRANT_APPEND = 2, /* new packs, index segments, points */
    GRANT_CREATE = 4, /* a vault that is not there yet */
    GRANT_RETIRE = 8  /* take points and packs away */
};
#define GRANT_ALL_OPERATIONS (GRANT_READ | GRANT_APPEND | GRANT_CREATE | GRANT_RETIRE)

struct grant {
    char vault_id[IDENTIFIER_LEN];
    char repository_id[IDENTIFIER_LEN];
    char host_node_id[IDENTIFIER_LEN];
    uint32_t operations; /* GRANT_READ | ... */
    char task_id[IDENTIFIER_LEN];
    char scope[IDENTIFIER_LEN]; /* object id; "" for vault-wide */
    uint64_t fence;
    uint32_t lock_days; /* what is written is locked at least so long, by the host's clock; 0: no locks */
    char holder_node_id[IDENTIFIER_LEN];
    uint8_t holder_key_sha256[32];
    int64_t not_before_ms;
    int64_t expires_ms;
};

/* Appends the signed grant to out. ERROR_USAGE when a field cannot be encoded. */
int grant_sign(const struct key_pair *signer, const struct grant *grant, struct buffer *out, struct error *err);

/* Reads fields without trusting them: for a holder that wants to know what it was given. ERROR_FORMAT. */
int grant_decode(const void *data, size_t len, struct grant *grant, struct error *err);

/* What a host knows about the call. */
struct grant_check {
    const uint8_t *grant_key;   /* the director's signing key, KEY_POINT_LEN bytes */
    const char *host_node_id;   /* our own */
    const char *holder_node_id; /* of the peer's certificate */
    const uint8_t *holder_key_sha256;
    int64_t now_ms;
};

/* ERROR_FORMAT: not a grant. ERROR_DENIED: bad signature, for another host, held by another node or key, not valid
 * yet. ERROR_UNAUTHENTICATED: expired (fetch a fresh one). The text says which. *grant is filled only on success. */
int grant_verify(const void *data, size_t len, const struct grant_check *check, struct grant *grant, struct error *err);

/* ERROR_DENIED naming what is missing, unless the grant holds every operation asked for. */
int grant_require(const struct grant *grant, uint32_t operations, struct error *err);

#endif
