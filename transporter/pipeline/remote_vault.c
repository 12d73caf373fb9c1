#include "transporter/pipeline/remote_vault_internal.h"

#include "common/base/buffer.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/crypto/grant.h"
#include "common/net/revocation_set.h"
#include "common/rpc/rpc_channel.h"
#include "transporter/link/host_port.h"
#include "transporter/task/cancel.h"

#include <pthread.h>
#include <stdlib.h>

#define PATIENCE_MS    (5 * 60 * 1000)
#define PAUSE_FIRST_MS 200u
#define PAUSE_MOST_MS  15000u

/* A call under way, so that a cancel reaches it. On the stack of whoever makes it. */
struct running {
    struct rpc_call *call;
    struct running *next;
};

struct remote_vault {
    struct remote_vault_options options; /* its texts are our own copies */
    struct rpc_channel *channel;
    pthread_mutex_t lock;
    struct running *running;
    _Atomic int64_t locked_until;
};

static void
on_cancel(void *ctx)
{
    struct remote_vault *remote = ctx;
    pthread_mutex_lock(&remote->lock);
    for (struct running *r = remote->running; r != NULL; r = r->next)
        rpc_call_cancel(r->call);
    pthread_mutex_unlock(&remote->lock);
}

struct remote_vault *
remote_vault_open(const struct remote_vault_options *options, struct error *err)
{
    struct host_port at;
    if (host_port_parse(options->address, &at, err) != 0)
        return NULL;
    const struct rpc_channel_options channel_options = {
        .host = at.host, .port = at.port, .tls = options->tls, .expected_node = options->host_node_id
    };
    struct rpc_channel *channel = rpc_channel_new(options->loop, &channel_options, err);
    if (channel == NULL)
        return NULL;
    struct remote_vault *remote = MEMORY_NEW(struct remote_vault);
    remote->options = *options;
    remote->options.host_node_id = memory_strdup(options->host_node_id);
    remote->options.address = memory_strdup(options->address);
    if (remote->options.patience_ms == 0)
        remote->options.patience_ms = PATIENCE_MS;
    remote->channel = channel;
    pthread_mutex_init(&remote->lock, NULL);
    cancel_hook(options->cancel, on_cancel, remote);
    return remote;
}

void
remote_vault_close(struct remote_vault *remote)
{
    if (remote == NULL)
        return;
    cancel_unhook(remote->options.cancel, on_cancel, remote);
    rpc_channel_free(remote->channel);
    pthread_mutex_destroy(&remote->lock);
    free((char *)(uintptr_t)remote->options.host_node_id);
    free((char *)(uintptr_t)remote->options.address);
    free(remote);
}

void
remote_vault_close_p(struct remote_vault **remote)
{
    remote_vault_close(*remote);
    *remote = NULL;
}

const struct remote_vault_options *
remote_vault_options_of(const struct remote_vault *remote)
{
    return &remote->options;
}

void
remote_vault_note_locked(struct remote_vault *remote, int64_t until_ms)
{
    remote->locked_until = until_ms;
}

int64_t
remote_vault_locked_until(const struct remote_vault *remote)
{
    return remote->locked_until;
}

struct vault_backend
remote_vault_backend(struct remote_vault *remote)
{
    return (struct vault_backend){ .vtable = &remote_vault_vtable, .ctx = remote };
}

static void
running_add(struct remote_vault *remote, struct running *running)
{
    pthread_mutex_lock(&remote->lock);
    running->next = remote->running;
    remote->running = running;
    pthread_mutex_unlock(&remote->lock);
    /* The cancel may have come before the call was in the list. */
    if (cancel_raised(remote->options.cancel))
        rpc_call_cancel(running->call);
}

static void
running_remove(struct remote_vault *remote, struct running *running)
{
    pthread_mutex_lock(&remote->lock);
    struct running **at = &remote->running;
    while (*at != running)
        at = &(*at)->next;
    *at = running->next;
    pthread_mutex_unlock(&remote->lock);
}

