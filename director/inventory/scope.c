#include "director/inventory/scope.h"

#include "common/base/error.h"
#include "common/base/memory.h"

#include <stdlib.h>
#include <string.h>

static char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Past one character of UTF-8. */
static const char *
next_character(const char *at)
{
    at++;
    while (((unsigned char)*at & 0xc0) == 0x80)
        at++;
    return at;
}

bool
scope_pattern_matches(const char *pattern, const char *name)
{
    const char *star = NULL, *retry = NULL;

    while (*name != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            retry = name;
        } else if (*pattern == '?') {
            pattern++;
            name = next_character(name);
        } else if (lower(*pattern) == lower(*name)) {
            pattern++;
            name++;
        } else if (star != NULL) {
            pattern = star + 1;
            name = retry = next_character(retry);
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

bool
scope_rule_matches(const struct store_job_rule *rule, const struct store_object *object)
{
    if (rule->kind != STORE_OBJECT_ANY && rule->kind != object->kind)
        return false;
    return strcmp(rule->pattern, object->id) == 0 || scope_pattern_matches(rule->pattern, object->name);
}

struct expansion {
    struct store_job_rule *rules;
    size_t count, capacity;
    bool all;
    int (*each)(void *ctx, const struct store_object *object, struct error *err);
    void *ctx;
    char last[IDENTIFIER_LEN];
    unsigned rows;
};

static int
on_rule(void *ctx, const struct store_job_rule *rule, struct error *err)
{
    struct expansion *e = ctx;

    if (e->count == e->capacity) {
        size_t ceiling = sizeof(*e->rules) * STORE_JOB_RULES_MAX;
        size_t capacity = e->capacity == 0 ? 16 : e->capacity * 2;
        if (capacity > STORE_JOB_RULES_MAX)
            capacity = STORE_JOB_RULES_MAX;
        if (e->count == capacity)
            return FAIL(err, ERROR_LIMIT, 0, "a job has at most %d rules", STORE_JOB_RULES_MAX);
        struct store_job_rule *grown = memory_array(capacity, sizeof(*grown), ceiling, err);
        if (grown == NULL)
            return -1;
        if (e->count > 0)
            memcpy(grown, e->rules, e->count * sizeof(*grown));
        free(e->rules);
        e->rules = grown;
        e->capacity = capacity;
    }
    e->rules[e->count++] = *rule;
    return 0;
}

static int
on_object(void *ctx, const struct store_object *object, struct error *err)
{
    struct expansion *e = ctx;
    bool in = e->all;

    e->rows++;
    memcpy(e->last, object->id, sizeof(e->last));
    for (size_t i = 0; !in && i < e->count; i++)
        in = scope_rule_matches(&e->rules[i], object);
    return in ? e->each(e->ctx, object, err) : 0;
}

int
scope_expand(struct store *store, const struct store_job *job,
             int (*each)(void *ctx, const struct store_object *object, struct error *err), void *ctx, struct error *err)
{
    struct expansion e = { .all = job->all, .each = each, .ctx = ctx };
    int result = store_jobs_list_rules(store, job->id, on_rule, &e, err);

    do {
        struct store_page page = { e.last, STORE_PAGE_MAX };
        char after[IDENTIFIER_LEN];

        memcpy(after, e.last, sizeof(after));
        page.after = after;
        e.rows = 0;
        if (result == 0)
            result = store_objects_list(store, job->tenant, STORE_OBJECT_ANY, page, on_object, &e, err);
    } while (result == 0 && e.rows == STORE_PAGE_MAX);
    free(e.rules);
    return result;
}
