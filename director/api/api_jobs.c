#include "common/base/memory.h"
#include "director/api/api_fields.h"
#include "director/api/api_handlers.h"
#include "director/api/api_json.h"
#include "director/api/api_labels.h"
#include "director/jobs/job_options.h"
#include "director/jobs/run_start.h"
#include "director/jobs/vault_locks.h"
#include "director/store/store_events.h"
#include "director/store/store_jobs.h"
#include "director/store/store_tenants.h"
#include "director/store/store_vaults.h"

#include <stdlib.h>
#include <string.h>

#define RULES_MAX 1000 /* in one request */

static int
on_rule(void *ctx, const struct store_job_rule *rule, struct error *err)
{
    (void)err;
    return json_array_append_new(
        ctx, json_pack("{s:s, s:s}", "kind", store_object_kind_name(rule->kind), "pattern", rule->pattern));
}

static int
job_json(const struct api_call *call, const struct store_job *job, json_t **out, struct error *err)
{
    json_t *rules = json_array();
    json_t *options = json_loads(job->options[0] == '\0' ? "{}" : job->options, 0, NULL);

    if (store_jobs_list_rules(call->store, job->id, on_rule, rules, err) != 0) {
        json_decref(rules);
        json_decref(options);
        return -1;
    }
    *out =
        json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:b, s:b, s:o, s:o, s:o*, s:o, s:o}", "id", job->id, "name",
                  job->name, "kind", job->source[0] != '\0' ? "copy" : "backup", "tenant",
                  api_json_tenant(call, job->tenant), "vault", api_json_vault(call, job->vault), "source",
                  job->source[0] != '\0' ? api_json_vault(call, job->source) : json_null(), "all", job->all, "enabled",
                  job->enabled, "rules", rules, "selector", api_labels_selector_json(job->selector), "options", options,
                  "created", api_json_time(job->created_ms), "changed", api_json_time(job->changed_ms));
    return 0;
}

static int
on_job(void *ctx, const struct store_job *job, struct error *err)
{
    struct api_page *page = ctx;
    json_t *json;

    if (job_json(page->call, job, &json, err) != 0)
        return -1;
    return api_json_page_add(page, job->id, json);
}

static int
find_job(const struct api_call *call, struct store_job *job, struct error *err)
{
    if (store_jobs_find(call->store, api_call_parameter(call, 0), job, err) != 0)
        return -1;
    return api_json_tenant_check(call, job->tenant, "job", err);
}

int
api_jobs_list(struct api_call *call, struct error *err)
{
    char tenant[IDENTIFIER_LEN];
    const char *filter;
    struct api_page page;

    if (api_json_tenant_filter(call, tenant, &filter, err) != 0 || api_json_page_begin(call, &page, err) != 0)
        return -1;
    return api_json_page_end(&page, store_jobs_list(call->store, filter, page.page, on_job, &page, err));
}

static int
read_rule(json_t *json, struct store_job_rule *rule, struct error *err)
{
    static const char *const fields[] = { "kind", "pattern", NULL };
    const char *kind, *pattern;

    if (!json_is_object(json))
        return FAIL(err, ERROR_USAGE, 0, "field \"rules\" must hold objects");
    if (api_fields_only(json, fields, err) != 0 || api_fields_optional_text(json, "kind", 16, &kind, err) != 0 ||
        api_fields_text(json, "pattern", sizeof(rule->pattern) - 1, &pattern, err) != 0)
        return -1;
    rule->kind = STORE_OBJECT_ANY;
    if (kind != NULL && store_object_kind_from_name(kind, &rule->kind) != 0)
        return FAIL(err, ERROR_USAGE, 0, "field \"kind\" is any, mailbox or drive");
    snprintf(rule->pattern, sizeof(rule->pattern), "%s", pattern);
    return 0;
}

/* *rules is freed with free(). */
static int
read_rules(json_t *body, struct store_job_rule **rules, size_t *count, struct error *err)
{
    json_t *list = json_object_get(body, "rules");

    *count = json_array_size(list);
    if (list != NULL && (!json_is_array(list) || *count > RULES_MAX))
        return FAIL(err, ERROR_USAGE, 0, "field \"rules\" must be a list of at most %d rules", RULES_MAX);
    *rules = memory_array(*count, sizeof(**rules), RULES_MAX * sizeof(**rules), err);
    if (*rules == NULL)
        return -1;
    for (size_t i = 0; i < *count; i++)
        if (read_rule(json_array_get(list, i), &(*rules)[i], err) != 0)
            return -1;
    return 0;
}

