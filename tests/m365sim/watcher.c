#include "tests/m365sim/watcher.h"

#include "common/base/memory.h"
#include "tests/m365sim/tree_internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define EVENTS (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ATTRIB | IN_ONLYDIR)

/* Who wants to know about a watched folder; one folder may be in several trees through symbolic links. */
struct interest {
    struct tree *tree;
    uint32_t folder;
    struct interest *next;
};

struct watcher {
    pthread_mutex_t mutex;
    int fd;
    struct interest **watched; /* by watch descriptor */
    size_t capacity;
};

struct watcher *
watcher_open(void)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0)
        return NULL;
    struct watcher *w = MEMORY_NEW(struct watcher);
    w->fd = fd;
    pthread_mutex_init(&w->mutex, NULL);
    return w;
}

static void
drop_interests(struct watcher *w, size_t wd)
{
    while (w->watched[wd] != NULL) {
        struct interest *gone = w->watched[wd];
        w->watched[wd] = gone->next;
        free(gone);
    }
}

void
watcher_free(struct watcher *w)
{
    if (w == NULL)
        return;
    for (size_t i = 0; i < w->capacity; i++)
        drop_interests(w, i);
    free(w->watched);
    close(w->fd);
    pthread_mutex_destroy(&w->mutex);
    free(w);
}

static void
make_room(struct watcher *w, size_t wd)
{
    if (wd < w->capacity)
        return;
    size_t capacity = (wd + 1) * 2;
    struct interest **more = memory_new(capacity * sizeof(struct interest *));
    if (w->capacity > 0)
        memcpy(more, w->watched, w->capacity * sizeof(struct interest *));
    free(w->watched);
    w->watched = more;
    w->capacity = capacity;
}

bool
watcher_add(struct watcher *w, const char *path, struct tree *tree, uint32_t folder)
{
    pthread_mutex_lock(&w->mutex);
    int wd = inotify_add_watch(w->fd, path, EVENTS);
    if (wd >= 0) {
        make_room(w, (size_t)wd);
        struct interest *i = w->watched[wd];
        while (i != NULL && (i->tree != tree || i->folder != folder))
            i = i->next;
        if (i == NULL) {
            i = MEMORY_NEW(struct interest);
            *i = (struct interest){ tree, folder, w->watched[wd] };
            w->watched[wd] = i;
        }
    }
    pthread_mutex_unlock(&w->mutex);
    return wd >= 0;
}

static void
take_event(struct watcher *w, const struct inotify_event *e)
{
    if (e->mask & IN_Q_OVERFLOW) {
        for (size_t i = 0; i < w->capacity; i++)
            for (struct interest *n = w->watched[i]; n != NULL; n = n->next)
                tree_note_dirty(n->tree, TREE_NONE);
        return;
    }
    if (e->wd < 0 || (size_t)e->wd >= w->capacity)
        return;
    if (e->len > 0 && strncmp(e->name, TREE_OWN_PREFIX, strlen(TREE_OWN_PREFIX)) == 0)
        return;
    if (e->mask & IN_IGNORED) {
        drop_interests(w, (size_t)e->wd);
        return;
    }
    for (struct interest *n = w->watched[e->wd]; n != NULL; n = n->next)
        tree_note_dirty(n->tree, n->folder);
}

void
watcher_drain(struct watcher *w)
{
    char events[64 << 10] __attribute__((aligned(__alignof__(struct inotify_event))));
    pthread_mutex_lock(&w->mutex);
    for (ssize_t n; (n = read(w->fd, events, sizeof(events))) > 0;) {
        for (char *p = events; p < events + n;) {
            const struct inotify_event *e = (const struct inotify_event *)(void *)p;
            take_event(w, e);
            p += sizeof(*e) + e->len;
        }
    }
    pthread_mutex_unlock(&w->mutex);
}
