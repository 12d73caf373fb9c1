#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/m365sim/tree_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <string.h>

/* The file: MAGIC and incarnation, then one record per change, in order. A record torn by a crash ends the
 * reading and is overwritten. Little-endian machines only, as the whole simulator. */

#define MAGIC      0x314c4e4a4d495336u
#define NAME_LIMIT 4096u

struct record {
    uint64_t key, parent_key, inode, size, change, created;
    int64_t mtime_ns;
    uint32_t version, content;
    uint16_t flags, name_len;
    uint8_t kind, well_known;
    uint8_t unused[2];
};

void
tree_journal_note(struct tree *tree, const struct tree_node *node)
{
    if (tree->journal == NULL)
        return;
    const char *name = tree_name(tree, node);
    struct record r = { .key = node->key,
                        .parent_key = node->parent != TREE_NONE ? tree_at(tree, node->parent)->key : 0,
                        .inode = node->inode,
                        .size = node->size,
                        .change = node->change,
                        .created = node->created,
                        .mtime_ns = node->mtime_ns,
                        .version = node->version,
                        .content = node->content,
                        .flags = node->flags,
                        .name_len = (uint16_t)strlen(name),
                        .kind = node->kind,
                        .well_known = node->well_known };
    fwrite(&r, sizeof(r), 1, tree->journal);
    fwrite(name, 1, r.name_len, tree->journal);
}

static void
apply_place(struct tree *tree, uint32_t index, uint32_t parent, const char *name, bool linked, bool deleted)
{
    struct tree_node *n = tree_at(tree, index);
    if (linked)
        tree_unlink(tree, index);
    uint32_t text = n->parent != TREE_NONE && strcmp(tree_name(tree, n), name) == 0 ? n->name : tree_intern(tree, name);
    if (deleted) {
        n->parent = parent;
        n->name = text;
    } else {
        tree_link(tree, index, parent, text);
    }
}

static bool
apply(struct tree *tree, const struct record *r, const char *name)
{
    uint32_t parent = r->parent_key != 0 ? tree_find_key(tree, r->parent_key) : TREE_NONE;
    uint32_t index = r->kind == TREE_GHOST ? TREE_NONE : tree_find_key(tree, r->key);
    bool fresh = index == TREE_NONE;
    if (r->kind > TREE_GHOST || (parent == TREE_NONE && index != TREE_ROOT))
        return false;
    if (fresh)
        index = tree_new_node(tree, r->kind, r->key);
    struct tree_node *n = tree_at(tree, index);
    if (!fresh)
        tree_list_remove(tree, index);
    bool linked = !fresh && !(n->flags & TREE_DELETED);
    if (index == TREE_ROOT)
        n->parent = TREE_NONE;
    else if (r->kind == TREE_GHOST)
        n->parent = parent;
    else
        apply_place(tree, index, parent, name, linked, (r->flags & TREE_DELETED) != 0);
    if (r->kind != TREE_GHOST)
        tree_set_inode(tree, index, r->inode);
    n->size = r->size;
    n->change = r->change;
    n->created = r->created;
    n->mtime_ns = r->mtime_ns;
    n->version = r->version;
    n->content = r->content;
    n->flags = r->flags;
    n->well_known = r->well_known;
    tree->change = r->change;
    tree_list_append(tree, index);
    return true;
}

/* The length of the good part. */
static long
replay(struct tree *tree, FILE *in)
{
    struct record r;
    char *name = memory_new(NAME_LIMIT + 1);
    long good = ftell(in);
    while (fread(&r, sizeof(r), 1, in) == 1 && r.name_len <= NAME_LIMIT &&
           fread(name, 1, r.name_len, in) == r.name_len) {
        name[r.name_len] = '\0';
        if (!apply(tree, &r, name))
            break;
        good = ftell(in);
    }
    free(name);
    return good;
}

int
tree_journal_open(struct tree *tree, struct error *err)
{
    CLEANUP(memory_free_p) char *path = memory_printf("%s/journal", tree->state);
    uint64_t head[2];
    FILE *file = fopen(path, "r+e");
    if (file == NULL)
        file = fopen(path, "w+e");
    if (file == NULL)
        return FAIL(err, ERROR_IO, errno, "%s: %s", path, strerror(errno));
    long good = sizeof(head);
    if (fread(head, sizeof(head), 1, file) == 1 && head[0] == MAGIC) {
        tree->incarnation = head[1];
        good = replay(tree, file);
    } else {
        head[0] = MAGIC;
        clock_random(tree->clock, &head[1], sizeof(head[1]));
        tree->incarnation = head[1];
        rewind(file);
        fwrite(head, sizeof(head), 1, file);
        fflush(file);
    }
    if (ftruncate(fileno(file), good) != 0 || fseek(file, good, SEEK_SET) != 0) {
        fclose(file);
        return FAIL(err, ERROR_IO, errno, "%s: %s", path, strerror(errno));
    }
    tree->journal = file;
    return 0;
}
