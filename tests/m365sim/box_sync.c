#include "common/base/clock.h"
#include "common/base/encoding.h"
#include "common/base/memory.h"
#include "tests/m365sim/box_internal.h"
#include "tests/m365sim/box_read.h"
#include "tests/m365sim/files.h"
#include "tests/m365sim/tree.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_BYTES 16

static json_t *
key_text(uint64_t key)
{
    return json_sprintf("%016llx", (unsigned long long)key);
}

static uint64_t
key_of(const json_t *text)
{
    const char *s = json_string_value(text);
    return s != NULL ? strtoull(s, NULL, 16) : 0;
}

/* What became of a node on disk; NULL when it is new. */
static json_t *
entry_of(const struct box *box, uint64_t disk_key, bool make)
{
    char name[17];
    snprintf(name, sizeof(name), "%016llx", (unsigned long long)disk_key);
    json_t *nodes = json_object_get(box->map, "nodes"), *entry = json_object_get(nodes, name);
    if (entry == NULL && make) {
        entry = json_object();
        json_object_set_new(nodes, name, entry);
    }
    return entry;
}

static void
forget(const struct box *box, uint64_t disk_key)
{
    char name[17];
    snprintf(name, sizeof(name), "%016llx", (unsigned long long)disk_key);
    json_object_del(json_object_get(box->map, "nodes"), name);
}

/* The live entity of that key. */
static uint32_t
find_live(const struct box *box, uint64_t key)
{
    uint32_t index = key != 0 ? tree_find_key(box->model, key) : TREE_NONE;
    const struct tree_node *n = tree_at(box->model, index);
    return n == NULL || (n->flags & TREE_DELETED) ? TREE_NONE : index;
}

/* Contact folders nest; calendars and lists do not: "A / B". The caller frees it. */
static char *
shown_name(const struct box *box, uint32_t disk)
{
    const struct tree_node *n = tree_at(box->disk, disk);
    const char *name = tree_name(box->disk, n);
    if (box->part == BOX_CONTACTS || n->parent == TREE_ROOT)
        return memory_strdup(name);
    CLEANUP(memory_free_p) char *above = shown_name(box, n->parent);
    return memory_printf("%s / %s", above, name);
}

static uint32_t
take_folder(struct box *box, uint32_t disk)
{
    const struct tree_node *n = tree_at(box->disk, disk);
    if (disk == TREE_ROOT)
        return box_default(box->model);
    CLEANUP(memory_free_p) char *name = shown_name(box, disk);
    uint32_t parent = box->part != BOX_CONTACTS || n->parent == TREE_ROOT ? TREE_ROOT : take_folder(box, n->parent);
    json_t *entry = entry_of(box, n->key, true);
    uint32_t index = find_live(box, key_of(json_object_get(entry, "folder")));
    if (index == TREE_NONE) {
        index = tree_find_child(box->model, parent, name);
        if (index == TREE_NONE || tree_at(box->model, index)->kind != TREE_FOLDER)
            index = tree_add(box->model, parent, TREE_FOLDER, name, TREE_MOVED);
        json_object_set_new(entry, "folder", key_text(tree_at(box->model, index)->key));
        json_object_set_new(entry, "name", json_string(name));
        return index;
    }
    /* A folder that the API renamed keeps its name until the disk's changes. */
    const char *had = json_string_value(json_object_get(entry, "name"));
    struct tree_node *m = tree_at(box->model, index);
    if (m->well_known != BOX_DEFAULT && (had == NULL || strcmp(had, name) != 0 || m->parent != parent)) {
        tree_move(box->model, index, parent, name, 0);
        json_object_set_new(entry, "name", json_string(name));
    }
    return index;
}

static void
hash_of(const json_t *entity, char out[2 * HASH_BYTES + 1])
{
    uint8_t h[32];
    char *text = json_dumps(entity, JSON_COMPACT | JSON_SORT_KEYS);
    EVP_Digest(text != NULL ? text : "", text != NULL ? strlen(text) : 0, h, NULL, EVP_sha256(), NULL);
    free(text);
    encoding_hex(h, HASH_BYTES, out);
}

static void
put_dates(json_t *entity, int64_t mtime_ns)
{
    static const char *const names[] = { "createdDateTime", "lastModifiedDateTime" };
    char when[CLOCK_TEXT_LEN];
    clock_format_ms(mtime_ns / 1000000, when);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (json_object_get(entity, names[i]) == NULL)
            json_object_set_new(entity, names[i], json_sprintf("%.19sZ", when));
}

