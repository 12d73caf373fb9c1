#include "tests/m365sim/tree.h"

#include "common/base/clock.h"
#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/m365sim/files.h"
#include "tests/m365sim/tree_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <strings.h>

#define FIRST_TABLE 1024u

uint64_t
tree_mix(uint64_t a, uint64_t b)
{
    uint64_t x = a ^ (b + 0x9e3779b97f4a7c15u + (a << 6) + (a >> 2));
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

uint64_t
tree_hash_text(uint64_t seed, const char *text)
{
    uint64_t h = seed ^ 0xcbf29ce484222325u;
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++)
        h = (h ^ *p) * 0x100000001b3u;
    return tree_mix(h, seed);
}

struct tree_node *
tree_at(struct tree *tree, uint32_t index)
{
    return index == TREE_NONE || index >= tree->count ? NULL : &tree->chunks[index / TREE_CHUNK][index % TREE_CHUNK];
}

static const struct tree_node *
peek(const struct tree *tree, uint32_t index)
{
    return &tree->chunks[index / TREE_CHUNK][index % TREE_CHUNK];
}

const char *
tree_name(const struct tree *tree, const struct tree_node *node)
{
    return tree->names + node->name;
}

uint64_t
tree_hash(const struct tree *tree)
{
    return tree->hash;
}

uint64_t
tree_last_change(const struct tree *tree)
{
    return tree->change;
}

uint64_t
tree_incarnation(const struct tree *tree)
{
    return tree->incarnation;
}

const char *
tree_state_folder(const struct tree *tree)
{
    return tree->state;
}

/* --- tables ------------------------------------------------------------------------------------------- */

static uint32_t
key_slot(const struct tree *tree, uint64_t key)
{
    return (uint32_t)tree_mix(key, 1) & tree->mask;
}

static uint32_t
name_slot(const struct tree *tree, uint32_t parent, const char *name)
{
    uint64_t h = parent ^ 0xcbf29ce484222325u;
    for (const unsigned char *p = (const unsigned char *)name; *p != '\0'; p++)
        h = (h ^ (uint64_t)tolower(*p)) * 0x100000001b3u;
    return (uint32_t)tree_mix(h, parent) & tree->mask;
}

static void
chain_remove(struct tree *tree, uint32_t *head, uint32_t index, size_t field)
{
    for (uint32_t *at = head; *at != TREE_NONE;) {
        uint32_t *next = (uint32_t *)(void *)((char *)tree_at(tree, *at) + field);
        if (*at == index) {
            *at = *next;
            *next = TREE_NONE;
            return;
        }
        at = next;
    }
}

static void
chain_key(struct tree *tree, uint32_t index)
{
    struct tree_node *n = tree_at(tree, index);
    uint32_t *head = &tree->key_heads[key_slot(tree, n->key)];
    n->key_chain = *head;
    *head = index;
}

static void
chain_inode(struct tree *tree, uint32_t index)
{
    struct tree_node *n = tree_at(tree, index);
    uint32_t *head = &tree->inode_heads[key_slot(tree, n->inode)];
    n->inode_chain = *head;
    *head = index;
}

static void
chain_name(struct tree *tree, uint32_t index)
{
    struct tree_node *n = tree_at(tree, index);
    uint32_t *head = &tree->name_heads[name_slot(tree, n->parent, tree_name(tree, n))];
    n->name_chain = *head;
    *head = index;
}

static void
tables_grow(struct tree *tree)
{
    uint32_t size = tree->mask == 0 ? FIRST_TABLE : (tree->mask + 1) * 2;
    free(tree->key_heads);
    free(tree->inode_heads);
    free(tree->name_heads);
    tree->key_heads = memory_new(size * sizeof(uint32_t));
    tree->inode_heads = memory_new(size * sizeof(uint32_t));
    tree->name_heads = memory_new(size * sizeof(uint32_t));
    tree->mask = size - 1;
    for (uint32_t i = 1; i < tree->count; i++) {
        const struct tree_node *n = peek(tree, i);
        if (n->kind == TREE_GHOST)
            continue;
        chain_key(tree, i);
        if (n->inode != 0)
            chain_inode(tree, i);
        if (n->parent != TREE_NONE && !(n->flags & TREE_DELETED))
            chain_name(tree, i);
    }
}

uint32_t
tree_find_key(const struct tree *tree, uint64_t key)
{
    for (uint32_t i = tree->key_heads[key_slot(tree, key)]; i != TREE_NONE; i = peek(tree, i)->key_chain)
        if (peek(tree, i)->key == key)
            return i;
    return TREE_NONE;
}