static int
read_options(json_t *body, struct store_job *job, struct error *err)
{
    json_t *options = json_object_get(body, "options");
    struct job_options checked;

    if (options == NULL)
        return 0;
    if (!json_is_object(options))
        return FAIL(err, ERROR_USAGE, 0, "field \"options\" must be an object");
    if (json_object_get(options, "force_full") != NULL)
        return FAIL(err, ERROR_USAGE, 0, "option force_full is one of a run, not of a job");
    size_t len = json_dumpb(options, job->options, sizeof(job->options) - 1, JSON_COMPACT | JSON_SORT_KEYS);
    if (len >= sizeof(job->options))
        return FAIL(err, ERROR_LIMIT, 0, "field \"options\" is too long");
    job->options[json_object_size(options) > 0 ? len : 0] = '\0';
    return job_options_parse(job->options, &checked, err);
}

/* A rate is of what is read from Microsoft 365; which points, of what is copied. */
static int
check_options(struct store *store, const struct store_job *job, struct error *err)
{
    struct job_options options;

    if (job_options_parse(job->options, &options, err) != 0)
        return -1;
    if (job->source[0] == '\0' && (options.latest || options.since_ms > 0))
        return FAIL(err, ERROR_USAGE, 0, "options points and since are of a copy job: one with a source");
    if (job->source[0] != '\0' && options.bytes_per_second > 0)
        return FAIL(err, ERROR_USAGE, 0, "option bytes_per_second is of a backup job");
    return vault_locks_check(store, job->vault, options.immutable_days, err);
}

/* What both making and changing take; absent fields stay as they are. */
static int
read_changes(json_t *body, struct store_job *job, struct error *err)
{
    const char *name;

    if (api_fields_optional_text(body, "name", sizeof(job->name) - 1, &name, err) != 0)
        return -1;
    if (name != NULL)
        snprintf(job->name, sizeof(job->name), "%s", name);
    if (json_object_get(body, "all") != NULL && api_fields_bool(body, "all", &job->all, err) != 0)
        return -1;
    if (json_object_get(body, "enabled") != NULL && api_fields_bool(body, "enabled", &job->enabled, err) != 0)
        return -1;
    if (json_object_get(body, "selector") != NULL &&
        api_labels_read_selector(body, "selector", job->selector, err) != 0)
        return -1;
    return read_options(body, job, err);
}

static int
read_places(const struct api_call *call, struct store_job *job, struct error *err)
{
    struct store_tenant tenant;
    struct store_vault vault;
    const char *tenant_name, *vault_name;

    if (api_fields_text(call->body, "tenant", STORE_NAME_LEN - 1, &tenant_name, err) != 0 ||
        api_fields_text(call->body, "vault", STORE_NAME_LEN - 1, &vault_name, err) != 0 ||
        store_tenants_find(call->store, tenant_name, &tenant, err) != 0 ||
        api_json_tenant_check(call, tenant.id, "tenant", err) != 0 ||
        store_vaults_find(call->store, vault_name, &vault, err) != 0 ||
        api_json_tenant_check(call, vault.tenant, "vault", err) != 0)
        return -1;
    if (strcmp(vault.tenant, tenant.id) != 0)
        return FAIL(err, ERROR_USAGE, 0, "vault %s is not one of tenant %s", vault.name, tenant.name);
    memcpy(job->tenant, tenant.id, sizeof(job->tenant));
    memcpy(job->vault, vault.id, sizeof(job->vault));
    return 0;
}

static int
read_source(const struct api_call *call, struct store_job *job, struct error *err)
{
    struct store_vault source;
    const char *name;

    if (api_fields_optional_text(call->body, "source", STORE_NAME_LEN - 1, &name, err) != 0)
        return -1;
    if (name == NULL && store_vaults_find(call->store, job->vault, &source, err) != 0)
        return -1;
    if (name == NULL)
        return run_start_refuse_replica(&source, err);
    if (store_vaults_find(call->store, name, &source, err) != 0 ||
        api_json_tenant_check(call, source.tenant, "vault", err) != 0)
        return -1;
    if (strcmp(source.tenant, job->tenant) != 0)
        return FAIL(err, ERROR_USAGE, 0, "vault %s is not one of the job's tenant", source.name);
    if (strcmp(source.id, job->vault) == 0)
        return FAIL(err, ERROR_USAGE, 0, "a vault is not copied into itself");
    memcpy(job->source, source.id, sizeof(job->source));
    return 0;
}

