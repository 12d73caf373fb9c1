#include "director/store/store_jobs.h"

#include "common/base/clock.h"
#include "director/store/store_internal.h"

#include <string.h>

static const struct store_column columns[] = {
    STORE_COLUMN(TEXT, store_job, id),
    STORE_COLUMN(REF, store_job, tenant),
    STORE_COLUMN(REF, store_job, vault),
    STORE_COLUMN(I64, store_job, created_ms),
    STORE_COLUMN(REF, store_job, source),
    STORE_COLUMN(TEXT, store_job, name),
    STORE_COLUMN_AS(BOOL, store_job, all, "everything"),
    STORE_COLUMN(BOOL, store_job, enabled),
    STORE_COLUMN(TEXT, store_job, selector),
    STORE_COLUMN(TEXT, store_job, options),
    STORE_COLUMN(I64, store_job, changed_ms),
};
static const struct store_table table = STORE_TABLE("job", "job", columns, store_job);

STORE_EACH(each_job, store_job);

static int
check(const struct store_job *job, const struct store_job_rule *rules, size_t count, struct error *err)
{
    struct store_labels labels;

    if (store_name_check("job", job->name, err) != 0)
        return -1;
    if (store_labels_parse(job->selector, &labels, err) != 0)
        return error_wrap(err, "selector of the job");
    if (count > STORE_JOB_RULES_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "a job has at most %d rules", STORE_JOB_RULES_MAX);
    if (!job->all && count == 0)
        return FAIL(err, ERROR_USAGE, 0, "a job protects everything, or has at least one rule");
    for (size_t i = 0; i < count; i++)
        if (!store_title_valid(rules[i].pattern, sizeof(rules[i].pattern)) || rules[i].kind > STORE_OBJECT_DRIVE)
            return FAIL(err, ERROR_USAGE, 0, "rule %zu of the job is empty, too long or not UTF-8", i + 1);
    return 0;
}

static int
put_rules(struct store *store, const char *id, const struct store_job_rule *rules, size_t count, struct error *err)
{
    if (store_statement_change(store, STORE_QUERY("DELETE FROM job_rule WHERE job = ?1", STORE_TEXT(id)), NULL, err) !=
        0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (store_statement_change(
                store,
                STORE_QUERY("INSERT INTO job_rule (job, ordinal, kind, pattern) VALUES (?1, ?2, ?3, ?4)",
                            STORE_TEXT(id), STORE_INT(i), STORE_INT(rules[i].kind), STORE_TEXT(rules[i].pattern)),
                NULL, err) != 0)
            return -1;
    return 0;
}

int
store_jobs_add(struct store *store, struct store_job *job, const struct store_job_rule *rules, size_t count,
               struct error *err)
{
    if (check(job, rules, count, err) != 0 || store_id_fill(store, "job", job->id, err) != 0)
        return -1;
    job->created_ms = job->changed_ms = clock_wall_ms(store->clock);
    if (store_begin(store, err) != 0)
        return -1;
    if (store_table_insert(store, &table, job, err) != 0 || put_rules(store, job->id, rules, count, err) != 0) {
        store_rollback(store);
        return -1;
    }
    return store_commit(store, err);
}

int
store_jobs_find(struct store *store, const char *id_or_name, struct store_job *job, struct error *err)
{
    return store_table_find(store, &table, id_or_name, job, err);
}

int
store_jobs_list(struct store *store, const char *tenant, struct store_page page,
                int (*each)(void *ctx, const struct store_job *job, struct error *err), void *ctx, struct error *err)
{
    struct each_job to = { each, ctx };
    struct store_listing listing = { .order = STORE_BY_NAME, .page = page };

    listing.where = *STORE_QUERY("(?1 = '' OR tenant = ?1)", STORE_TEXT(tenant != NULL ? tenant : ""));
    return store_table_list(store, &table, &listing, each_job, &to, err);
}

struct rules {
    int (*each)(void *ctx, const struct store_job_rule *rule, struct error *err);
    void *ctx;
};

static int
on_rule(void *ctx, sqlite3_stmt *at, struct error *err)
{
    const struct rules *to = ctx;
    struct store_job_rule rule = { .kind = (enum store_object_kind)sqlite3_column_int(at, 0) };

    if (store_text_set(rule.pattern, sizeof(rule.pattern), (const char *)sqlite3_column_text(at, 1), err) != 0)
        return -1;
    return to->each(to->ctx, &rule, err);
}

int
store_jobs_list_rules(struct store *store, const char *id,
                      int (*each)(void *ctx, const struct store_job_rule *rule, struct error *err), void *ctx,
                      struct error *err)
{
    struct rules to = { each, ctx };

    return store_statement_each(
        store, STORE_QUERY("SELECT kind, pattern FROM job_rule WHERE job = ?1 ORDER BY ordinal", STORE_TEXT(id)),
        on_rule, &to, err);
}

int
store_jobs_update(struct store *store, const struct store_job *job, const struct store_job_rule *rules, size_t count,
                  struct error *err)
{
    struct store_job row = *job;

    if (check(job, rules, count, err) != 0 || store_begin(store, err) != 0)
        return -1;
    row.changed_ms = clock_wall_ms(store->clock);
    if (store_table_update(store, &table, "name", &row, err) != 0 ||
        put_rules(store, job->id, rules, count, err) != 0) {
        store_rollback(store);
        return -1;
    }
    return store_commit(store, err);
}

int
store_jobs_delete(struct store *store, const char *id, struct error *err)
{
    int64_t unfinished = 0;

    if (store_statement_number(store,
                               STORE_QUERY("SELECT count(*) FROM run WHERE job = ?1 AND state < 2", STORE_TEXT(id)),
                               &unfinished, err) != 0)
        return -1;
    if (unfinished > 0)
        return FAIL(err, ERROR_CONFLICT, 0, "a run of the job is not over: cancel it first");
    return store_table_delete(store, &table, id, err);
}
