#include "transporter/link/director_link_internal.h"

#include "common/base/buffer.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/rpc/rpc_channel.h"
#include "transporter/link/control_build.h"
#include "transporter/link/finished_journal.h"
#include "transporter/link/node_identity.h"
#include "transporter/task/task_runner.h"
#include "transporter/task/vault_keys.h"

#include <stdlib.h>
#include <string.h>

#define WELCOME_MS     30000
#define PROGRESS_MS    1000
#define SETTLE_STEP_MS 50
#define PAUSE_FIRST_MS 500u
#define PAUSE_MOST_MS  30000u
/* Until a director has told its own. */
#define HEARTBEAT_MS 10000
#define LEASE_MS     60000

struct director_link *
director_link_new(const struct director_link_options *options, struct error *err)
{
    struct director_link *link = MEMORY_NEW(struct director_link);
    if (cancel_init(&link->stop, err) != 0) {
        free(link);
        return NULL;
    }
    link->options = *options;
    link->heartbeat_ms = HEARTBEAT_MS;
    link->lease_ms = LEASE_MS;
    pthread_mutex_init(&link->lock, NULL);
    pthread_cond_init(&link->idle, NULL);
    return link;
}

void
director_link_free(struct director_link *link)
{
    if (link == NULL)
        return;
    director_link_stop(link);
    cancel_clear(&link->stop);
    pthread_cond_destroy(&link->idle);
    pthread_mutex_destroy(&link->lock);
    free(link->told);
    free(link);
}

int
director_link_send(void *ctx, const void *message, size_t len, struct error *err)
{
    struct director_link *link = ctx;
    pthread_mutex_lock(&link->lock);
    struct rpc_call *call = link->call;
    if (call != NULL)
        link->senders++;
    pthread_mutex_unlock(&link->lock);
    if (call == NULL)
        return FAIL(err, ERROR_NETWORK, 0, "the director is not connected now");
    int result = rpc_call_send_bytes(call, message, len, err);
    pthread_mutex_lock(&link->lock);
    if (--link->senders == 0)
        pthread_cond_broadcast(&link->idle);
    pthread_mutex_unlock(&link->lock);
    return result;
}

void
director_link_finished(void *ctx, const struct task_result *result)
{
    struct director_link *link = ctx;
    struct error err = ERROR_INIT;
    CLEANUP(buffer_clear) struct buffer message = BUFFER_INIT(CONTROL_MESSAGE_LIMIT);
    if (control_build_finished(result, &message, &err) != 0) {
        log_failure(LOG_ERROR, "link", &err, "result cannot be told task=%s", result->task_id);
        return;
    }
    if (finished_journal_put(link->options.journal, result->task_id, result->fence, message.data, message.len, &err) !=
        0)
        log_failure(LOG_ERROR, "link", &err, "result is not kept over a restart task=%s", result->task_id);
    /* When the director cannot be reached now, the journal is sent at the next welcome. */
    (void)director_link_send(link, message.data, message.len, NULL);
}

static void
conversation_open(struct director_link *link, struct rpc_call *call)
{
    pthread_mutex_lock(&link->lock);
    link->call = call;
    pthread_mutex_unlock(&link->lock);
}

static void
conversation_close(struct director_link *link, struct rpc_call *call)
{
    rpc_call_cancel(call);
    pthread_mutex_lock(&link->lock);
    link->call = NULL;
    while (link->senders > 0)
        pthread_cond_wait(&link->idle, &link->lock);
    pthread_mutex_unlock(&link->lock);
    rpc_call_free(call);
}

static int
receive(struct director_link *link, struct rpc_call *call, uint64_t until, struct error *err)
{
    uint64_t now = clock_monotonic_ms(link->options.clock);
    const uint8_t *data = NULL;
    size_t len = 0;
    struct error last = ERROR_INIT;
    int n = rpc_call_receive_bytes(call, until > now ? (int)(until - now) : 0, &data, &len, &last);
    if (n < 0 && last.kind == ERROR_TIMEOUT)
        return 0;
    if (n < 0) {
        *err = last;
        return -1;
    }
    if (n == 0)
        return FAIL(err, ERROR_UNAVAILABLE, 0, "the director has ended the conversation");
    link->contact_ms = clock_monotonic_ms(link->options.clock);
    return director_link_dispatch(link, data, len, err);
}

static int
await_welcome(struct director_link *link, struct rpc_call *call, struct error *err)
{
    uint64_t until = clock_monotonic_ms(link->options.clock) + WELCOME_MS;
    link->welcomed = false;
    while (!link->welcomed) {
        if (receive(link, call, until, err) != 0)
            return -1;
        if (!link->welcomed && clock_monotonic_ms(link->options.clock) >= until)
            return FAIL(err, ERROR_TIMEOUT, 0, "the director does not answer the hello");
    }
    return 0;
}

