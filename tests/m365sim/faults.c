#include "tests/m365sim/faults.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/m365sim/auth.h"
#include "tests/m365sim/reply.h"
#include "tests/m365sim/request.h"
#include "tests/m365sim/sim.h"
#include "tests/m365sim/tree_internal.h"

#include <pthread.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

struct rule {
    json_t *json;
    regex_t path;
    bool has_path;
    uint64_t random;
    json_int_t skipped, struck;
    struct rule *next;
};

struct faults {
    pthread_mutex_t mutex;
    struct rule *rules;
};

struct faults *
faults_new(void)
{
    struct faults *f = MEMORY_NEW(struct faults);
    pthread_mutex_init(&f->mutex, NULL);
    return f;
}

void
faults_clear(struct faults *f)
{
    pthread_mutex_lock(&f->mutex);
    while (f->rules != NULL) {
        struct rule *gone = f->rules;
        f->rules = gone->next;
        if (gone->has_path)
            regfree(&gone->path);
        json_decref(gone->json);
        free(gone);
    }
    pthread_mutex_unlock(&f->mutex);
}

void
faults_free(struct faults *f)
{
    if (f == NULL)
        return;
    faults_clear(f);
    pthread_mutex_destroy(&f->mutex);
    free(f);
}

static int
check_names(const json_t *o, const char *const *known, size_t count, struct error *err)
{
    const char *name;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)o, name, value) {
        bool good = false;
        for (size_t i = 0; i < count; i++)
            good = good || strcmp(known[i], name) == 0;
        if (!good)
            return FAIL(err, ERROR_USAGE, 0, "unknown word %s in a fault rule", name);
    }
    return 0;
}

static int
add_rule(struct faults *f, const json_t *json, struct error *err)
{
    static const char *const words[] = { "match", "skip", "count", "probability", "seed", "action" };
    static const char *const matches[] = { "method", "path", "user" };
    static const char *const actions[] = { "latency_ms",  "status",     "code",      "inner",         "message",
                                           "retry_after", "html",       "empty",     "location",      "cut_after",
                                           "spoil",       "wrong_hash", "duplicate", "expired_links", "revoke_tokens" };
    const json_t *match = json_object_get(json, "match");
    if (!json_is_object(json) || !json_is_object(json_object_get(json, "action")))
        return FAIL(err, ERROR_USAGE, 0, "a fault rule is an object with an action");
    if (check_names(json, words, ARRAY_LEN(words), err) != 0 ||
        check_names(match, matches, ARRAY_LEN(matches), err) != 0 ||
        check_names(json_object_get(json, "action"), actions, ARRAY_LEN(actions), err) != 0)
        return -1;
    const char *path = json_string_value(json_object_get(match, "path"));
    struct rule *rule = MEMORY_NEW(struct rule);
    if (path != NULL && regcomp(&rule->path, path, REG_EXTENDED | REG_NOSUB) != 0) {
        free(rule);
        return FAIL(err, ERROR_USAGE, 0, "the path of a fault rule is no regular expression");
    }
    rule->has_path = path != NULL;
    rule->json = json_deep_copy(json);
    rule->random = (uint64_t)json_integer_value(json_object_get(json, "seed"));
    pthread_mutex_lock(&f->mutex);
    struct rule **end = &f->rules;
    while (*end != NULL)
        end = &(*end)->next;
    *end = rule;
    pthread_mutex_unlock(&f->mutex);
    return 0;
}

int
faults_add(struct faults *f, const json_t *rules, struct error *err)
{
    size_t i;
    const json_t *one;
    if (!json_is_array(rules))
        return add_rule(f, rules, err);
    json_array_foreach (rules, i, one) {
        if (add_rule(f, one, err) != 0)
            return -1;
    }
    return 0;
}

json_t *
faults_json(struct faults *f)
{
    json_t *list = json_array();
    pthread_mutex_lock(&f->mutex);
    for (const struct rule *rule = f->rules; rule != NULL; rule = rule->next) {
        json_t *copy = json_deep_copy(rule->json);
        json_object_set_new(copy, "struck", json_integer(rule->struck));
        json_array_append_new(list, copy);
    }
    pthread_mutex_unlock(&f->mutex);
    return list;
}

static bool
matches(const struct rule *rule, const struct request *r)
{
    const json_t *match = json_object_get(rule->json, "match");
    const char *method = json_string_value(json_object_get(match, "method"));
    const char *user = json_string_value(json_object_get(match, "user"));
    if (method != NULL && strcasecmp(method, r->method) != 0)
        return false;
    if (user != NULL && (r->segment_count < 3 || strcasecmp(r->segments[2], user) != 0))
        return false;
    return !rule->has_path || regexec(&rule->path, r->url, 0, NULL, 0) == 0;
}

