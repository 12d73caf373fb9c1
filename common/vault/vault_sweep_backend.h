#ifndef LONGHAUL_COMMON_VAULT_VAULT_SWEEP_BACKEND_H
#define LONGHAUL_COMMON_VAULT_VAULT_SWEEP_BACKEND_H

/* What a retention sweep needs from whoever holds a vault's objects, besides reading. The rules, and why nothing that
 * is needed is lost, are in proto/FORMAT.md, "Retire journal". All calls block. One session a vault: a newer one, or a
 * restarted host, makes every call of an older one ERROR_FENCED. */

#include "common/vault/chunk.h"

struct error;

#define VAULT_SWEEP_ID_LEN     16
#define VAULT_SWEEP_POINTS_MAX 1024 /* named at a time */
#define VAULT_SWEEP_PACKS_MAX  4096

struct vault_sweep_session {
    uint8_t id[VAULT_SWEEP_ID_LEN];
    uint64_t epoch;       /* of the next record */
    uint64_t least_epoch; /* commits of runs that began before it are refused */
    uint64_t may_close;   /* records up to this epoch are old enough to be closed; 0: none */
    uint64_t may_remove;  /* what closed records up to this epoch name may go in this session; 0: nothing */
    uint64_t settle_ms;   /* until a new session's may_remove would be least_epoch - 1; 0: it is */
    uint64_t chunks, packs;
};

enum vault_mark_role {
    VAULT_MARK_DATA = 0,
    VAULT_MARK_STRUCTURE = 1, /* tree nodes and lists: the caller marks what is below */
    VAULT_MARK_RECIPE = 2     /* the caller marks the parts */
};

enum vault_mark_state {
    VAULT_MARK_FIRST = 0,  /* the first time in this role */
    VAULT_MARK_AGAIN = 1,  /* what is below it is or will be marked by who was first */
    VAULT_MARK_NEW = 2,    /* stored after the session began: never in danger, not remembered */
    VAULT_MARK_MISSING = 3 /* the vault does not hold it */
};

/* Chunks to mark in one role; count is at most FIND_MAX_CHUNKS. */
struct vault_marks {
    uint64_t sequence; /* 1, 2, 3 ... of a session: the same number again, after a lost answer, gets the same answer */
    enum vault_mark_role role;
    const struct chunk_id *ids;
    size_t count;
};

struct vault_pack_live {
    char pack[PACK_NAME_LEN];
    uint64_t stored;  /* bytes of its groups */
    uint64_t live;    /* the marked chunks' share of them */
    uint64_t retired; /* epoch of the record in effect that names it; 0: none */
    bool marked;
    int64_t modified_ms; /* when it was stored, and its size; only of packs that are not retired */
    uint64_t size;
};
typedef int vault_pack_live_fn(void *ctx, const struct vault_pack_live *pack, struct error *err);

struct vault_removal {
    uint64_t removed, bytes;
    uint64_t held;         /* by a lock */
    int64_t held_until_ms; /* the last of these locks; 0: not told */
};

struct vault_sweep_vtable {
    /* Reads the journal anew and starts a session over the index as it is now. */
    int (*begin)(void *backend, struct vault_sweep_session *session, struct error *err);
    /* Nothing of it is needed any more. Without it the host ends the session after a while. */
    int (*end)(void *backend, const uint8_t *session, struct error *err);
    /* A journal object (retire_journal.h): checked against the rules (ERROR_CONFLICT, ERROR_DENIED), made durable, then
     * acted upon. *epoch: of the next record. After any failure the session is over: whether the object became durable
     * is known to the next one only. A `done` also removes what it makes superfluous. */
    int (*journal)(void *backend, const uint8_t *session, const uint8_t *data, size_t len, uint64_t *epoch,
                   struct error *err);
    /* states[i], a vault_mark_state, answers ids[i]. */
    int (*mark)(void *backend, const uint8_t *session, const struct vault_marks *marks, uint8_t *states,
                struct error *err);
    /* Packs whose live share of the stored bytes is at most this, and every retired one, in order of name. found() must
     * not call the backend. */
    int (*packs)(void *backend, const uint8_t *session, uint32_t most_live_permille, vault_pack_live_fn *found,
                 void *ctx, struct error *err);
    /* live: allocated, one byte for each chunk of the pack's directory in its order: 1 when it is marked, and here. */
    int (*pack_live)(void *backend, const uint8_t *session, const char *pack, uint8_t **live, size_t *count,
                     struct error *err);
    /* As put_pack; its places go before those of other packs. */
    int (*put_pack)(void *backend, const uint8_t *session, const char *name, const uint8_t *data, size_t len,
                    struct error *err);
    /* Of the closed record of this epoch. What is not there any more counts as removed. ERROR_CONFLICT, and nothing
     * removed, when one of them is needed or not in the record. */
    int (*remove_points)(void *backend, const uint8_t *session, uint64_t epoch, const char *const *names, size_t n,
                         struct vault_removal *removal, struct error *err);
    int (*remove_packs)(void *backend, const uint8_t *session, uint64_t epoch, const char (*names)[PACK_NAME_LEN],
                        size_t n, struct vault_removal *removal, struct error *err);
};

#endif
