#include "common/base/clock.h"
#include "common/base/memory.h"
#include "director/api/api_fields.h"
#include "director/api/api_handlers.h"
#include "director/api/api_json.h"
#include "director/api/api_throttle.h"
#include "director/director.h"
#include "director/store/store_jobs.h"
#include "director/store/store_tasks.h"
#include "director/store/store_vaults.h"

#include <string.h>

static json_t *
counts_json(const struct store_counts *counts)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "items_done",
                     (json_int_t)counts->items_done, "items_total", (json_int_t)counts->items_total, "bytes_read",
                     (json_int_t)counts->bytes_read, "bytes_total", (json_int_t)counts->bytes_total, "bytes_stored",
                     (json_int_t)counts->bytes_stored, "requests", (json_int_t)counts->requests, "throttled_ms",
                     (json_int_t)counts->throttled_ms, "items_skipped", (json_int_t)counts->items_skipped,
                     "items_failed", (json_int_t)counts->items_failed, "chunks_checked",
                     (json_int_t)counts->chunks_checked, "damaged", (json_int_t)counts->damaged);
}

/* Over its whole time, for what is over. */
static void
set_mean_rates(struct director_progress *progress, int64_t started_ms, int64_t finished_ms)
{
    double seconds = (double)(finished_ms - started_ms) / 1000;

    if (started_ms == 0 || seconds <= 0)
        return;
    progress->items_per_second = (uint64_t)((double)progress->counts.items_done / seconds);
    progress->bytes_per_second = (uint64_t)((double)progress->counts.bytes_read / seconds);
}

/* The counts, how fast and, while it goes on, for how long. */
static void
add_progress(json_t *json, const struct director_progress *progress, bool running, int64_t now_ms)
{
    json_object_set_new(json, "counts", counts_json(&progress->counts));
    json_object_set_new(json, "items_per_second", json_integer((json_int_t)progress->items_per_second));
    json_object_set_new(json, "bytes_per_second", json_integer((json_int_t)progress->bytes_per_second));
    json_object_set_new(json, "seconds_left",
                        running && progress->seconds_left >= 0 ? json_integer(progress->seconds_left) : json_null());
    json_object_set_new(json, "throttled", api_throttle_json(progress, now_ms));
}

/* What it did, in words and in numbers; null when its counts say it all. */
static void
add_outcome(json_t *json, const char *summary, const char *figures)
{
    json_t *numbers = figures[0] == '\0' ? NULL : json_loads(figures, 0, NULL);

    json_object_set_new(json, "summary", api_json_text(summary));
    json_object_set_new(json, "figures", numbers != NULL ? numbers : json_null());
}

static int
run_json(const struct api_call *call, const struct store_run *run, json_t **out, struct error *err)
{
    struct director_progress progress = { .counts = run->totals, .seconds_left = -1 };
    bool final = store_run_state_final(run->state);
    int64_t now = clock_wall_ms(director_clock(call->director));
    char remark[STORE_TEXT_LEN] = "", summary[STORE_TEXT_LEN], figures[STORE_FIGURES_LEN];

    if (store_tasks_outcome(call->store, run->id, summary, figures, err) != 0)
        return -1;
    if (!final && (director_run_progress(call->director, run->id, &progress, err) != 0 ||
                   store_tasks_remark(call->store, run->id, remark, err) != 0))
        return -1;
    if (final)
        set_mean_rates(&progress, run->started_ms, run->finished_ms);
    *out = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:s, s:b, s:o, s:o, s:o, s:{s:i, s:i, s:i, s:i}, s:o}", "id",
                     run->id, "kind", store_run_kind_name(run->kind), "state", store_run_state_name(run->state), "job",
                     api_json_job(call, run->job), "tenant", api_json_tenant(call, run->tenant), "vault",
                     api_json_vault(call, run->vault), "actor", run->actor, "cancel_requested", run->cancel_requested,
                     "created", api_json_time(run->created_ms), "started", api_json_time(run->started_ms), "finished",
                     api_json_time(run->finished_ms), "tasks", "total", (int)run->tasks, "done", (int)run->tasks_done,
                     "failed", (int)run->tasks_failed, "cancelled", (int)run->tasks_cancelled, "error",
                     api_json_error(run->error_kind, run->error_text));
    json_object_set_new(*out, "final", json_boolean(final));
    if (remark[0] == '\0')
        api_throttle_remark(&progress, now, remark);
    json_object_set_new(*out, "remark", api_json_text(remark));
    add_outcome(*out, summary, figures);
    add_progress(*out, &progress, !final, now);
    return 0;
}

static int
on_run(void *ctx, const struct store_run *run, struct error *err)
{
    struct api_page *page = ctx;
    json_t *json;

    if (run_json(page->call, run, &json, err) != 0)
        return -1;
    return api_json_page_add(page, run->id, json);
}

static int
find_run(const struct api_call *call, struct store_run *run, struct error *err)
{
    if (store_runs_find(call->store, api_call_parameter(call, 0), run, err) != 0)
        return -1;
    return api_json_tenant_check(call, run->tenant, "run", err);
}

/* ?job= and ?vault= take names too. */
static int
read_filter(const struct api_call *call, struct store_run_filter *filter, char job_id[IDENTIFIER_LEN],
            char vault_id[IDENTIFIER_LEN], struct error *err)
{
    CLEANUP(memory_free_p) struct store_job *job = MEMORY_NEW(struct store_job);
    const char *job_name = api_call_query(call, "job"), *vault_name = api_call_query(call, "vault");
    const char *unfinished = api_call_query(call, "unfinished");
    struct store_vault vault;

    if (job_name != NULL) {
        if (store_jobs_find(call->store, job_name, job, err) != 0)
            return -1;
        memcpy(job_id, job->id, IDENTIFIER_LEN);
        filter->job = job_id;
    }
    if (vault_name != NULL) {
        if (store_vaults_find(call->store, vault_name, &vault, err) != 0)
            return -1;
        memcpy(vault_id, vault.id, IDENTIFIER_LEN);
        filter->vault = vault_id;
    }
    filter->unfinished = unfinished != NULL && strcmp(unfinished, "true") == 0;
    return 0;
}