/* Whether the rule strikes now; the mutex is held. */
static bool
strikes(struct rule *rule)
{
    const json_t *count = json_object_get(rule->json, "count");
    const json_t *probability = json_object_get(rule->json, "probability");
    if (rule->skipped < json_integer_value(json_object_get(rule->json, "skip"))) {
        rule->skipped++;
        return false;
    }
    if (count != NULL && rule->struck >= json_integer_value(count))
        return false;
    if (probability != NULL) {
        rule->random = tree_mix(rule->random, 0x5eed);
        if ((double)(rule->random >> 11) / (double)(1ull << 53) >= json_number_value(probability))
            return false;
    }
    rule->struck++;
    return true;
}

static bool
flag(const json_t *action, const char *name)
{
    return json_is_true(json_object_get(action, name));
}

static void
answer_with(const json_t *action, struct reply *reply)
{
    const char *code = json_string_value(json_object_get(action, "code"));
    const char *message = json_string_value(json_object_get(action, "message"));
    const char *location = json_string_value(json_object_get(action, "location"));
    const json_t *after = json_object_get(action, "retry_after");
    unsigned status = (unsigned)json_integer_value(json_object_get(action, "status"));
    if (flag(action, "html")) {
        static const char page[] = "<!DOCTYPE html><html><head><title>Service unavailable</title></head><body><h2>Our "
                                   "services aren't available right now</h2></body></html>";
        reply_bytes(reply, status != 0 ? status : 503, "text/html", page, sizeof(page) - 1);
    } else if (flag(action, "empty")) {
        reply_empty(reply, status);
    } else {
        reply_error(reply, status,
                    code != NULL    ? code
                    : status == 429 ? "TooManyRequests"
                                    : "UnknownError",
                    message != NULL ? message : "Asked for by a fault rule.",
                    json_string_value(json_object_get(action, "inner")));
    }
    if (after != NULL)
        reply_header(reply, "Retry-After", "%d", (int)json_integer_value(after));
    if (location != NULL)
        reply_header(reply, "Location", "%s", location);
}

static void
note_flags(const json_t *action, struct reply *reply)
{
    const json_t *cut = json_object_get(action, "cut_after");
    if (cut != NULL)
        reply->cut_after = (uint64_t)json_integer_value(cut);
    reply->spoil = reply->spoil || flag(action, "spoil");
    reply->wrong_hash = reply->wrong_hash || flag(action, "wrong_hash");
    reply->duplicate = reply->duplicate || flag(action, "duplicate");
    reply->expired_links = reply->expired_links || flag(action, "expired_links");
}

bool
faults_before(struct faults *f, struct request *r, struct reply *reply, struct sim *sim)
{
    json_int_t latency = 0;
    bool answered = false, revoke = false;
    pthread_mutex_lock(&f->mutex);
    for (struct rule *rule = f->rules; rule != NULL; rule = rule->next) {
        const json_t *action = json_object_get(rule->json, "action");
        if (!matches(rule, r) || !strikes(rule))
            continue;
        latency += json_integer_value(json_object_get(action, "latency_ms"));
        revoke = revoke || flag(action, "revoke_tokens");
        note_flags(action, reply);
        if (!answered && (json_object_get(action, "status") != NULL || flag(action, "html"))) {
            answer_with(action, reply);
            answered = true;
        }
    }
    pthread_mutex_unlock(&f->mutex);
    if (revoke)
        auth_revoke_tokens(sim->auth);
    if (latency > 0) {
        struct timespec wait = { latency / 1000, latency % 1000 * 1000000 };
        nanosleep(&wait, NULL);
    }
    return answered;
}

static void
break_link(json_t *o, const char *name)
{
    const char *url = json_string_value(json_object_get(o, name));
    const char *token = url == NULL ? NULL : strstr(url, "tempauth=v1.");
    if (token == NULL)
        return;
    json_object_set_new(o, name, json_sprintf("%.*stempauth=v1.1.expired", (int)(token - url), url));
}

static void
change_item(json_t *item, const struct reply *reply)
{
    json_t *hashes = json_object_get(json_object_get(item, "file"), "hashes");
    if (reply->wrong_hash && hashes != NULL)
        json_object_set_new(hashes, "quickXorHash", json_string("AAAAAAAAAAAAAAAAAAAAAAAAAAE="));
    if (reply->expired_links)
        break_link(item, "@microsoft.graph.downloadUrl");
}

void
faults_after(struct faults *f, struct request *r, struct reply *reply)
{
    size_t i;
    json_t *one, *values = json_object_get(reply->json, "value");
    (void)f;
    (void)r;
    if (reply->json != NULL && (reply->wrong_hash || reply->expired_links)) {
        change_item(reply->json, reply);
        json_array_foreach (values, i, one) {
            change_item(one, reply);
        }
    }
    if (reply->duplicate && json_array_size(values) > 0) {
        json_array_append_new(values, json_deep_copy(json_array_get(values, 0)));
        json_array_insert_new(values, 0, json_deep_copy(json_array_get(values, json_array_size(values) / 2)));
    }
    const char *location = reply_header_value(reply, "Location");
    if (reply->expired_links && location != NULL && strstr(location, "tempauth=") != NULL) {
        CLEANUP(memory_free_p) char *copy = memory_strdup(location);
        reply_header(reply, "Location", "%.*stempauth=v1.1.expired", (int)(strstr(copy, "tempauth=") - copy), copy);
    }
}