/* Names that differ in case only share a slot. */
uint32_t
tree_find_child(const struct tree *tree, uint32_t parent, const char *name)
{
    uint32_t similar = TREE_NONE;
    for (uint32_t i = tree->name_heads[name_slot(tree, parent, name)]; i != TREE_NONE; i = peek(tree, i)->name_chain) {
        const struct tree_node *n = peek(tree, i);
        if (n->parent != parent)
            continue;
        if (strcmp(tree_name(tree, n), name) == 0)
            return i;
        if (strcasecmp(tree_name(tree, n), name) == 0)
            similar = i;
    }
    return similar;
}

uint32_t
tree_next_child(const struct tree *tree, uint32_t parent, uint32_t previous)
{
    return previous == TREE_NONE ? peek(tree, parent)->child : peek(tree, previous)->after;
}

/* The node at exactly this place is preferred; otherwise one that this scan has not met yet. */
uint32_t
tree_find_inode(struct tree *tree, uint64_t inode, uint32_t parent, const char *name)
{
    uint32_t found = TREE_NONE;
    for (uint32_t i = tree->inode_heads[key_slot(tree, inode)]; i != TREE_NONE; i = peek(tree, i)->inode_chain) {
        const struct tree_node *n = peek(tree, i);
        if (n->inode != inode)
            continue;
        if (n->parent == parent && strcmp(tree_name(tree, n), name) == 0)
            return i;
        if (n->epoch != tree->epoch)
            found = i;
    }
    return found;
}

uint64_t
tree_free_key(const struct tree *tree, uint64_t seed)
{
    uint64_t key = tree_mix(tree->hash, seed);
    while (key == 0 || tree_find_key(tree, key) != TREE_NONE)
        key = tree_mix(key, seed + 1);
    return key;
}

/* --- nodes -------------------------------------------------------------------------------------------- */

uint32_t
tree_new_node(struct tree *tree, enum tree_kind kind, uint64_t key)
{
    if (tree->count / TREE_CHUNK == tree->chunk_count) {
        struct tree_node **more = memory_new((tree->chunk_count + 1) * sizeof(*more));
        if (tree->chunk_count > 0)
            memcpy(more, tree->chunks, tree->chunk_count * sizeof(*more));
        free(tree->chunks);
        tree->chunks = more;
        tree->chunks[tree->chunk_count++] = memory_new(TREE_CHUNK * sizeof(struct tree_node));
        if (tree->count == 0)
            tree->count = 1;
    }
    uint32_t index = tree->count++;
    struct tree_node *n = tree_at(tree, index);
    n->kind = (uint8_t)kind;
    n->key = key;
    if (index > tree->mask)
        tables_grow(tree);
    else if (kind != TREE_GHOST)
        chain_key(tree, index);
    return index;
}

uint32_t
tree_intern(struct tree *tree, const char *name)
{
    size_t len = strlen(name) + 1;
    if (tree->names_len + len > tree->names_capacity) {
        size_t capacity = ((size_t)tree->names_len + len) * 3 / 2 + 4096;
        char *more = memory_new(capacity);
        if (tree->names_len > 0)
            memcpy(more, tree->names, tree->names_len);
        free(tree->names);
        tree->names = more;
        tree->names_capacity = (uint32_t)capacity;
    }
    uint32_t at = tree->names_len;
    memcpy(tree->names + at, name, len);
    tree->names_len += (uint32_t)len;
    return at;
}

void
tree_link(struct tree *tree, uint32_t index, uint32_t parent, uint32_t name)
{
    struct tree_node *n = tree_at(tree, index), *p = tree_at(tree, parent);
    n->parent = parent;
    n->name = name;
    n->before = TREE_NONE;
    n->after = p->child;
    if (p->child != TREE_NONE)
        tree_at(tree, p->child)->before = index;
    p->child = index;
    chain_name(tree, index);
}

void
tree_unlink(struct tree *tree, uint32_t index)
{
    struct tree_node *n = tree_at(tree, index);
    chain_remove(tree, &tree->name_heads[name_slot(tree, n->parent, tree_name(tree, n))], index,
                 offsetof(struct tree_node, name_chain));
    if (n->before != TREE_NONE)
        tree_at(tree, n->before)->after = n->after;
    else
        tree_at(tree, n->parent)->child = n->after;
    if (n->after != TREE_NONE)
        tree_at(tree, n->after)->before = n->before;
    n->before = n->after = TREE_NONE;
}

