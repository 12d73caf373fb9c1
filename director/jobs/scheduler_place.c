#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "director/jobs/placement.h"
#include "director/jobs/scheduler_internal.h"
#include "director/jobs/task_spec.h"
#include "director/jobs/task_state.h"
#include "director/store/store_repositories.h"
#include "director/store/store_secrets.h"
#include "director/store/store_tenants.h"
#include "director/store/store_transporters.h"
#include "director/store/store_vaults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEARCH_MAX 500 /* due tasks looked at in one tick */

struct peer {
    struct scheduler_peer peer;
    struct store_labels labels;
    unsigned running;
    bool serves; /* has an address where its vaults are reached */
};

/* The secrets that tasks of one kind, tenant and vault need. Tasks of a run follow each other, so what was found out
 * for one is good for the next. */
struct needed {
    char of[6 * IDENTIFIER_LEN];
    char secrets[3][IDENTIFIER_LEN];
    char host[IDENTIFIER_LEN];
    char stored_as[IDENTIFIER_LEN]; /* the vault's id at its host */
    bool host_online;
    bool *has; /* one for each peer */
};

struct search {
    struct scheduler *scheduler;
    struct peer *peers;
    struct placement_candidate *candidates;
    size_t count;
    struct needed needed;
};

static int
on_load(void *ctx, const char *transporter, unsigned tasks, struct error *err)
{
    struct search *s = ctx;

    (void)err;
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->peers[i].peer.id, transporter) == 0)
            s->peers[i].running = tasks;
    return 0;
}

static int
find_peers(struct search *s, struct error *err)
{
    struct scheduler *scheduler = s->scheduler;
    struct scheduler_peer *connected = memory_array(SCHEDULER_PEERS_MAX, sizeof(*connected), SIZE_MAX, err);

    if (connected == NULL)
        return -1;
    s->count = scheduler->links.connected(scheduler->links.ctx, connected, SCHEDULER_PEERS_MAX);
    s->peers = memory_array(s->count, sizeof(*s->peers), SIZE_MAX, err);
    s->candidates = memory_array(s->count, sizeof(*s->candidates), SIZE_MAX, err);
    s->needed.has = memory_array(s->count, sizeof(bool), SIZE_MAX, err);
    int result = s->peers == NULL || s->candidates == NULL || s->needed.has == NULL ? -1 : 0;
    for (size_t i = 0; result == 0 && i < s->count; i++) {
        struct store_transporter row;
        result = store_transporters_find(scheduler->store, connected[i].id, &row, err);
        s->peers[i] = (struct peer){ .peer = connected[i], .labels = row.labels, .serves = row.advertise[0] != '\0' };
    }
    free(connected);
    return result == 0 ? store_tasks_load(scheduler->store, on_load, s, err) : -1;
}

static bool
any_slot(const struct search *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->peers[i].running < s->peers[i].peer.slots)
            return true;
    return false;
}

static bool
restores_to_folder(const struct store_task *task)
{
    struct task_spec spec = { .kind = task->kind };

    return task->kind == STORE_RUN_RESTORE && task_spec_decode(task->spec, &spec, NULL) == 0 && spec.restore.to_folder;
}

static bool
is_online(const struct search *s, const struct store_repository *repository)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->peers[i].peer.id, repository->host) == 0)
            return s->peers[i].serves && repository->state == STORE_REPOSITORY_ATTACHED;
    return false;
}

static int
find_vault(struct search *s, const struct store_task *task, struct error *err)
{
    struct store *store = s->scheduler->store;
    struct store_vault vault;
    struct store_repository repository;

    if (task->vault[0] == '\0')
        return 0;
    if (store_vaults_find(store, task->vault, &vault, err) != 0 ||
        store_repositories_find(store, vault.repository, &repository, err) != 0)
        return -1;
    memcpy(s->needed.secrets[1], vault.password_secret, IDENTIFIER_LEN);
    memcpy(s->needed.host, repository.host, IDENTIFIER_LEN);
    snprintf(s->needed.stored_as, IDENTIFIER_LEN, "%s", store_vaults_stored_id(&vault));
    s->needed.host_online = is_online(s, &repository);
    return 0;
}

