#ifndef LONGHAUL_TESTS_M365SIM_WATCHER_H
#define LONGHAUL_TESTS_M365SIM_WATCHER_H

/* One inotify instance for all trees: tells them which folders changed on disk. Any thread. */

#include <stdbool.h>
#include <stdint.h>

struct tree;
struct watcher;

/* NULL when the system gives none. */
struct watcher *watcher_open(void);
void watcher_free(struct watcher *w);

/* false when the folder cannot be watched. */
bool watcher_add(struct watcher *w, const char *path, struct tree *tree, uint32_t folder);
/* Hands what happened so far to the trees (tree_note_dirty). */
void watcher_drain(struct watcher *w);

#endif
