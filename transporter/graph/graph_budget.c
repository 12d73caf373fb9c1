#include "transporter/graph/graph_budget.h"

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/graph/graph_hold.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uthash.h>

#define SERVICES (GRAPH_DRIVE + 1)
#define SLICE_MS 200u

struct mailbox {
    char *id;
    unsigned running, waiting;
    uint64_t paused_until;
    UT_hash_handle hh;
};

struct service {
    uint64_t paused_until;
    uint64_t paced_until, next_at; /* pacing: when it ends, when the next request may go */
    uint32_t interval_ms;
};

struct graph_budget {
    struct graph_budget_options options;
    pthread_mutex_t lock;
    pthread_cond_t slot_free;
    struct service services[SERVICES];
    struct mailbox *mailboxes; /* those with a request running or waiting, or paused */
};

struct graph_budget *
graph_budget_new(const struct graph_budget_options *options)
{
    struct graph_budget *budget = MEMORY_NEW(struct graph_budget);

    budget->options = *options;
    pthread_mutex_init(&budget->lock, NULL);
    pthread_cond_init(&budget->slot_free, NULL);
    return budget;
}

void
graph_budget_free(struct graph_budget *budget)
{
    struct mailbox *one, *next;

    if (budget == NULL)
        return;
    HASH_ITER (hh, budget->mailboxes, one, next) {
        HASH_DEL(budget->mailboxes, one);
        free(one->id);
        free(one);
    }
    pthread_cond_destroy(&budget->slot_free);
    pthread_mutex_destroy(&budget->lock);
    free(budget);
}

static struct mailbox *
mailbox_of(struct graph_budget *budget, const char *id)
{
    struct mailbox *mailbox;

    HASH_FIND_STR(budget->mailboxes, id, mailbox);
    if (mailbox == NULL) {
        mailbox = MEMORY_NEW(struct mailbox);
        mailbox->id = memory_strdup(id);
        HASH_ADD_KEYPTR(hh, budget->mailboxes, mailbox->id, strlen(mailbox->id), mailbox);
    }
    return mailbox;
}

static void
forget_if_idle(struct graph_budget *budget, struct mailbox *mailbox, uint64_t now)
{
    if (mailbox->running > 0 || mailbox->waiting > 0 || mailbox->paused_until > now)
        return;
    HASH_DEL(budget->mailboxes, mailbox);
    free(mailbox->id);
    free(mailbox);
}

/* Lock held. How long a request has to wait; 0: it may go, and its place in the pacing is taken. *asked: the service
 * wants that, it is not only for the pacing. */
static uint64_t
wait_for(struct service *service, const struct mailbox *mailbox, uint64_t now, bool *asked)
{
    uint64_t until = service->paused_until;

    if (mailbox != NULL && mailbox->paused_until > until)
        until = mailbox->paused_until;
    *asked = until > now;
    if (now < service->paced_until && service->next_at > until)
        until = service->next_at;
    if (until > now)
        return until - now;
    if (now < service->paced_until)
        service->next_at = now + service->interval_ms;
    return 0;
}

int
graph_budget_enter(struct graph_budget *budget, enum graph_service service, const char *mailbox_id,
                   struct graph_hold *hold, const atomic_bool *cancel, struct error *err)
{
    int status = 0;

    pthread_mutex_lock(&budget->lock);
    struct mailbox *mailbox = mailbox_id != NULL ? mailbox_of(budget, mailbox_id) : NULL;
    for (;;) {
        uint64_t now = clock_monotonic_ms(budget->options.clock);
        if (cancel != NULL && atomic_load(cancel)) {
            status = FAIL(err, ERROR_CANCELLED, 0, "cancelled");
            if (mailbox != NULL)
                forget_if_idle(budget, mailbox, now);
            break;
        }
        if (mailbox != NULL && mailbox->running >= GRAPH_MAILBOX_SLOTS) {
            /* Whoever leaves wakes us; requests end by themselves, so a cancelled wait ends soon too. */
            mailbox->waiting++;
            pthread_cond_wait(&budget->slot_free, &budget->lock);
            mailbox->waiting--;
            continue;
        }
        bool asked;
        uint64_t ms = wait_for(&budget->services[service], mailbox, now, &asked);
        if (ms == 0) {
            if (mailbox != NULL)
                mailbox->running++;
            break;
        }
        if (graph_hold_wait_begin(hold, budget->options.clock, ms, asked, err) != 0) {
            status = -1;
            if (mailbox != NULL)
                forget_if_idle(budget, mailbox, now);
            break;
        }
        if (mailbox != NULL)
            mailbox->waiting++;
        pthread_mutex_unlock(&budget->lock);
        budget->options.wait_ms(budget->options.wait_ctx, ms, cancel);
        graph_hold_wait_end(hold, budget->options.clock);
        pthread_mutex_lock(&budget->lock);
        if (mailbox != NULL)
            mailbox->waiting--;
    }
    pthread_mutex_unlock(&budget->lock);
    return status;
}

void
graph_budget_leave(struct graph_budget *budget, const char *mailbox_id)
{
    if (mailbox_id == NULL)
        return;
    pthread_mutex_lock(&budget->lock);
    struct mailbox *mailbox = mailbox_of(budget, mailbox_id);
    mailbox->running--;
    forget_if_idle(budget, mailbox, clock_monotonic_ms(budget->options.clock));
    pthread_cond_broadcast(&budget->slot_free);
    pthread_mutex_unlock(&budget->lock);
}

void
graph_budget_pause(struct graph_budget *budget, enum graph_service service, const char *mailbox, uint32_t ms)
{
    pthread_mutex_lock(&budget->lock);
    uint64_t *until =
        mailbox != NULL ? &mailbox_of(budget, mailbox)->paused_until : &budget->services[service].paused_until;
    uint64_t wanted = clock_monotonic_ms(budget->options.clock) + ms;
    if (*until < wanted)
        *until = wanted;
    pthread_mutex_unlock(&budget->lock);
}

void
graph_budget_pace(struct graph_budget *budget, enum graph_service service, uint32_t interval_ms, uint32_t for_ms)
{
    pthread_mutex_lock(&budget->lock);
    struct service *s = &budget->services[service];
    uint64_t now = clock_monotonic_ms(budget->options.clock);
    s->paced_until = interval_ms == 0 ? 0 : now + for_ms;
    s->interval_ms = interval_ms;
    if (s->next_at < now || s->next_at > now + interval_ms)
        s->next_at = now + interval_ms;
    pthread_mutex_unlock(&budget->lock);
}

void
graph_budget_sleep(void *ctx, uint64_t ms, const atomic_bool *cancel)
{
    (void)ctx;
    while (ms > 0 && (cancel == NULL || !atomic_load(cancel))) {
        uint64_t slice = ms < SLICE_MS ? ms : SLICE_MS;
        struct timespec t = { .tv_nsec = (long)slice * 1000000 };
        nanosleep(&t, NULL);
        ms -= slice;
    }
}