/* A copy and a heal need both vaults: the password of each, and both hosts. */
static int
find_source(struct search *s, const char *source, struct error *err)
{
    struct store *store = s->scheduler->store;
    struct store_vault vault;
    struct store_repository repository;

    if (store_vaults_find(store, source, &vault, err) != 0 ||
        store_repositories_find(store, vault.repository, &repository, err) != 0)
        return -1;
    memcpy(s->needed.secrets[0], vault.password_secret, IDENTIFIER_LEN);
    s->needed.host_online = s->needed.host_online && is_online(s, &repository);
    return 0;
}

static void
source_of(const struct store_task *task, char source[IDENTIFIER_LEN])
{
    CLEANUP(memory_free_p) struct task_spec *spec = MEMORY_NEW(struct task_spec);

    source[0] = '\0';
    spec->kind = task->kind;
    if ((task->kind == STORE_RUN_COPY || task->kind == STORE_RUN_HEAL) && task_spec_decode(task->spec, spec, NULL) == 0)
        snprintf(source, IDENTIFIER_LEN, "%s", task_spec_source(spec));
}

static int
find_needed(struct search *s, const struct store_task *task, struct error *err)
{
    struct needed *n = &s->needed;
    struct store *store = s->scheduler->store;
    bool no_source = restores_to_folder(task) || task->kind == STORE_RUN_VERIFY ||
                     task->kind == STORE_RUN_CREATE_VAULT || task->kind == STORE_RUN_COPY ||
                     task->kind == STORE_RUN_SWEEP || task->kind == STORE_RUN_HEAL;
    bool *has = n->has;
    char of[sizeof(n->of)], source[IDENTIFIER_LEN];

    source_of(task, source);
    snprintf(of, sizeof(of), "%d/%d/%s/%s/%s/%s", task->kind, no_source, task->tenant, task->vault,
             task->selection_secret, source);
    if (strcmp(of, n->of) == 0)
        return 0;
    *n = (struct needed){ .has = has };
    if (!no_source) {
        struct store_tenant tenant;
        if (store_tenants_find(store, task->tenant, &tenant, err) != 0)
            return -1;
        memcpy(n->secrets[0], tenant.microsoft_secret, IDENTIFIER_LEN);
    }
    if (find_vault(s, task, err) != 0 || (source[0] != '\0' && find_source(s, source, err) != 0))
        return -1;
    memcpy(n->secrets[2], task->selection_secret, IDENTIFIER_LEN);
    for (size_t i = 0; i < s->count; i++) {
        has[i] = true;
        for (size_t k = 0; has[i] && k < ARRAY_LEN(n->secrets); k++) {
            int there = store_secrets_has_slot(store, n->secrets[k], s->peers[i].peer.id, err);
            if (there < 0)
                return -1;
            has[i] = there > 0;
        }
    }
    memcpy(n->of, of, sizeof(n->of));
    return 0;
}

static int
choose(struct search *s, const struct store_task *task, int *chosen, enum placement_reason *why, struct error *err)
{
    struct placement_need need = { .pinned = task->pinned, .host_needed = task->vault[0] != '\0' };

    if (find_needed(s, task, err) != 0 || store_labels_parse(task->selector, &need.selector, err) != 0)
        return -1;
    int busy = store_tasks_is_busy(s->scheduler->store, task->exclusive, err);
    if (busy < 0)
        return -1;
    need.exclusive_busy = busy > 0;
    need.host_online = s->needed.host_online;
    for (size_t i = 0; i < s->count; i++)
        s->candidates[i] = (struct placement_candidate){
            .id = s->peers[i].peer.id,
            .labels = &s->peers[i].labels,
            .has_secrets = s->needed.has[i],
            .slots = s->peers[i].peer.slots,
            .running = s->peers[i].running,
        };
    *chosen = placement_choose(&need, s->candidates, s->count, why);
    return 0;
}

static int
lease_row(struct scheduler *scheduler, struct store_task *task, const char *transporter, const char *stored_as,
          struct error *err)
{
    int64_t now = clock_wall_ms(store_clock(scheduler->store));
    struct store_run run;

