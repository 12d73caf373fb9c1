#ifndef LONGHAUL_DIRECTOR_DIRECTOR_H
#define LONGHAUL_DIRECTOR_DIRECTOR_H

/* The director daemon: build-up, teardown, and what its faces (HTTP API) ask of it. Plain reading and writing of
 * rows goes straight to director_store(); what has effects beyond a row is here. Loop thread only, except where
 * noted. `actor` is who asks, for the event log: the name of an API token. */

#include "director/store/store_runs.h"
#include "director/store/store_tasks.h"

struct authority;
struct clock;
struct director;
struct director_config;
struct error;
struct event_loop;
struct rpc_server;
struct store;
struct store_vault;

/* Opens or creates the state, listens. config and clock are borrowed. */
struct director *director_new(const struct director_config *config, const struct clock *clock, struct error *err);
/* Serves until SIGTERM or director_stop(). */
void director_run(struct director *director);
/* Any thread. */
void director_stop(struct director *director);
/* On the thread that ran it. */
void director_free(struct director *director);

struct store *director_store(struct director *director);
struct authority *director_authority(struct director *director);
struct event_loop *director_loop(struct director *director);
const struct clock *director_clock(const struct director *director);
const struct director_config *director_config(const struct director *director);
/* Bound RPC port; differs from the configured one when that is 0. */
uint16_t director_rpc_port(const struct director *director);

/* --- Runs. Each fills in the id of the run it has queued. --- */

struct director_run_options {
    bool force_full; /* enumerate everything, as after a resync */
};

/* ERROR_CONFLICT while a run of this job is not over; ERROR_NOT_FOUND when its scope matches no object.
 * options may be NULL. */
int director_run_start(struct director *director, const char *job_id, const struct director_run_options *options,
                       const char *actor, char run_id[IDENTIFIER_LEN], struct error *err);
/* Queued tasks end at once, running ones are told to stop. ERROR_CONFLICT when the run is over. */
int director_run_cancel(struct director *director, const char *run_id, const char *actor, struct error *err);

/* vault: name, tenant, repository, password_secret are set; the rest is filled in. The row is made, and a task that
 * makes the vault in its repository. The secret must be sealed to at least one transporter. A vault whose creation
 * failed is created again under the same name. */
int director_vault_create(struct director *director, struct store_vault *vault, const char *actor,
                          char run_id[IDENTIFIER_LEN], struct error *err);
int director_discover_start(struct director *director, const char *tenant_id, const char *actor,
                            char run_id[IDENTIFIER_LEN], struct error *err);

enum director_conflict { DIRECTOR_CONFLICT_SKIP, DIRECTOR_CONFLICT_RENAME, DIRECTOR_CONFLICT_OVERWRITE };

struct director_restore {
    const char *point_id;
    const char *selection_secret; /* in the store, purpose selection, sealed to the transporters that may do it */
    const char *transporter;      /* the only one that may do it; NULL: any that has the secrets */
    const char *folder_path;      /* restore below the transporter's restore folder; NULL: into the tenant */
    const char *target_object;    /* into the tenant: NULL or empty is the original object */
    const char *target_folder;    /* into the tenant: NULL or empty is the original folders */
    enum director_conflict conflict;
};

/* A restore to a folder needs `transporter`, as the folder is on that machine. */
int director_restore_start(struct director *director, const struct director_restore *restore, const char *actor,
                           char run_id[IDENTIFIER_LEN], struct error *err);

struct director_verify {
    const char *vault_id;
    const char *const *points; /* ids; NULL with 0: all of the vault */
    size_t point_count;        /* at most 100 */
    bool data;                 /* also read, open and hash every chunk */
    uint32_t sample_ppm;       /* with data: of so many per million of them; 0: all */
    bool rebuild_index;        /* make the index anew first */
};

int director_verify_start(struct director *director, const struct director_verify *verify, const char *actor,
                          char run_id[IDENTIFIER_LEN], struct error *err);

/* Stores anew what the vault does not hold whole, from itself and from source_id (NULL: only from itself), another
 * vault of the tenant that copy jobs fill. One at a time for each vault: ERROR_CONFLICT. */
