#include "tests/m365sim/stats.h"

#include "common/base/memory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct stats {
    pthread_mutex_t mutex;
    json_t *requests, *status, *running, *max_running;
    uint64_t bytes_in, bytes_out, throttled;
};

static void
fill(struct stats *s)
{
    s->requests = json_object();
    s->status = json_object();
    s->max_running = json_object();
    s->bytes_in = s->bytes_out = s->throttled = 0;
}

static void
drop(struct stats *s)
{
    json_decref(s->requests);
    json_decref(s->status);
    json_decref(s->max_running);
}

struct stats *
stats_new(void)
{
    struct stats *s = MEMORY_NEW(struct stats);
    pthread_mutex_init(&s->mutex, NULL);
    s->running = json_object();
    fill(s);
    return s;
}

void
stats_free(struct stats *s)
{
    if (s == NULL)
        return;
    drop(s);
    json_decref(s->running);
    pthread_mutex_destroy(&s->mutex);
    free(s);
}

void
stats_reset(struct stats *s)
{
    pthread_mutex_lock(&s->mutex);
    drop(s);
    fill(s);
    pthread_mutex_unlock(&s->mutex);
}

static json_int_t
add(json_t *counts, const char *name, json_int_t by)
{
    json_int_t value = json_integer_value(json_object_get(counts, name)) + by;
    json_object_set_new(counts, name, json_integer(value));
    return value;
}

void
stats_begin(struct stats *s, const char *kind, const char *mailbox)
{
    pthread_mutex_lock(&s->mutex);
    add(s->requests, kind, 1);
    if (mailbox != NULL) {
        json_int_t now = add(s->running, mailbox, 1);
        if (now > json_integer_value(json_object_get(s->max_running, mailbox)))
            json_object_set_new(s->max_running, mailbox, json_integer(now));
    }
    pthread_mutex_unlock(&s->mutex);
}

void
stats_end(struct stats *s, const char *kind, const char *mailbox, unsigned status, uint64_t bytes_in,
          uint64_t bytes_out)
{
    char text[12];
    (void)kind;
    snprintf(text, sizeof(text), "%u", status);
    pthread_mutex_lock(&s->mutex);
    add(s->status, text, 1);
    if (mailbox != NULL && add(s->running, mailbox, -1) == 0)
        json_object_del(s->running, mailbox);
    s->throttled += status == 429;
    s->bytes_in += bytes_in;
    s->bytes_out += bytes_out;
    pthread_mutex_unlock(&s->mutex);
}

json_t *
stats_json(struct stats *s)
{
    pthread_mutex_lock(&s->mutex);
    json_t *o =
        json_pack("{s:o,s:o,s:o,s:I,s:I,s:I}", "requests", json_deep_copy(s->requests), "status",
                  json_deep_copy(s->status), "max_concurrent", json_deep_copy(s->max_running), "throttled",
                  (json_int_t)s->throttled, "bytes_in", (json_int_t)s->bytes_in, "bytes_out", (json_int_t)s->bytes_out);
    pthread_mutex_unlock(&s->mutex);
    return o;
}
