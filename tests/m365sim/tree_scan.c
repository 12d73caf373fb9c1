#include "common/base/log.h"
#include "common/base/memory.h"
#include "tests/m365sim/tree_internal.h"
#include "tests/m365sim/watcher.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <utf8proc.h>

/* An entry whose name is taken by a node with another inode: decided after the walk, when it is known
 * whether that node turned up elsewhere. */
struct pending {
    uint32_t parent;
    char *name;
    struct statx sx;
};

struct scan {
    struct tree *tree;
    bool all;          /* go into known folders too */
    uint32_t *folders; /* found, to be read; those before `next` have been */
    size_t count, capacity, next;
    struct pending *pending;
    size_t pending_count, pending_capacity;
};

uint64_t
tree_inode_of(const struct tree *tree, const struct statx *sx)
{
    uint64_t device = (uint64_t)sx->stx_dev_major << 32 | sx->stx_dev_minor;
    uint64_t born =
        (sx->stx_mask & STATX_BTIME) ? (uint64_t)sx->stx_btime.tv_sec * 1000000000u + sx->stx_btime.tv_nsec : 0;
    uint64_t hash = tree_mix(tree_mix(tree_mix(tree->hash, device), sx->stx_ino), born);
    return hash != 0 ? hash : 1;
}

static int64_t
mtime_of(const struct statx *sx)
{
    return sx->stx_mtime.tv_sec * 1000000000 + sx->stx_mtime.tv_nsec;
}

static bool
valid_utf8(const char *name)
{
    utf8proc_int32_t c;
    for (const utf8proc_uint8_t *p = (const utf8proc_uint8_t *)name; *p != 0;) {
        utf8proc_ssize_t n = utf8proc_iterate(p, -1, &c);
        if (n <= 0)
            return false;
        p += n;
    }
    return true;
}

static void
push_folder(struct scan *s, uint32_t index)
{
    if (s->count == s->capacity) {
        s->capacity = s->capacity * 2 + 64;
        uint32_t *more = memory_new(s->capacity * sizeof(*more));
        if (s->count > 0)
            memcpy(more, s->folders, s->count * sizeof(*more));
        free(s->folders);
        s->folders = more;
    }
    s->folders[s->count++] = index;
}

static void
push_pending(struct scan *s, uint32_t parent, const char *name, const struct statx *sx)
{
    if (s->pending_count == s->pending_capacity) {
        s->pending_capacity = s->pending_capacity * 2 + 64;
        struct pending *more = memory_new(s->pending_capacity * sizeof(*more));
        if (s->pending_count > 0)
            memcpy(more, s->pending, s->pending_count * sizeof(*more));
        free(s->pending);
        s->pending = more;
    }
    s->pending[s->pending_count++] = (struct pending){ parent, memory_strdup(name), *sx };
}

/* Size and time as found; true when they differ from what is known. */
static bool
take_stat(struct tree_node *n, const struct statx *sx)
{
    int64_t mtime = mtime_of(sx);
    uint64_t size = S_ISDIR(sx->stx_mode) ? 0 : sx->stx_size;
    bool differs = n->size != size || (n->mtime_ns != mtime && !S_ISDIR(sx->stx_mode));
    n->size = size;
    n->mtime_ns = mtime;
    return differs;
}

static uint32_t
add_found(struct tree *tree, uint32_t parent, const char *name, const struct statx *sx)
{
    uint64_t inode = tree_inode_of(tree, sx);
    enum tree_kind kind = S_ISDIR(sx->stx_mode) ? TREE_FOLDER : TREE_ITEM;
    uint32_t index = tree_new_node(tree, kind, tree_free_key(tree, inode));
    struct tree_node *n = tree_at(tree, index);
    tree_link(tree, index, parent, tree_intern(tree, name));
    tree_set_inode(tree, index, inode);
    take_stat(n, sx);
    n->epoch = tree->epoch;
    if (tree->flags != NULL && kind == TREE_ITEM) {
        CLEANUP(memory_free_p) char *path = tree_path(tree, index);
        n->flags |= (uint16_t)tree->flags(tree->flags_ctx, path + strlen(tree->root) + 1);
    }
    tree_touch(tree, index, true);
    return index;
}

