#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/catalog_item.h"
#include "common/vault/tree.h"
#include "common/vault/vault_damage.h"
#include "common/vault/vault_verify_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

/* What is damaged is told once, with all points that it is damaged in. Above this many, once for each point. */
#define TOLD_MAX    16384
#define WORDS_MAX   2048
#define MARK_BEFORE "pack "

struct told {
    enum vault_damaged what;
    size_t first; /* point */
    uint32_t *points;
    size_t point_count, point_room;
    struct error cause;
    UT_hash_handle hh;
    size_t key_len;
    uint8_t key[]; /* what, scope with its NUL, item */
};

struct verify_told {
    struct told *all;
    bool *damaged_points;
};

const char *
vault_damaged_name(enum vault_damaged what)
{
    static const char *const names[] = {
        [VAULT_DAMAGED_POINT] = "point",         [VAULT_DAMAGED_CATALOG] = "catalog",
        [VAULT_DAMAGED_LISTING] = "listing",     [VAULT_DAMAGED_RECORD] = "record",
        [VAULT_DAMAGED_CONTENT] = "content",     [VAULT_DAMAGED_METADATA] = "metadata",
        [VAULT_DAMAGED_CURSOR] = "cursor",       [VAULT_DAMAGED_OUTCOMES] = "outcomes",
        [VAULT_DAMAGED_DIRECTORY] = "directory", [VAULT_DAMAGED_INDEX] = "index",
    };
    return names[what];
}

const char *
vault_newest_name(enum vault_newest newest)
{
    static const char *const names[] = {
        [VAULT_NEWEST_UNKNOWN] = "unknown",
        [VAULT_NEWEST_GONE] = "without it",
        [VAULT_NEWEST_OTHER] = "whole in another version",
        [VAULT_NEWEST_DAMAGED] = "damaged too",
    };
    return names[newest];
}

struct verify_told *
verify_told_new(void)
{
    return MEMORY_NEW(struct verify_told);
}

static void
told_free(struct told *told)
{
    free(told->points);
    free(told);
}

void
verify_told_free(struct verify_told *told)
{
    if (told == NULL)
        return;
    struct told *one = told->all;
    HASH_CLEAR(hh, told->all);
    while (one != NULL) {
        struct told *next = one->hh.next;
        told_free(one);
        one = next;
    }
    free(told->damaged_points);
    free(told);
}

/* "this recovery point", with its name when there is one only. */
static void
name_points(const struct vault_damage *damage, char out[80])
{
    if (damage->point_count == 1)
        snprintf(out, 80, "recovery point %s", damage->points[0]);
    else
        snprintf(out, 80, "%zu recovery points", damage->point_count);
}

static const char *
newest_words(enum vault_newest newest)
{
    switch (newest) {
    case VAULT_NEWEST_GONE:
        return " The newest recovery point of the object does not have the item any more.";
    case VAULT_NEWEST_OTHER:
        return " The newest recovery point of the object has another version of it, which is whole.";
    case VAULT_NEWEST_DAMAGED:
        return " The newest recovery point of the object is one of them.";
    case VAULT_NEWEST_UNKNOWN:
        break;
    }
    return "";
}

static void
say_meaning(const struct vault_damage *damage, char out[WORDS_MAX])
{
    char points[80];
    const char *cause = damage->cause->text, *newest = newest_words(damage->newest);
    name_points(damage, points);
    switch (damage->what) {
    case VAULT_DAMAGED_POINT:
        snprintf(out, WORDS_MAX, "Nothing can be restored from %s: %s.", points, cause);
        return;
    case VAULT_DAMAGED_CATALOG:
        snprintf(out, WORDS_MAX, "Items of %s can be neither found nor restored: %s.", points, cause);
        return;
    case VAULT_DAMAGED_LISTING:
        snprintf(out, WORDS_MAX, "Folders of %s cannot be browsed: %s.", points, cause);
        return;
    case VAULT_DAMAGED_RECORD:
    case VAULT_DAMAGED_CONTENT:
        snprintf(out, WORDS_MAX, "Restoring this item from %s will fail: %s.%s", points, cause, newest);
        return;
    case VAULT_DAMAGED_METADATA:
        snprintf(out, WORDS_MAX, "Restoring this item from %s will fail for want of its properties: %s.%s", points,
                 cause, newest);
        return;
    case VAULT_DAMAGED_CURSOR:
        snprintf(out, WORDS_MAX, "No backup can go on from %s: %s.", points, cause);
        return;
    case VAULT_DAMAGED_OUTCOMES:
        snprintf(out, WORDS_MAX, "It cannot be told which items were left out of %s, and why: %s.", points, cause);
        return;
    case VAULT_DAMAGED_DIRECTORY:
        snprintf(out, WORDS_MAX, "What a pack holds can be read only as long as the vault's index lasts: %s.", cause);
        return;
    case VAULT_DAMAGED_INDEX:
        snprintf(out, WORDS_MAX, "Data may be looked for in the wrong place: %s.", cause);
        return;
    }
}