int
api_jobs_add(struct api_call *call, struct error *err)
{
    static const char *const fields[] = { "name",    "tenant", "vault",    "source",  "all",
                                          "enabled", "rules",  "selector", "options", NULL };
    CLEANUP(memory_free_p) struct store_job *job = MEMORY_NEW(struct store_job);
    CLEANUP(memory_free_p) struct store_job_rule *rules = NULL;
    size_t count;
    json_t *reply;

    job->enabled = true;
    if (api_fields_only(call->body, fields, err) != 0 || read_changes(call->body, job, err) != 0 ||
        read_places(call, job, err) != 0 || read_source(call, job, err) != 0 ||
        check_options(call->store, job, err) != 0 || read_rules(call->body, &rules, &count, err) != 0)
        return -1;
    if (job->name[0] == '\0')
        return FAIL(err, ERROR_USAGE, 0, "field \"name\" is missing");
    if (job->all == (count > 0))
        return FAIL(err, ERROR_USAGE, 0, "a job has either \"all\": true or at least one rule");
    if (store_jobs_add(call->store, job, rules, count, err) != 0 ||
        store_events_add(call->store, job->tenant, call->token_name, "job.added", job->id, err, "%s", job->name) != 0 ||
        job_json(call, job, &reply, err) != 0)
        return -1;
    return api_call_created(call, reply);
}

int
api_jobs_show(struct api_call *call, struct error *err)
{
    CLEANUP(memory_free_p) struct store_job *job = MEMORY_NEW(struct store_job);
    json_t *reply;

    if (find_job(call, job, err) != 0 || job_json(call, job, &reply, err) != 0)
        return -1;
    return api_call_reply(call, reply);
}

struct rule_list {
    struct store_job_rule *at;
    size_t count;
};

static int
on_kept_rule(void *ctx, const struct store_job_rule *rule, struct error *err)
{
    struct rule_list *list = ctx;

    if (list->count == STORE_JOB_RULES_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "the job has more than %d rules", STORE_JOB_RULES_MAX);
    list->at[list->count++] = *rule;
    return 0;
}

/* The rules of the request, or those the job has. */
static int
rules_for_update(const struct api_call *call, const struct store_job *job, struct rule_list *list, struct error *err)
{
    if (json_object_get(call->body, "rules") != NULL)
        return read_rules(call->body, &list->at, &list->count, err);
    list->at = memory_array(STORE_JOB_RULES_MAX, sizeof(*list->at), STORE_JOB_RULES_MAX * sizeof(*list->at), err);
    if (list->at == NULL)
        return -1;
    return store_jobs_list_rules(call->store, job->id, on_kept_rule, list, err);
}

int
api_jobs_update(struct api_call *call, struct error *err)
{
    static const char *const fields[] = { "name", "all", "enabled", "rules", "selector", "options", NULL };
    CLEANUP(memory_free_p) struct store_job *job = MEMORY_NEW(struct store_job);
    struct rule_list list = { .count = 0 };
    json_t *reply;

    if (find_job(call, job, err) != 0 || api_fields_only(call->body, fields, err) != 0 ||
        read_changes(call->body, job, err) != 0 || check_options(call->store, job, err) != 0)
        return -1;
    int result = rules_for_update(call, job, &list, err);
    if (result == 0 && !job->all && list.count == 0)
        result = FAIL(err, ERROR_USAGE, 0, "a job has either \"all\": true or at least one rule");
    if (result == 0)
        result = store_jobs_update(call->store, job, list.at, list.count, err);
    free(list.at);
    if (result != 0 || store_jobs_find(call->store, job->id, job, err) != 0 ||
        store_events_add(call->store, job->tenant, call->token_name, "job.changed", job->id, err, "%s", job->name) !=
            0 ||
        job_json(call, job, &reply, err) != 0)
        return -1;
    return api_call_reply(call, reply);
}

int
api_jobs_delete(struct api_call *call, struct error *err)
{
    CLEANUP(memory_free_p) struct store_job *job = MEMORY_NEW(struct store_job);

    if (find_job(call, job, err) != 0 || store_jobs_delete(call->store, job->id, err) != 0 ||
        store_events_add(call->store, job->tenant, call->token_name, "job.deleted", job->id, err, "%s", job->name) != 0)
        return -1;
    return api_call_reply(call, json_object());
}