void
tree_set_inode(struct tree *tree, uint32_t index, uint64_t inode)
{
    struct tree_node *n = tree_at(tree, index);
    if (n->inode != 0)
        chain_remove(tree, &tree->inode_heads[key_slot(tree, n->inode)], index,
                     offsetof(struct tree_node, inode_chain));
    n->inode = inode;
    if (inode != 0)
        chain_inode(tree, index);
}

/* --- change lists ------------------------------------------------------------------------------------- */

static void
list_ends(struct tree *tree, uint32_t index, uint32_t **head, uint32_t **tail)
{
    const struct tree_node *n = tree_at(tree, index);
    struct tree_node *folder = tree->list_per_folder && n->kind != TREE_FOLDER ? tree_at(tree, n->parent) : NULL;
    *head = folder != NULL ? &folder->list_head : &tree->list_head;
    *tail = folder != NULL ? &folder->list_tail : &tree->list_tail;
}

void
tree_list_append(struct tree *tree, uint32_t index)
{
    struct tree_node *n = tree_at(tree, index);
    uint32_t *head, *tail;
    list_ends(tree, index, &head, &tail);
    n->list_before = *tail;
    n->list_after = TREE_NONE;
    if (*tail != TREE_NONE)
        tree_at(tree, *tail)->list_after = index;
    else
        *head = index;
    *tail = index;
}

void
tree_list_remove(struct tree *tree, uint32_t index)
{
    struct tree_node *n = tree_at(tree, index);
    uint32_t *head, *tail;
    list_ends(tree, index, &head, &tail);
    if (n->list_before == TREE_NONE && *head != index)
        return;
    if (n->list_before != TREE_NONE)
        tree_at(tree, n->list_before)->list_after = n->list_after;
    else
        *head = n->list_after;
    if (n->list_after != TREE_NONE)
        tree_at(tree, n->list_after)->list_before = n->list_before;
    else
        *tail = n->list_before;
    n->list_before = n->list_after = TREE_NONE;
}

uint32_t
tree_list_after(const struct tree *tree, uint32_t folder, uint64_t since, uint32_t hint)
{
    uint32_t head = folder != TREE_NONE ? peek(tree, folder)->list_head : tree->list_head;
    uint32_t tail = folder != TREE_NONE ? peek(tree, folder)->list_tail : tree->list_tail;
    if (since == 0)
        return head;
    if (hint != TREE_NONE && hint < tree->count && peek(tree, hint)->change == since)
        return peek(tree, hint)->list_after;
    uint32_t first = TREE_NONE;
    for (uint32_t i = tail; i != TREE_NONE && peek(tree, i)->change > since; i = peek(tree, i)->list_before)
        first = i;
    return first;
}

uint32_t
tree_list_next(const struct tree *tree, uint32_t entry)
{
    return peek(tree, entry)->list_after;
}

/* --- changes ------------------------------------------------------------------------------------------ */

void
tree_touch(struct tree *tree, uint32_t index, bool content)
{
    struct tree_node *n = tree_at(tree, index);
    tree_list_remove(tree, index);
    n->change = ++tree->change;
    if (n->created == 0)
        n->created = n->change;
    n->version++;
    if (content)
        n->content++;
    tree_list_append(tree, index);
    tree_journal_note(tree, n);
}

uint32_t
tree_add(struct tree *tree, uint32_t parent, enum tree_kind kind, const char *name, unsigned flags)
{
    uint64_t seed;
    clock_random(tree->clock, &seed, sizeof(seed));
    uint32_t index = tree_new_node(tree, kind, tree_free_key(tree, seed));
    tree_at(tree, index)->flags = (uint16_t)(flags | TREE_STATE);
    tree_at(tree, index)->mtime_ns = clock_wall_ms(tree->clock) * 1000000;
    tree_link(tree, index, parent, tree_intern(tree, name));
    tree_touch(tree, index, true);
    return index;
}

static void
leave_ghost(struct tree *tree, uint32_t index)
{
    uint32_t ghost = tree_new_node(tree, TREE_GHOST, tree_at(tree, index)->key);
    tree_at(tree, ghost)->parent = tree_at(tree, index)->parent;
    tree_at(tree, ghost)->flags = TREE_DELETED;
    tree_touch(tree, ghost, false);
}