static int
attempt(struct remote_vault *remote, const struct remote_vault_exchange *exchange, struct error *err)
{
    CLEANUP(buffer_clear) struct buffer grant = BUFFER_INIT(GRANT_MAX);
    if (remote->options.revoked != NULL &&
        revocation_set_contains(remote->options.revoked, remote->options.host_node_id))
        return FAIL(err, ERROR_DENIED, 0, "the host's certificate was revoked: nothing is sent to it any more");
    if (remote->options.grant(remote->options.grant_ctx, &grant, err) != 0)
        return -1;
    const struct rpc_metadata metadata = { .key = GRANT_METADATA_KEY, .value = grant.data, .len = grant.len };
    const struct rpc_call_options options = { .timeout_ms = exchange->timeout_ms,
                                              .metadata = &metadata,
                                              .metadata_count = 1 };
    struct running running = { .call = rpc_channel_open(remote->channel, exchange->path, &options, err) };
    if (running.call == NULL)
        return -1;
    running_add(remote, &running);
    struct error talk_error = ERROR_INIT;
    int talked = exchange->talk(exchange->ctx, running.call, &talk_error);
    /* When the host has refused, its status says more than the write that failed because of it. A failure of our own
     * sink must not wait for a host that is still sending. */
    if (talked != 0)
        rpc_call_close_send(running.call, NULL);
    if (talked != 0 && talk_error.kind != ERROR_NETWORK && talk_error.kind != ERROR_CANCELLED)
        rpc_call_cancel(running.call);
    int status = rpc_call_finish(running.call, err);
    running_remove(remote, &running);
    rpc_call_free(running.call);
    if (talked == 0)
        return status;
    if (status == 0 || err == NULL || err->kind == ERROR_CANCELLED || err->kind == ERROR_NETWORK) {
        error_clear(err);
        if (err != NULL)
            *err = talk_error;
    }
    return -1;
}

/* Whether the same call may go well later without anybody's help. An expired grant is replaced by the director. */
static bool
is_passing(const struct error *err)
{
    return err->kind == ERROR_NETWORK || err->kind == ERROR_TIMEOUT || err->kind == ERROR_UNAVAILABLE ||
           err->kind == ERROR_UNAUTHENTICATED;
}

static uint32_t
pause_ms(const struct remote_vault *remote, unsigned failures)
{
    uint32_t longest = failures > 7 ? PAUSE_MOST_MS : PAUSE_FIRST_MS << failures;
    if (longest > PAUSE_MOST_MS)
        longest = PAUSE_MOST_MS;
    uint32_t random;
    clock_random(remote->options.clock, &random, sizeof(random));
    return longest / 2 + random % (longest / 2);
}

int
remote_vault_do(struct remote_vault *remote, const struct remote_vault_exchange *exchange, struct error *err)
{
    struct cancel *cancel = remote->options.cancel;
    uint64_t give_up = clock_monotonic_ms(remote->options.clock) + remote->options.patience_ms;
    for (unsigned failures = 0;; failures++) {
        if (cancel_check(cancel, err) != 0)
            return -1;
        struct error last = ERROR_INIT;
        if (attempt(remote, exchange, &last) == 0)
            return 0;
        if (cancel_check(cancel, err) != 0)
            return -1;
        uint32_t pause = pause_ms(remote, failures);
        bool patient = clock_monotonic_ms(remote->options.clock) + pause < give_up;
        if (!is_passing(&last) || !patient) {
            if (err != NULL && !error_is_set(err))
                *err = last;
            return error_wrap(err, "host %s at %s%s", remote->options.host_node_id, remote->options.address,
                              is_passing(&last) ? ", gave up" : "");
        }
        if (failures == 0)
            log_failure(LOG_WARN, "vault", &last, "host %s does not answer well; trying again",
                        remote->options.host_node_id);
        cancel_wait(cancel, pause);
    }
}