/* The name of a node: "x", the key of its series and a number for an exception, else a number. */
static char *
label_of(const struct box *box, const json_t *items, const json_t *entity)
{
    const char *master = json_string_value(json_object_get(entity, "_series"));
    const json_t *item = master != NULL ? json_object_get(items, master) : NULL;
    unsigned long long number = tree_last_change(box->model);
    if (item == NULL)
        return memory_printf("%llx", number);
    return memory_printf("x%016llx.%llx", (unsigned long long)key_of(json_object_get(item, "key")), number);
}

/* One entity of a file: `items` is what the file held before. */
static void
take_entity(struct box *box, uint32_t folder, json_t *items, const char *name, json_t *entity, int64_t mtime_ns)
{
    char hash[2 * HASH_BYTES + 1];
    json_t *item = json_object_get(items, name);
    const char *had = json_string_value(json_object_get(item, "hash"));
    uint32_t index = find_live(box, key_of(json_object_get(item, "key")));
    hash_of(entity, hash);
    bool same = had != NULL && strcmp(had, hash) == 0;
    if (same && index == TREE_NONE)
        return; /* the API deleted it and the file did not change */
    if (index == TREE_NONE) {
        CLEANUP(memory_free_p) char *label = label_of(box, items, entity);
        index = tree_add(box->model, folder, TREE_ITEM, label, TREE_JSON | TREE_OVERLAY | TREE_MOVED | TREE_READ);
    }
    if (!same) {
        put_dates(entity, mtime_ns);
        if (box_write(box->model, index, entity, NULL) == 0)
            tree_touch(box->model, index, true);
    }
    const struct tree_node *n = tree_at(box->model, index);
    if (n->parent != folder) {
        CLEANUP(memory_free_p) char *label = memory_strdup(tree_name(box->model, n));
        tree_move(box->model, index, folder, label, 0);
    }
    json_object_set_new(items, name,
                        json_pack("{s:o,s:s}", "key", key_text(tree_at(box->model, index)->key), "hash", hash));
}

static void
drop_item(struct box *box, const json_t *item)
{
    uint32_t index = find_live(box, key_of(json_object_get(item, "key")));
    if (index != TREE_NONE)
        tree_delete(box->model, index);
}

static void
take_file(struct box *box, uint32_t disk)
{
    const struct tree_node *n = tree_at(box->disk, disk);
    json_t *entry = entry_of(box, n->key, true), *items = json_object_get(entry, "items"), *item, *entity;
    const char *name;
    void *next;
    size_t len;
    CLEANUP(memory_free_p) char *path = tree_path(box->disk, disk);
    CLEANUP(memory_free_p) char *data = files_read(path, BOX_FILE_LIMIT, &len, NULL);
    if (data == NULL)
        return;
    if (items == NULL) {
        items = json_object();
        json_object_set_new(entry, "items", items);
    }
    /* "name": entity; an own name per entity of the file, equal from one reading to the next. */
    json_t *found = box_read(box->part, tree_name(box->disk, n), data, len);
    uint32_t folder = take_folder(box, n->parent);
    json_object_foreach (found, name, entity)
        take_entity(box, folder, items, name, entity, n->mtime_ns);
    json_object_foreach_safe(items, next, name, item)
    {
        if (json_object_get(found, name) == NULL) {
            drop_item(box, item);
            json_object_del(items, name);
        }
    }
    json_decref(found);
}

static void
take_deletion(struct box *box, uint64_t disk_key)
{
    json_t *entry = entry_of(box, disk_key, false), *item;
    const char *name;
    uint32_t folder = find_live(box, key_of(json_object_get(entry, "folder")));
    json_object_foreach (json_object_get(entry, "items"), name, item)
        drop_item(box, item);
    if (folder != TREE_NONE && tree_at(box->model, folder)->well_known != BOX_DEFAULT)
        tree_delete(box->model, folder);
    forget(box, disk_key);
}

void
box_refresh(struct box *box)
{
    struct tree *disk = box->disk;
    tree_lock(disk);
    tree_refresh(disk);
    uint64_t since = (uint64_t)json_integer_value(json_object_get(box->map, "change"));
    uint32_t entry = tree_list_after(disk, TREE_NONE, since, TREE_NONE);
    bool changed = entry != TREE_NONE;
    for (; entry != TREE_NONE; entry = tree_list_next(disk, entry)) {
        const struct tree_node *n = tree_at(disk, entry);
        if (n->flags & TREE_DELETED)
            take_deletion(box, n->key);
        else if (n->kind == TREE_FOLDER)
            take_folder(box, entry);
        else if (box_reads(box->part, tree_name(disk, n)))
            take_file(box, entry);
    }
    if (changed) {
        json_object_set_new(box->map, "change", json_integer((json_int_t)tree_last_change(disk)));
        char *text = json_dumps(box->map, JSON_COMPACT);
        if (text != NULL)
            files_replace(box->map_path, text, strlen(text), NULL);
        free(text);
    }
    tree_unlock(disk);
}