int
api_runs_list(struct api_call *call, struct error *err)
{
    char tenant[IDENTIFIER_LEN], job[IDENTIFIER_LEN], vault[IDENTIFIER_LEN];
    struct store_run_filter filter = { .job = NULL };
    struct api_page page;

    if (api_json_tenant_filter(call, tenant, &filter.tenant, err) != 0 ||
        read_filter(call, &filter, job, vault, err) != 0 || api_json_page_begin(call, &page, err) != 0)
        return -1;
    return api_json_page_end(&page, store_runs_list(call->store, &filter, page.page, on_run, &page, err));
}

int
api_runs_start(struct api_call *call, struct error *err)
{
    static const char *const fields[] = { "full", NULL };
    CLEANUP(memory_free_p) struct store_job *job = MEMORY_NEW(struct store_job);
    struct director_run_options options = { .force_full = false };
    char run[IDENTIFIER_LEN];

    if (store_jobs_find(call->store, api_call_parameter(call, 0), job, err) != 0 ||
        api_json_tenant_check(call, job->tenant, "job", err) != 0 || api_fields_only(call->body, fields, err) != 0 ||
        api_fields_bool(call->body, "full", &options.force_full, err) != 0 ||
        director_run_start(call->director, job->id, &options, call->token_name, run, err) != 0)
        return -1;
    return api_json_run_started(call, run);
}

/* With ?wait=SECONDS the answer comes when the run is over, or then. */
int
api_runs_show(struct api_call *call, struct error *err)
{
    struct store_run run;
    json_t *reply;

    if (find_run(call, &run, err) != 0)
        return -1;
    if (!store_run_state_final(run.state)) {
        int waits = api_call_waits(call, err);
        if (waits != 0)
            return waits;
    }
    if (run_json(call, &run, &reply, err) != 0)
        return -1;
    return api_call_reply(call, reply);
}

int
api_runs_cancel(struct api_call *call, struct error *err)
{
    struct store_run run;
    json_t *reply;

    if (find_run(call, &run, err) != 0 || director_run_cancel(call->director, run.id, call->token_name, err) != 0 ||
        store_runs_find(call->store, run.id, &run, err) != 0 || run_json(call, &run, &reply, err) != 0)
        return -1;
    return api_call_reply(call, reply);
}

static int
on_gap(void *ctx, const struct store_gap *gap, struct error *err)
{
    (void)err;
    return json_array_append_new(ctx, json_pack("{s:s, s:I}", "reason", gap->reason, "count", (json_int_t)gap->count));
}

static int
task_json(const struct api_call *call, const struct store_task *task, json_t **out, struct error *err)
{
    struct director_progress progress = { .counts = task->counts, .seconds_left = -1 };
    bool final = store_task_state_final(task->state);
    int64_t now = clock_wall_ms(director_clock(call->director));
    char remark[STORE_TEXT_LEN] = "";
    json_t *gaps = json_array();

    if (final)
        set_mean_rates(&progress, task->started_ms, task->finished_ms);
    if ((!final && director_task_progress(call->director, task->id, &progress, err) != 0) ||
        store_tasks_list_gaps(call->store, task->id, on_gap, gaps, err) != 0) {
        json_decref(gaps);
        return -1;
    }
    *out = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:o, s:o, s:o, s:o, s:o}", "id", task->id,
                     "run", task->run, "kind", store_run_kind_name(task->kind), "state",
                     store_task_state_name(task->state), "object", api_json_object(call, task->object), "vault",
                     api_json_vault(call, task->vault), "transporter", api_json_transporter(call, task->transporter),
                     "phase", api_json_text(task->phase), "waiting", api_json_text(task->waiting), "attempts",
                     (int)task->attempts, "losses", (int)task->losses, "created", api_json_time(task->created_ms),
                     "started", api_json_time(task->started_ms), "finished", api_json_time(task->finished_ms), "error",
                     api_json_error(task->error_kind, task->error_text), "gaps", gaps);
    json_object_set_new(*out, "final", json_boolean(final));
    api_throttle_remark(&progress, now, remark);
    json_object_set_new(*out, "remark", api_json_text(remark));
    add_outcome(*out, task->summary, task->figures);
    add_progress(*out, &progress, !final, now);
    return 0;
}

static int
on_task(void *ctx, const struct store_task *task, struct error *err)
{
    struct api_page *page = ctx;
    json_t *json;

    if (task_json(page->call, task, &json, err) != 0)
        return -1;
    return api_json_page_add(page, task->id, json);
}

int
api_runs_tasks(struct api_call *call, struct error *err)
{
    struct store_run run;
    struct api_page page;

    if (find_run(call, &run, err) != 0 || api_json_page_begin(call, &page, err) != 0)
        return -1;
    return api_json_page_end(&page, store_tasks_list(call->store, run.id, page.page, on_task, &page, err));
}

int
api_runs_task(struct api_call *call, struct error *err)
{
    CLEANUP(memory_free_p) struct store_task *task = MEMORY_NEW(struct store_task);
    json_t *reply;

    if (store_tasks_find(call->store, api_call_parameter(call, 0), task, err) != 0 ||
        api_json_tenant_check(call, task->tenant, "task", err) != 0 || task_json(call, task, &reply, err) != 0)
        return -1;
    return api_call_reply(call, reply);
}