static const char *
advice_for(const struct vault_damage *damage)
{
    switch (damage->what) {
    case VAULT_DAMAGED_POINT:
    case VAULT_DAMAGED_CATALOG:
    case VAULT_DAMAGED_LISTING:
        return "Heal the vault from a copy (`longhaul-transporter vault heal`), or restore from another recovery "
               "point. If it is "
               "the "
               "newest one, `longhaul run start JOB --full` begins anew.";
    case VAULT_DAMAGED_RECORD:
    case VAULT_DAMAGED_CONTENT:
    case VAULT_DAMAGED_METADATA:
        return damage->newest == VAULT_NEWEST_DAMAGED ? "The next backup fetches the item again if Microsoft 365 still "
                                                        "has it as it was; else heal the vault "
                                                        "from a copy (`longhaul-transporter vault heal`)."
                                                      : "Restore the item from another recovery point, or heal the "
                                                        "vault from a copy (`longhaul-transporter vault heal`).";
    case VAULT_DAMAGED_CURSOR:
        return "Run the next backup with --full, or heal the vault from a copy (`longhaul-transporter vault heal`).";
    case VAULT_DAMAGED_OUTCOMES:
        return "Heal the vault from a copy (`longhaul-transporter vault heal`); the next backup tells anew what it "
               "leaves out.";
    case VAULT_DAMAGED_DIRECTORY:
        return "Heal the vault (`longhaul-transporter vault heal`): what the pack holds is stored anew while it can be "
               "read. Find "
               "out "
               "who or what changed the pack.";
    case VAULT_DAMAGED_INDEX:
        return "Make the index anew: `longhaul vault rebuild-index`.";
    }
    return "";
}

/* Readers begin their errors with the pack. */
static void
find_pack(const char *text, char pack[PACK_NAME_LEN])
{
    uint8_t name[PACK_NAME_BYTES];
    pack[0] = '\0';
    for (const char *at = strstr(text, MARK_BEFORE); at != NULL; at = strstr(at + 1, MARK_BEFORE)) {
        snprintf(pack, PACK_NAME_LEN, "%s", at + strlen(MARK_BEFORE));
        if (pack_name_parse(pack, name) == 0)
            return;
        pack[0] = '\0';
    }
}

static int
tell(struct verify *v, struct vault_damage *damage, struct error *err)
{
    char meaning[WORDS_MAX];
    find_pack(damage->cause->text, damage->pack);
    say_meaning(damage, meaning);
    damage->meaning = meaning;
    damage->advice = advice_for(damage);
    v->result->damaged++;
    v->result->damaged_items += damage->item.len > 0;
    int result = v->options->damage == NULL ? 0 : v->options->damage(v->options->ctx, damage, err);
    damage->meaning = NULL;
    return result;
}

int
verify_tell_pack(struct verify *v, enum vault_damaged what, const char *pack, const struct error *cause,
                 struct error *err)
{
    struct error named = *cause;
    struct vault_damage damage = { .what = what, .cause = &named };
    if (strstr(named.text, pack) == NULL)
        error_wrap(&named, "pack %s", pack);
    return tell(v, &damage, err);
}

/* What the newest point of this object that can be read has of the item. */
static int
ask_newest(struct verify *v, const struct told *told, struct catalog_key item, enum vault_newest *newest,
           struct error *err)
{
    const struct verify_point *best = NULL;
    const char *scope = v->points[told->first].scope;
    for (size_t i = 0; i < v->point_count; i++)
        if (v->points[i].readable && strcmp(v->points[i].scope, scope) == 0 &&
            (best == NULL || v->points[i].created_ms >= best->created_ms))
            best = &v->points[i];
    *newest = VAULT_NEWEST_UNKNOWN;
    if (best == NULL)
        return 0;
    for (size_t i = 0; i < told->point_count; i++)
        if (&v->points[told->points[i]] == best) {
            *newest = VAULT_NEWEST_DAMAGED;
            return 0;
        }
    struct error failure = ERROR_INIT;
    struct tree_cursor cursor = { 0 };
    struct tree_bytes key = { item.bytes, item.len };
    tree_cursor_open(&cursor, v->reader, &best->catalog.items);
    int failed = tree_cursor_seek(&cursor, key, &failure);
    const struct tree_entry *entry = failed == 0 ? tree_cursor_entry(&cursor) : NULL;
    if (failed == 0)
        *newest = entry != NULL && tree_bytes_compare(entry->key, key) == 0 ? VAULT_NEWEST_OTHER : VAULT_NEWEST_GONE;
    tree_cursor_clear(&cursor);
    if (failed == 0 || vault_damage_is(&failure))
        return 0;
    if (err != NULL)
        *err = failure;
    return -1;
}

