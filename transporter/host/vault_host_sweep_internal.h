#ifndef LONGHAUL_TRANSPORTER_HOST_VAULT_HOST_SWEEP_INTERNAL_H
#define LONGHAUL_TRANSPORTER_HOST_VAULT_HOST_SWEEP_INTERNAL_H

#include "transporter/host/sweep_marks.h"
#include "transporter/host/vault_host_internal.h"
#include "transporter/host/vault_host_sweep.h"

struct host_sweep {
    uint8_t id[VAULT_SWEEP_ID_LEN];
    struct sweep_marks *marks;
    struct pack_marks damaged; /* as it was known when the session began */
    uint64_t may_remove;
    uint64_t used_ms;  /* monotonic: when it was used last */
    uint64_t sequence; /* of the last marks, and what was answered */
    uint8_t answers[FIND_MAX_CHUNKS];
    size_t answer_count;
};

/* A session that was not used for so long is over when somebody waits for its end. */
#define HOST_SWEEP_IDLE_MS ((uint64_t)60 * 60 * 1000)

/* Takes `sweeping` and gives the session; NULL (and nothing taken) with ERROR_FENCED when it is over. */
struct host_sweep *vault_host_sweep_enter(struct vault_host *host, const uint8_t *session, struct error *err);
void vault_host_sweep_leave(struct vault_host *host);

/* The highest epoch up to which every record may be closed now; 0: none. */
uint64_t vault_host_may_close(struct vault_host *host);

/* A pack's chunks in the directory's order, each with whether it is marked and counted there. */
typedef int host_chunk_fn(void *ctx, const struct chunk_id *id, bool live, struct error *err);
int vault_host_sweep_walk(struct vault_host *host, const struct host_sweep *sweep, const char *pack,
                          host_chunk_fn *found, void *ctx, struct error *err);

/* Whether everything that the record names is gone from the storage: 0, or ERROR_CONFLICT. */
int vault_host_check_gone(struct vault_host *host, const struct retire_record *record, struct error *err);
/* Removes the record's objects but its close and done; what cannot go stays. */
void vault_host_remove_record(struct vault_host *host, uint64_t epoch);

#endif