int director_heal_start(struct director *director, const char *vault_id, const char *source_id, const char *actor,
                        char run_id[IDENTIFIER_LEN], struct error *err);

struct director_sweep {
    const char *vault_id;
    const char *const *points; /* to retire: ids, at most 100 */
    size_t point_count;
    int64_t before_ms;    /* not 0: also points made before then, but for the newest of each object */
    unsigned undo_days;   /* how long that can be undone */
    uint64_t undo_record; /* not 0: instead bring back what this retire record names */
    bool dry_run;
};

/* One at a time for each vault: ERROR_CONFLICT. */
int director_sweep_start(struct director *director, const struct director_sweep *sweep, const char *actor,
                         char run_id[IDENTIFIER_LEN], struct error *err);

/* --- Live state. --- */

struct director_progress {
    struct store_counts counts;
    uint64_t items_per_second, bytes_per_second; /* of the last half minute */
    int64_t seconds_left;                        /* -1: not known */
    int64_t updated_ms;
    unsigned throttled;         /* tasks that Microsoft holds back now */
    int64_t throttled_since_ms; /* of the one held for longest; 0: none */
    int64_t throttled_until_ms; /* when the first of them asks again */
};

/* The stored numbers, or newer ones that a transporter has sent since. ERROR_NOT_FOUND. */
int director_task_progress(struct director *director, const char *task_id, struct director_progress *progress,
                           struct error *err);
int director_run_progress(struct director *director, const char *run_id, struct director_progress *progress,
                          struct error *err);

struct director_transporter_state {
    bool online;
    int64_t connected_ms;
    unsigned running; /* tasks */
    uint64_t resident_bytes;
    double cpu_seconds;
    char address[64]; /* where it connects from */
    char tls_version[16], tls_suite[64], tls_group[32];
};

/* All zero when it is not connected. */
void director_transporter_state(struct director *director, const char *node_id,
                                struct director_transporter_state *state);
/* For good: its connection is dropped at once and every host is told. */
int director_transporter_revoke(struct director *director, const char *node_id, const char *actor, struct error *err);

/* Tell the host of this repository to attach it (again): after it was added or its storage secret was sealed anew.
 * An unconnected host is told when it connects. */
int director_repository_attach(struct director *director, const char *repository_id, struct error *err);
int director_repository_detach(struct director *director, const char *repository_id, struct error *err);

/* A secret was sealed to one more transporter: tasks that wait for it are looked at now. */
void director_secrets_changed(struct director *director);

/* --- Questions about a vault's content; the director relays them unopened. --- */

#define DIRECTOR_QUERY_SEALED_MAX ((size_t)64 << 10)
#define DIRECTOR_REPLY_SEALED_MAX ((size_t)3 << 20)

struct director_query {
    const char *query_id; /* chosen by the asker: a valid identifier, as it is part of what is sealed */
    const char *vault_id;
    const char *transporter; /* that the request is sealed to; must be online and hold the vault's password */
    const uint8_t *request;  /* sealed, purpose "query", secret id = query_id */
    size_t request_len;
    const uint8_t *reply_key; /* 65 bytes: P-256 public key of the asker */
    uint32_t timeout_ms;      /* 0: 60 s; at most 10 min */
};

/* Called once, later, on the loop thread. err == NULL: sealed is the reply, borrowed for the call. */
typedef void director_query_fn(void *ctx, const uint8_t *sealed, size_t len, const struct error *err);

/* Copies what it is given. ERROR_UNAVAILABLE when the transporter or the vault's host is not connected. */
int director_query_start(struct director *director, const struct director_query *query, director_query_fn *done,
                         void *ctx, struct error *err);
/* The asker is gone: done will not be called. Unknown ids are fine. */
void director_query_cancel(struct director *director, const char *query_id);
/* Which transporter to seal a query for this vault to: the online one with the fewest tasks that holds the password.
 * ERROR_UNAVAILABLE when there is none. */
int director_query_placement(struct director *director, const char *vault_id, char transporter[IDENTIFIER_LEN],
                             struct error *err);

#endif