    if (store_tasks_next_fence(scheduler->store, stored_as, task->scope, &task->fence, err) != 0)
        return -1;
    memcpy(task->transporter, transporter, sizeof(task->transporter));
    task_state_move(task, STORE_TASK_LEASED);
    task->lease_until_ms = now + scheduler->lease_ms;
    task->waiting[0] = '\0';
    if (task->started_ms == 0)
        task->started_ms = now;
    if (store_tasks_update(scheduler->store, task, err) != 0 ||
        store_runs_find(scheduler->store, task->run, &run, err) != 0)
        return -1;
    if (run.state != STORE_RUN_QUEUED)
        return 0;
    task_state_run_move(&run, STORE_RUN_RUNNING);
    run.started_ms = now;
    return store_runs_update(scheduler->store, &run, err);
}

static int
fail_start(struct scheduler *scheduler, struct store_task *task, const void *argument, struct error *err)
{
    const struct error *why = argument;
    return scheduler_task_failed(scheduler, task, why->kind, why->text, 0, err);
}

/* The lease is durable before anybody hears of it. */
static int
lease(struct search *s, struct store_task *task, struct peer *to, struct error *err)
{
    struct scheduler *scheduler = s->scheduler;
    struct error why = ERROR_INIT;

    if (store_begin(scheduler->store, err) != 0)
        return -1;
    if (lease_row(scheduler, task, to->peer.id, s->needed.stored_as, err) != 0) {
        store_rollback(scheduler->store);
        return -1;
    }
    if (store_commit(scheduler->store, err) != 0)
        return -1;
    if (task->attempts + task->losses > 0 && task->vault[0] != '\0')
        scheduler->links.raise_fence(scheduler->links.ctx, s->needed.host, s->needed.stored_as, task->scope,
                                     task->fence);
    if (scheduler->links.start(scheduler->links.ctx, task, &why) == 0) {
        to->running++;
        return 0;
    }
    log_failure(LOG_WARN, "jobs", &why, "task cannot be started task=%s transporter=%s", task->id, to->peer.id);
    return scheduler_task_change(scheduler, task->id, fail_start, &why, err);
}

static int
set_waiting(struct scheduler *scheduler, struct store_task *task, enum placement_reason why, struct error *err)
{
    const char *text = placement_reason_text(why);

    if (strcmp(task->waiting, text) == 0)
        return 0;
    snprintf(task->waiting, sizeof(task->waiting), "%s", text);
    return store_tasks_update(scheduler->store, task, err);
}

static int
place_one(struct search *s, const char *id, struct error *err)
{
    struct store_task task;
    enum placement_reason why = PLACEMENT_FOUND;
    int chosen = -1;

    if (store_tasks_find(s->scheduler->store, id, &task, err) != 0)
        return -1;
    if (task.state != STORE_TASK_QUEUED)
        return 0;
    if (choose(s, &task, &chosen, &why, err) != 0)
        return error_wrap(err, "task %s", id);
    if (chosen < 0)
        return set_waiting(s->scheduler, &task, why, err);
    return lease(s, &task, &s->peers[chosen], err);
}

/* A search that ends at its limit goes on from there in the next tick, so that tasks nobody can take do not stand in
 * the way of others. */
static int
search(struct search *s, struct error *err)
{
    struct scheduler *scheduler = s->scheduler;
    struct scheduler_ids *due = MEMORY_NEW(struct scheduler_ids);
    struct store_page page = { scheduler->cursor, SEARCH_MAX };
    int64_t now = clock_wall_ms(store_clock(scheduler->store));
    size_t at = 0;

    int result = store_tasks_due(scheduler->store, now, page, scheduler_collect, due, err);
    bool listed = result == 0;
    /* Without anybody connected the tasks still learn what they wait for. One that cannot be placed is not to keep the
     * others from it. */
    for (; listed && at < due->count && (s->count == 0 || any_slot(s)); at++) {
        struct error failure = ERROR_INIT;
        if (place_one(s, due->at[at], &failure) == 0)
            continue;
        if (result == 0 && err != NULL)
            *err = failure;
        result = -1;
    }
    scheduler->cursor[0] = '\0';
    if (at == SEARCH_MAX)
        memcpy(scheduler->cursor, due->at[at - 1], sizeof(scheduler->cursor));
    free(due);
    return result;
}

int
scheduler_place(struct scheduler *scheduler, struct error *err)
{
    struct search s = { .scheduler = scheduler };
    int result = find_peers(&s, err);

    if (result == 0)
        result = search(&s, err);
    free(s.peers);
    free(s.candidates);
    free(s.needed.has);
    return result;
}