static int
talk(struct director_link *link, struct rpc_call *call, struct error *err)
{
    if (director_link_say_results(link, err) != 0 || director_link_say_heartbeat(link, err) != 0)
        return -1;
    uint64_t now = clock_monotonic_ms(link->options.clock);
    uint64_t beat = now + link->heartbeat_ms;
    uint64_t progress = now + PROGRESS_MS;
    while (!cancel_raised(&link->stop)) {
        if (receive(link, call, beat < progress ? beat : progress, err) != 0)
            return -1;
        now = clock_monotonic_ms(link->options.clock);
        if (now >= progress && director_link_say_progress(link, err) != 0)
            return -1;
        if (now >= progress)
            progress = now + PROGRESS_MS;
        if (now >= beat && director_link_say_heartbeat(link, err) != 0)
            return -1;
        if (now >= beat)
            vault_keys_sweep(link->parts.keys);
        if (now >= beat)
            beat = now + link->heartbeat_ms;
    }
    return 0;
}

static void
on_stop(void *ctx)
{
    rpc_call_cancel(ctx);
}

/* One conversation, from the connection to its end. */
static int
converse(struct director_link *link, struct error *err)
{
    struct rpc_call *call = rpc_channel_open(link->options.channel, "/longhaul.v1.Control/Connect", NULL, err);
    if (call == NULL)
        return -1;
    cancel_hook(&link->stop, on_stop, call);
    link->told_count = 0;
    int result = director_link_say_hello(link, call, err);
    if (result == 0) {
        conversation_open(link, call);
        result = await_welcome(link, call, err);
    }
    if (result == 0) {
        log_info("link", "connected to the director node=%s", node_identity_director_id(link->options.identity));
        result = talk(link, call, err);
    }
    cancel_unhook(&link->stop, on_stop, call);
    conversation_close(link, call);
    return result;
}

/* A task without a director goes on as long as its lease; then it belongs to somebody else. */
static void
check_leases(struct director_link *link)
{
    uint64_t silent = clock_monotonic_ms(link->options.clock) - link->contact_ms;
    if (silent > link->lease_ms && task_runner_count(link->parts.runner) > 0)
        task_runner_cancel_all(link->parts.runner, ERROR_UNAVAILABLE,
                               "the lease has ended: the director could not be reached");
}

static void
pause_before_next(struct director_link *link, unsigned failures)
{
    uint32_t longest = failures > 6 ? PAUSE_MOST_MS : PAUSE_FIRST_MS << failures;
    if (longest > PAUSE_MOST_MS)
        longest = PAUSE_MOST_MS;
    uint32_t random;
    clock_random(link->options.clock, &random, sizeof(random));
    uint32_t left = longest / 2 + random % (longest / 2);
    while (left > 0 && !cancel_raised(&link->stop)) {
        uint32_t step = left < PROGRESS_MS ? left : PROGRESS_MS;
        cancel_wait(&link->stop, step);
        check_leases(link);
        left -= step;
    }
}

static void *
run_link(void *ctx)
{
    struct director_link *link = ctx;
    unsigned failures = 0;
    link->contact_ms = clock_monotonic_ms(link->options.clock);
    while (!cancel_raised(&link->stop)) {
        struct error err = ERROR_INIT;
        link->welcomed = false;
        (void)converse(link, &err);
        if (cancel_raised(&link->stop))
            break;
        failures = link->welcomed ? 0 : failures + 1;
        if (failures <= 1)
            log_failure(LOG_WARN, "link", &err, "no connection to the director; trying again");
        check_leases(link);
        pause_before_next(link, failures);
    }
    return NULL;
}

int
director_link_start(struct director_link *link, const struct director_link_parts *parts, struct error *err)
{
    link->parts = *parts;
    int failed = pthread_create(&link->thread, NULL, run_link, link);
    if (failed != 0)
        return FAIL(err, ERROR_LIMIT, failed, "cannot start the thread of the director link: %s", strerror(failed));
    link->running = true;
    return 0;
}

void
director_link_settle(struct director_link *link, uint32_t ms)
{
    for (uint32_t waited = 0; waited < ms && !finished_journal_is_empty(link->options.journal);
         waited += SETTLE_STEP_MS)
        if (cancel_wait(&link->stop, SETTLE_STEP_MS))
            return;
}

void
director_link_stop(struct director_link *link)
{
    cancel_raise(&link->stop, ERROR_CANCELLED, "the transporter stops");
    if (link->running)
        pthread_join(link->thread, NULL);
    link->running = false;
}
