#include "transporter/link/renew.h"

#include "common/base/arena.h"
#include "common/base/buffer.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/crypto/certificate.h"
#include "common/rpc/rpc_channel.h"
#include "proto/enrol.pb-c.h"
#include "transporter/link/node_identity.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define CALL_TIMEOUT_MS 30000
#define ARENA_BUDGET    ((size_t)256 << 10)
#define FIRST_PAUSE_MS  ((int64_t)10 * 1000)
#define LONGEST_PAUSE   ((int64_t)60 * 60 * 1000)
#define LOOK_EVERY_MS   ((int64_t)60 * 1000) /* the wall clock may jump while we wait */

struct renew {
    const struct clock *clock;
    struct node_identity *identity;
    struct rpc_channel *channel;
    pthread_t thread;
    int wake; /* eventfd */
    atomic_bool stopping;
};

int64_t
renew_wait_ms(int64_t not_before_ms, int64_t not_after_ms, int64_t now_ms, unsigned failures)
{
    int64_t due = not_before_ms + (not_after_ms - not_before_ms) / 3 * 2;
    if (failures == 0)
        return now_ms >= due ? 0 : due - now_ms;
    /* The shorter the life that is left, the more often. */
    int64_t longest = (not_after_ms - now_ms) / 10;
    if (longest > LONGEST_PAUSE)
        longest = LONGEST_PAUSE;
    int64_t pause = FIRST_PAUSE_MS;
    for (unsigned i = 1; i < failures && pause < longest; i++)
        pause *= 2;
    if (pause > longest)
        pause = longest;
    return pause > FIRST_PAUSE_MS ? pause : FIRST_PAUSE_MS;
}

int
renew_once(struct node_identity *identity, struct rpc_channel *channel, struct error *err)
{
    CLEANUP(buffer_clear) struct buffer csr = BUFFER_INIT(CERTIFICATE_REQUEST_MAX);
    if (certificate_request_new(node_identity_key(identity), &csr, err) != 0)
        return -1;
    Longhaul__V1__RenewRequest request;
    longhaul__v1__renew_request__init(&request);
    request.csr_der = (ProtobufCBinaryData){ .data = csr.data, .len = csr.len };
    struct rpc_call_options options = { .timeout_ms = CALL_TIMEOUT_MS };
    ProtobufCMessage *message = NULL;
    struct arena *arena = arena_new(ARENA_BUDGET);
    int rc = rpc_channel_unary(channel, "/longhaul.v1.Enrolment/Renew", &options, &request.base,
                               &longhaul__v1__renew_reply__descriptor, arena, &message, err);
    if (rc == 0) {
        const Longhaul__V1__RenewReply *reply = (const Longhaul__V1__RenewReply *)message;
        rc = node_identity_renewed(identity, reply->certificate_pem, reply->authority_pem, err);
    }
    arena_free(arena);
    return rc == 0 ? 0 : error_wrap(err, "renew the certificate");
}

/* Waits until poked, or for at most wait_ms. */
static void
sleep_for(struct renew *renew, int64_t wait_ms)
{
    struct pollfd fd = { .fd = renew->wake, .events = POLLIN };
    uint64_t drained;
    int timeout = (int)(wait_ms < LOOK_EVERY_MS ? wait_ms : LOOK_EVERY_MS);
    if (poll(&fd, 1, timeout) > 0 && read(renew->wake, &drained, sizeof(drained)) < 0)
        return; /* another reader there is none: nothing is lost */
}

/* 0, or the pause until the next try. */
static int64_t
try_once(struct renew *renew, unsigned *failures)
{
    struct error err = ERROR_INIT;
    int64_t begins = 0, ends = 0;
    int rc = renew_once(renew->identity, renew->channel, &err);
    int64_t now = clock_wall_ms(renew->clock);
    node_identity_validity(renew->identity, &begins, &ends);
    if (rc == 0) {
        char until[CLOCK_TEXT_LEN];
        clock_format_ms(ends, until);
        log_info("link", "renewed the certificate until=%s", until);
        *failures = 0;
        return 0;
    }
    (*failures)++;
    if (now >= ends)
        log_failure(LOG_ERROR, "link", &err,
                    "the certificate has ended: invite this transporter again under its name and enrol it here");
    else
        log_failure(LOG_WARN, "link", &err, "cannot renew the certificate yet hours_left=%lld failures=%u",
                    (long long)((ends - now) / 3600000), *failures);
    return renew_wait_ms(begins, ends, now, *failures);
}

static void *
run(void *arg)
{
    struct renew *renew = arg;
    unsigned failures = 0;
    uint64_t not_sooner = 0;
    while (!atomic_load(&renew->stopping)) {
        int64_t begins = 0, ends = 0;
        node_identity_validity(renew->identity, &begins, &ends);
        int64_t wait = renew_wait_ms(begins, ends, clock_wall_ms(renew->clock), 0);
        uint64_t now = clock_monotonic_ms(renew->clock);
        if (failures > 0 && not_sooner > now)
            wait = (int64_t)(not_sooner - now);
        if (wait > 0) {
            sleep_for(renew, wait);
            continue;
        }
        int64_t pause = try_once(renew, &failures);
        not_sooner = clock_monotonic_ms(renew->clock) + (uint64_t)pause;
    }
    return NULL;
}

struct renew *
renew_start(const struct clock *clock, struct node_identity *identity, struct rpc_channel *channel, struct error *err)
{
    struct renew *renew = MEMORY_NEW(struct renew);
    renew->clock = clock;
    renew->identity = identity;
    renew->channel = channel;
    renew->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int rc = renew->wake < 0 ? errno : pthread_create(&renew->thread, NULL, run, renew);
    if (rc == 0)
        return renew;
    FAIL(err, ERROR_LIMIT, rc, "cannot start the renewal thread: %s", strerror(rc));
    if (renew->wake >= 0)
        close(renew->wake);
    free(renew);
    return NULL;
}

void
renew_poke(struct renew *renew)
{
    uint64_t one = 1;
    ssize_t n = write(renew->wake, &one, sizeof(one));
    (void)n; /* fails only when a poke is pending already */
}

void
renew_stop(struct renew *renew)
{
    if (renew == NULL)
        return;
    atomic_store(&renew->stopping, true);
    renew_poke(renew);
    pthread_join(renew->thread, NULL);
    close(renew->wake);
    free(renew);
}