/* Another file at a known name. */
static void
take_replacement(struct tree *tree, uint32_t index, const struct statx *sx)
{
    struct tree_node *n = tree_at(tree, index);
    tree_set_inode(tree, index, tree_inode_of(tree, sx));
    n->flags &= (uint16_t)~TREE_STATE;
    n->epoch = tree->epoch;
    take_stat(n, sx);
    tree_touch(tree, index, true);
}

static void
take_known(struct scan *s, uint32_t index, uint32_t parent, const char *name, const struct statx *sx)
{
    struct tree *tree = s->tree;
    struct tree_node *n = tree_at(tree, index);
    bool met = n->epoch == tree->epoch;
    n->epoch = tree->epoch;
    if (n->flags & TREE_MOVED)
        return;
    bool differs = take_stat(n, sx);
    bool revived = (n->flags & TREE_DELETED) != 0;
    if (revived || n->parent != parent || strcmp(tree_name(tree, n), name) != 0)
        tree_move(tree, index, parent, name, 0);
    if (differs)
        tree_touch(tree, index, true);
    if (n->kind == TREE_FOLDER && !met && (s->all || revived))
        push_folder(s, index);
}

static void
take_entry(struct scan *s, uint32_t parent, const char *name, const struct statx *sx)
{
    struct tree *tree = s->tree;
    bool folder = S_ISDIR(sx->stx_mode);
    uint32_t known = tree_find_inode(tree, tree_inode_of(tree, sx), parent, name);
    if (known != TREE_NONE && (tree_at(tree, known)->kind == TREE_FOLDER) == folder) {
        take_known(s, known, parent, name, sx);
        return;
    }
    uint32_t same = tree_find_child(tree, parent, name);
    if (same != TREE_NONE && strcmp(tree_name(tree, tree_at(tree, same)), name) != 0)
        same = TREE_NONE;
    if (same != TREE_NONE && !folder && tree_at(tree, same)->kind == TREE_ITEM) {
        push_pending(s, parent, name, sx);
        return;
    }
    if (same != TREE_NONE && folder && tree_at(tree, same)->kind == TREE_FOLDER)
        take_replacement(tree, same, sx);
    else
        same = add_found(tree, parent, name, sx);
    if (folder)
        push_folder(s, same);
}

/* A folder that is its own ancestor through a symbolic link is not entered. */
static bool
is_loop(struct tree *tree, uint32_t parent, const struct statx *sx)
{
    uint64_t inode = tree_inode_of(tree, sx);
    for (uint32_t i = parent; i != TREE_NONE; i = tree_at(tree, i)->parent)
        if (tree_at(tree, i)->inode == inode)
            return true;
    return false;
}

static void
read_folder(struct scan *s, uint32_t index)
{
    struct tree *tree = s->tree;
    CLEANUP(memory_free_p) char *path = tree_path(tree, index);
    struct statx sx;
    DIR *dir = opendir(path);
    if (dir == NULL)
        return;
    /* The watch comes before the reading: what changes meanwhile is seen by the next one. */
    if (!tree->blind && !watcher_add(tree->watcher, path, tree, index)) {
        log_warn("m365sim", "a folder cannot be watched (fs.inotify.max_user_watches): walking the disk instead");
        tree->blind = true;
    }
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            strncmp(e->d_name, TREE_OWN_PREFIX, strlen(TREE_OWN_PREFIX)) == 0 || !valid_utf8(e->d_name))
            continue;
        if (statx(dirfd(dir), e->d_name, 0, STATX_BASIC_STATS | STATX_BTIME, &sx) != 0)
            continue;
        if (S_ISREG(sx.stx_mode) || (S_ISDIR(sx.stx_mode) && !is_loop(tree, index, &sx)))
            take_entry(s, index, e->d_name, &sx);
    }
    closedir(dir);
}

static void
settle_pending(struct scan *s)
{
    struct tree *tree = s->tree;
    for (size_t i = 0; i < s->pending_count; i++) {
        struct pending *p = &s->pending[i];
        uint32_t same = tree_find_child(tree, p->parent, p->name);
        if (same != TREE_NONE && tree_at(tree, same)->epoch != tree->epoch && tree_at(tree, same)->kind == TREE_ITEM)
            take_replacement(tree, same, &p->sx);
        else
            add_found(tree, p->parent, p->name, &p->sx);
        free(p->name);
    }
    free(s->pending);
}