void
tree_move(struct tree *tree, uint32_t index, uint32_t parent, const char *name, unsigned add_flags)
{
    struct tree_node *n = tree_at(tree, index);
    tree_list_remove(tree, index);
    if (tree->list_per_folder && n->kind == TREE_ITEM && parent != n->parent && !(n->flags & TREE_DELETED))
        leave_ghost(tree, index);
    if (!(n->flags & TREE_DELETED))
        tree_unlink(tree, index);
    n->flags = (uint16_t)((n->flags | add_flags) & ~(unsigned)TREE_DELETED);
    uint32_t text = strcmp(tree_name(tree, n), name) == 0 ? n->name : tree_intern(tree, name);
    tree_link(tree, index, parent, text);
    tree_touch(tree, index, false);
}

void
tree_delete(struct tree *tree, uint32_t index)
{
    struct tree_node *n = tree_at(tree, index);
    while (n->child != TREE_NONE)
        tree_delete(tree, n->child);
    tree_unlink(tree, index);
    n->flags |= TREE_DELETED;
    tree_touch(tree, index, false);
}

/* --- paths -------------------------------------------------------------------------------------------- */

char *
tree_path(const struct tree *tree, uint32_t index)
{
    size_t len = strlen(tree->root) + 1;
    for (uint32_t i = index; i != TREE_ROOT && i != TREE_NONE; i = peek(tree, i)->parent)
        len += strlen(tree_name(tree, peek(tree, i))) + 1;
    char *path = memory_new(len);
    size_t at = len - 1;
    for (uint32_t i = index; i != TREE_ROOT && i != TREE_NONE; i = peek(tree, i)->parent) {
        const char *name = tree_name(tree, peek(tree, i));
        at -= strlen(name);
        memcpy(path + at, name, strlen(name));
        path[--at] = '/';
    }
    memcpy(path, tree->root, at);
    return path;
}

char *
tree_state_path(const struct tree *tree, uint64_t key, const char *suffix)
{
    char hex[17];
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(key >> (56 - 8 * i));
    encoding_hex(bytes, sizeof(bytes), hex);
    return memory_printf("%s/%.2s/%s.%s", tree->state, hex, hex, suffix);
}

/* --- life --------------------------------------------------------------------------------------------- */

struct tree *
tree_open(const struct tree_setup *setup, const struct clock *clock, struct error *err)
{
    struct tree *tree = MEMORY_NEW(struct tree);
    pthread_mutex_init(&tree->mutex, NULL);
    pthread_mutex_init(&tree->dirty_mutex, NULL);
    tree->clock = clock;
    tree->watcher = setup->watcher;
    tree->blind = setup->watcher == NULL || access(setup->root, R_OK) != 0;
    char *absolute = realpath(setup->root, NULL);
    tree->root = memory_strdup(absolute != NULL ? absolute : setup->root);
    free(absolute);
    tree->state = memory_strdup(setup->state);
    tree->hash = tree_hash_text(0, setup->name);
    tree->list_per_folder = setup->list_per_folder;
    tree->flags = setup->flags;
    tree->flags_ctx = setup->flags_ctx;
    tables_grow(tree);
    tree_new_node(tree, TREE_FOLDER, tree_mix(tree->hash, 0));
    tree_at(tree, TREE_ROOT)->name = tree_intern(tree, "root");
    for (int i = 0; i < 256; i++) {
        CLEANUP(memory_free_p) char *folder = memory_printf("%s/%02x", setup->state, (unsigned)i);
        if (files_make_folder(folder, err) != 0) {
            tree_free(tree);
            return NULL;
        }
    }
    if (tree_journal_open(tree, err) != 0) {
        tree_free(tree);
        return NULL;
    }
    tree_scan_all(tree);
    fflush(tree->journal);
    return tree;
}

void
tree_free(struct tree *tree)
{
    if (tree == NULL)
        return;
    if (tree->journal != NULL)
        fclose(tree->journal);
    for (uint32_t i = 0; i < tree->chunk_count; i++)
        free(tree->chunks[i]);
    free(tree->chunks);
    free(tree->names);
    free(tree->key_heads);
    free(tree->inode_heads);
    free(tree->name_heads);
    free(tree->dirty);
    free(tree->root);
    free(tree->state);
    pthread_mutex_destroy(&tree->mutex);
    pthread_mutex_destroy(&tree->dirty_mutex);
    free(tree);
}

void
tree_lock(struct tree *tree)
{
    pthread_mutex_lock(&tree->mutex);
}

void
tree_unlock(struct tree *tree)
{
    fflush(tree->journal);
    pthread_mutex_unlock(&tree->mutex);
}
