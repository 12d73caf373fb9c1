#ifndef LONGHAUL_TRANSPORTER_PIPELINE_REMOTE_VAULT_H
#define LONGHAUL_TRANSPORTER_PIPELINE_REMOTE_VAULT_H

/* A vault held by another transporter, reached over RPC with a grant. A lost connection, a host that restarts and a
 * grant that has just expired are waited out: every call is repeated with growing pauses, which is safe because
 * objects are written once and the same bytes again are fine. Any thread, several calls at a time. */

#include "common/vault/vault_backend.h"

#include <stdbool.h>
#include <stdint.h>

struct buffer;
struct cancel;
struct clock;
struct event_loop;
struct remote_vault;
struct revocation_set;
struct tls_context;

struct remote_vault_options {
    const struct clock *clock; /* this, loop and cancel are borrowed for life */
    struct event_loop *loop;
    struct tls_context *tls;        /* retained */
    const char *host_node_id;       /* the peer's certificate must carry it; copied */
    const char *address;            /* "host:port"; copied */
    struct cancel *cancel;          /* ends every call and wait */
    struct revocation_set *revoked; /* borrowed for life: a host in it is not called; NULL: none are */
    /* Appends the newest grant to out; any thread. */
    int (*grant)(void *ctx, struct buffer *out, struct error *err);
    void *grant_ctx;
    bool locks; /* the grant locks what is written: locks are extended before each commit */
    /* Of that extending; any thread; may be NULL. */
    void (*locking)(void *ctx, uint64_t done, uint64_t total);
    void *locking_ctx;
    uint32_t patience_ms; /* how long a call is repeated while the host cannot be had; 0: 5 minutes */
};

/* Nothing is sent yet. ERROR_USAGE when the address is none. */
struct remote_vault *remote_vault_open(const struct remote_vault_options *options, struct error *err);
/* No call may be running. */
void remote_vault_close(struct remote_vault *remote);
void remote_vault_close_p(struct remote_vault **remote);

/* Until when the host holds the point that was committed last, and all it needs; 0: it is not locked. */
int64_t remote_vault_locked_until(const struct remote_vault *remote);

/* What is held until when; the fields are those of proto/vault.proto. */
struct remote_vault_locks {
    bool supported;
    int64_t now_ms, promise_ms, earliest_ms, latest_ms;
    uint64_t objects, locked, without, short_of_promise, dead, checked, missing, extended;
};
/* check: the host asks the storage for every object, which may take long. */
int remote_vault_get_locks(struct remote_vault *remote, bool check, struct remote_vault_locks *locks,
                           struct error *err);

/* Valid as long as the remote vault. */
struct vault_backend remote_vault_backend(struct remote_vault *remote);

#endif