static void
sweep(struct scan *s)
{
    struct tree *tree = s->tree;
    for (size_t i = 0; i < s->count; i++) {
        if (tree_at(tree, s->folders[i])->flags & TREE_DELETED)
            continue;
        for (uint32_t child = tree_at(tree, s->folders[i])->child, next; child != TREE_NONE; child = next) {
            const struct tree_node *n = tree_at(tree, child);
            next = n->after;
            if (n->epoch != tree->epoch && !(n->flags & (TREE_STATE | TREE_MOVED)))
                tree_delete(tree, child);
        }
    }
    free(s->folders);
}

static void
run(struct scan *s)
{
    for (; s->next < s->count; s->next++) {
        const struct tree_node *n = tree_at(s->tree, s->folders[s->next]);
        if (!(n->flags & (TREE_DELETED | TREE_MOVED)))
            read_folder(s, s->folders[s->next]);
    }
    settle_pending(s);
    sweep(s);
}

static void
take_root(struct tree *tree)
{
    struct statx sx;
    struct tree_node *root = tree_at(tree, TREE_ROOT);
    if (statx(AT_FDCWD, tree->root, 0, STATX_BASIC_STATS | STATX_BTIME, &sx) != 0)
        return;
    root->mtime_ns = mtime_of(&sx);
    if (root->inode != tree_inode_of(tree, &sx))
        tree_set_inode(tree, TREE_ROOT, tree_inode_of(tree, &sx));
    if (root->created == 0)
        tree_touch(tree, TREE_ROOT, false);
}

void
tree_scan_all(struct tree *tree)
{
    struct scan s = { .tree = tree, .all = true };
    tree->epoch++;
    take_root(tree);
    push_folder(&s, TREE_ROOT);
    run(&s);
}

void
tree_scan_dirty(struct tree *tree, const uint32_t *folders, size_t count)
{
    struct scan s = { .tree = tree };
    tree->epoch++;
    for (size_t i = 0; i < count; i++) {
        bool twice = false;
        for (size_t k = 0; k < s.count && !twice; k++)
            twice = s.folders[k] == folders[i];
        if (!twice)
            push_folder(&s, folders[i]);
    }
    run(&s);
}

void
tree_note_dirty(struct tree *tree, uint32_t folder)
{
    pthread_mutex_lock(&tree->dirty_mutex);
    if (folder == TREE_NONE) {
        tree->rescan = true;
    } else if (tree->dirty_count == 0 || tree->dirty[tree->dirty_count - 1] != folder) {
        if (tree->dirty_count == tree->dirty_capacity) {
            tree->dirty_capacity = tree->dirty_capacity * 2 + 64;
            uint32_t *more = memory_new(tree->dirty_capacity * sizeof(*more));
            if (tree->dirty_count > 0)
                memcpy(more, tree->dirty, tree->dirty_count * sizeof(*more));
            free(tree->dirty);
            tree->dirty = more;
        }
        tree->dirty[tree->dirty_count++] = folder;
    }
    pthread_mutex_unlock(&tree->dirty_mutex);
}

void
tree_refresh(struct tree *tree)
{
    if (tree->watcher != NULL)
        watcher_drain(tree->watcher);
    pthread_mutex_lock(&tree->dirty_mutex);
    uint32_t *dirty = tree->dirty;
    size_t count = tree->dirty_count;
    bool all = tree->rescan || tree->blind;
    tree->dirty = NULL;
    tree->dirty_count = tree->dirty_capacity = 0;
    tree->rescan = false;
    pthread_mutex_unlock(&tree->dirty_mutex);
    if (all)
        tree_scan_all(tree);
    else if (count > 0)
        tree_scan_dirty(tree, dirty, count);
    free(dirty);
}

uint32_t
tree_adopt(struct tree *tree, uint32_t parent, const char *name)
{
    CLEANUP(memory_free_p) char *folder = tree_path(tree, parent);
    CLEANUP(memory_free_p) char *path = memory_printf("%s/%s", folder, name);
    struct statx sx;
    if (statx(AT_FDCWD, path, 0, STATX_BASIC_STATS | STATX_BTIME, &sx) != 0)
        return TREE_NONE;
    uint32_t index = tree_find_child(tree, parent, name);
    if (index != TREE_NONE) {
        take_replacement(tree, index, &sx);
        return index;
    }
    index = add_found(tree, parent, name, &sx);
    if (S_ISDIR(sx.stx_mode) && !tree->blind && !watcher_add(tree->watcher, path, tree, index))
        tree->blind = true;
    return index;
}