static int
compare_points(const void *a, const void *b, void *ctx)
{
    const struct verify *v = ctx;
    int64_t x = v->points[*(const uint32_t *)a].created_ms, y = v->points[*(const uint32_t *)b].created_ms;
    return x < y ? -1 : x > y;
}

static int
tell_one(struct verify *v, struct told *told, struct error *err)
{
    size_t scope_len = strlen((const char *)told->key + 1) + 1;
    struct vault_damage damage = { .what = told->what,
                                   .cause = &told->cause,
                                   .item = { told->key + 1 + scope_len, told->key_len - 1 - scope_len } };
    CLEANUP(memory_free_p) char(*points)[IDENTIFIER_LEN] = memory_new(told->point_count * sizeof(*points));
    qsort_r(told->points, told->point_count, sizeof(told->points[0]), compare_points, v);
    for (size_t i = 0; i < told->point_count; i++)
        memcpy(points[i], v->points[told->points[i]].id, IDENTIFIER_LEN);
    damage.points = (const char(*)[IDENTIFIER_LEN])points;
    damage.point_count = told->point_count;
    memcpy(damage.scope, v->points[told->first].scope, sizeof(damage.scope));
    if (damage.item.len > 0 && ask_newest(v, told, damage.item, &damage.newest, err) != 0)
        return -1;
    return tell(v, &damage, err);
}

int
verify_tell_all(struct verify *v, struct error *err)
{
    struct told *told, *next;
    HASH_ITER (hh, v->told->all, told, next) {
        if (tell_one(v, told, err) != 0)
            return -1;
    }
    for (size_t i = 0; v->told->damaged_points != NULL && i < v->point_count; i++)
        v->result->damaged_points += v->told->damaged_points[i];
    return 0;
}

static void
add_point(struct told *told, size_t point)
{
    if (told->point_count > 0 && told->points[told->point_count - 1] == point)
        return;
    if (told->point_count == told->point_room) {
        told->point_room = told->point_room == 0 ? 4 : told->point_room * 2;
        told->points = realloc(told->points, told->point_room * sizeof(told->points[0]));
        if (told->points == NULL)
            abort();
    }
    told->points[told->point_count++] = (uint32_t)point;
}

/* Items are told apart by their keys; of everything else one cause is told for each object. */
static struct told *
told_new(const struct verify *v, const struct verify_event *event)
{
    const char *scope = v->points[event->point].scope;
    size_t scope_len = strlen(scope) + 1;
    struct told *told = memory_new(sizeof(*told) + 1 + scope_len + event->item.len);
    told->what = event->what;
    told->first = event->point;
    told->cause = *event->cause;
    told->key_len = 1 + scope_len + event->item.len;
    told->key[0] = (uint8_t)event->what;
    memcpy(told->key + 1, scope, scope_len);
    if (event->item.len > 0)
        memcpy(told->key + 1 + scope_len, event->item.bytes, event->item.len);
    add_point(told, event->point);
    return told;
}

static int
collect(struct verify *v, const struct verify_event *event, struct error *err)
{
    struct verify_told *all = v->told;
    struct told *found, *told = told_new(v, event);
    if (all->damaged_points == NULL)
        all->damaged_points = memory_new(v->point_count * sizeof(all->damaged_points[0]));
    all->damaged_points[event->point] = true;
    HASH_FIND(hh, all->all, told->key, told->key_len, found);
    if (found != NULL) {
        add_point(found, event->point);
        told_free(told);
        return 0;
    }
    if (HASH_COUNT(all->all) < TOLD_MAX) {
        HASH_ADD_KEYPTR(hh, all->all, told->key, told->key_len, told);
        return 0;
    }
    int failed = tell_one(v, told, err);
    told_free(told);
    return failed;
}

int
verify_note(struct verify *v, const struct verify_event *event, struct error *err)
{
    if (!vault_damage_is(event->cause)) {
        if (err != NULL)
            *err = *event->cause;
        return -1;
    }
    v->failures++;
    return v->telling ? collect(v, event, err) : 0;
}
