#include "transporter/task/cancel.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

int
cancel_init(struct cancel *cancel, struct error *err)
{
    *cancel = (struct cancel){ .event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
    if (cancel->event < 0)
        return FAIL(err, ERROR_LIMIT, errno, "event descriptor: %s", strerror(errno));
    pthread_mutex_init(&cancel->lock, NULL);
    return 0;
}

void
cancel_clear(struct cancel *cancel)
{
    close(cancel->event);
    pthread_mutex_destroy(&cancel->lock);
}

void
cancel_raise(struct cancel *cancel, enum error_kind kind, const char *text)
{
    pthread_mutex_lock(&cancel->lock);
    if (!atomic_load(&cancel->raised)) {
        FAIL(&cancel->reason, kind, 0, "%s", text);
        atomic_store(&cancel->raised, true);
        if (eventfd_write(cancel->event, 1) != 0)
            abort();
        for (size_t i = 0; i < CANCEL_HOOKS_MAX; i++)
            if (cancel->hooks[i].fn != NULL)
                cancel->hooks[i].fn(cancel->hooks[i].ctx);
    }
    pthread_mutex_unlock(&cancel->lock);
}

bool
cancel_raised(const struct cancel *cancel)
{
    return atomic_load(&cancel->raised);
}

int
cancel_check(struct cancel *cancel, struct error *err)
{
    if (!atomic_load(&cancel->raised))
        return 0;
    pthread_mutex_lock(&cancel->lock);
    enum error_kind kind = cancel->reason.kind;
    int result = FAIL(err, kind, 0, "%s", cancel->reason.text);
    pthread_mutex_unlock(&cancel->lock);
    return result;
}

bool
cancel_wait(struct cancel *cancel, uint32_t ms)
{
    struct pollfd watch = { .fd = cancel->event, .events = POLLIN };
    int n = poll(&watch, 1, ms > INT_MAX ? INT_MAX : (int)ms);
    return n > 0 || cancel_raised(cancel);
}

void
cancel_hook(struct cancel *cancel, void (*fn)(void *ctx), void *ctx)
{
    pthread_mutex_lock(&cancel->lock);
    size_t i = 0;
    while (i < CANCEL_HOOKS_MAX && cancel->hooks[i].fn != NULL)
        i++;
    if (i == CANCEL_HOOKS_MAX)
        abort();
    cancel->hooks[i].fn = fn;
    cancel->hooks[i].ctx = ctx;
    if (atomic_load(&cancel->raised))
        fn(ctx);
    pthread_mutex_unlock(&cancel->lock);
}

void
cancel_unhook(struct cancel *cancel, void (*fn)(void *ctx), void *ctx)
{
    pthread_mutex_lock(&cancel->lock);
    for (size_t i = 0; i < CANCEL_HOOKS_MAX; i++)
        if (cancel->hooks[i].fn == fn && cancel->hooks[i].ctx == ctx)
            cancel->hooks[i].fn = NULL;
    pthread_mutex_unlock(&cancel->lock);
}
