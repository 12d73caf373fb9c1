#ifndef LONGHAUL_TRANSPORTER_TASK_CANCEL_H
#define LONGHAUL_TRANSPORTER_TASK_CANCEL_H

/* The end of a task before its time: a flag that is looked at, a wait that it interrupts, and functions that wake
 * whoever sits in somebody else's wait. Embedded. Any thread. */

#include "common/base/error.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define CANCEL_HOOKS_MAX 8

struct cancel {
    atomic_bool raised; /* may be handed on as const atomic_bool * */
    int event;
    pthread_mutex_t lock;
    struct error reason; /* why, once raised */
    struct {
        void (*fn)(void *ctx);
        void *ctx;
    } hooks[CANCEL_HOOKS_MAX];
};

int cancel_init(struct cancel *cancel, struct error *err);
void cancel_clear(struct cancel *cancel);

/* The first call counts; kind and text become the task's error. */
void cancel_raise(struct cancel *cancel, enum error_kind kind, const char *text);
bool cancel_raised(const struct cancel *cancel);
/* -1 with the reason once raised, else 0. */
int cancel_check(struct cancel *cancel, struct error *err);
/* Waits so long or until raised; true when raised. */
bool cancel_wait(struct cancel *cancel, uint32_t ms);

/* fn is called once when it is raised, from the raising thread; at once when it is raised already. It must not wait
 * nor call cancel_*. After cancel_unhook() it neither runs nor will run. At most CANCEL_HOOKS_MAX at a time. */
void cancel_hook(struct cancel *cancel, void (*fn)(void *ctx), void *ctx);
void cancel_unhook(struct cancel *cancel, void (*fn)(void *ctx), void *ctx);

#endif
