#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/vault_internal.h"
#include "common/vault/vault_reader_internal.h"
#include "tests/sweep/sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What must hold after every step, judged by what lies on the disk, not by what the hosts believe. */

void
sim_lose(struct sim *sim, const char *fmt, ...)
{
    va_list args;
    if (sim->lost)
        return;
    sim->lost = true;
    va_start(args, fmt);
    vsnprintf(sim->why, sizeof(sim->why), fmt, args);
    va_end(args);
}

static void
read_journal(struct sim *sim)
{
    struct sim_object *object, *next;
    if (sim->journal_seen == sim->disk.journal_changes + 1)
        return;
    sim->journal_seen = sim->disk.journal_changes + 1;
    HASH_ITER (hh, sim->disk.objects, object, next) {
        struct retire_object entry;
        if (strstr(object->name, "/retire/") == NULL)
            continue;
        if (retire_object_decode(object->data, object->len, &entry, NULL) != 0 ||
            retire_state_add(sim->journal, &entry, NULL) != 0)
            abort();
        retire_object_clear(&entry);
    }
    if (retire_state_settle(sim->journal, NULL) != 0)
        abort();
}

enum standing { GONE, REMOVABLE, UNDOABLE, LIVE };

static enum standing
standing_of(struct sim *sim, const struct sim_point *point)
{
    char name[STORAGE_NAME_LEN];
    snprintf(name, sizeof(name), SIM_VAULT "/points/%s", point->id);
    if (sim_disk_find(&sim->disk, name) == NULL)
        return GONE;
    uint64_t epoch = retire_state_point(sim->journal, point->id);
    if (epoch == 0)
        return LIVE;
    return retire_state_find(sim->journal, epoch)->closed ? REMOVABLE : UNDOABLE;
}

static void
check_point(struct sim *sim, const struct sim_point *point)
{
    enum standing standing = standing_of(sim, point);
    if (point->committed && !point->expire_asked && standing != LIVE)
        sim_lose(sim, "%s was committed, nobody wanted it to expire, and it is not live", point->id);
    if (standing != LIVE && standing != UNDOABLE)
        return;
    for (size_t i = 0; i < point->need_count; i++)
        if (sim_disk_copies(&sim->disk, &point->needs[i]) == 0)
            sim_lose(sim, "%s (%s) needs a chunk that no pack holds any more", point->id,
                     standing == LIVE ? "live" : "can be undone");
}

void
sim_check(struct sim *sim)
{
    read_journal(sim);
    for (size_t i = 0; i < sim->point_count && !sim->lost; i++)
        check_point(sim, &sim->points[i]);
    sim->counters->checks++;
    if (!sim->lost && !sim->quiet && sim->depth == 0 && sim_random(sim, 40) == 0)
        sim_check_reading(sim);
}

static bool
read_point(struct sim *sim, const struct sim_point *point, struct error *err)
{
    struct vault_reader *reader = vault_reader_open(sim->hosts[0].vault, 1 << 20, err);
    bool whole = true;
    for (size_t i = 0; i < point->need_count && whole; i++) {
        size_t len;
        whole = vault_reader_chunk(reader, &point->needs[i], &len, err) != NULL;
    }
    vault_reader_close(reader);
    return whole;
}

/* A host that has lost touch leaves chunks out of its segments that it believes to stand in packs which the other one
 * has removed. The packs hold them: an index made anew has them. */
static void
rebuild_index(struct sim *sim)
{
    struct sim_object *object, *next;
    HASH_ITER (hh, sim->disk.objects, object, next)
        if (strstr(object->name, "/index/") != NULL)
            sim_disk_drop(&sim->disk, object);
    sim->counters->rebuilt++;
    sim_host_restart(sim, 0);
}

/* Through the host: places, seals, names. What a host that has lost touch has stored meanwhile the other one knows only
 * after it was opened again. */
void
sim_check_reading(struct sim *sim)
{
    sim_host_ensure(sim, 0);
    read_journal(sim);
    for (size_t p = 0; p < sim->point_count && !sim->lost; p++) {
        struct error err = ERROR_INIT;
        enum standing standing = standing_of(sim, &sim->points[p]);
        if ((standing != LIVE && standing != UNDOABLE) || read_point(sim, &sim->points[p], &err))
            continue;
        error_clear(&err);
        sim_host_restart(sim, 0);
        if (read_point(sim, &sim->points[p], &err))
            continue;
        error_clear(&err);
        if (sim->was_out_of_touch)
            rebuild_index(sim);
        if (!read_point(sim, &sim->points[p], &err))
            sim_lose(sim, "%s cannot be read: %s", sim->points[p].id, err.text);
    }
}

struct search {
    struct sim *sim;
    bool needed;
};

static int
on_chunk(void *ctx, const struct pack_group *group, const struct pack_chunk *chunk, uint32_t offset, struct error *err)
{
    struct search *search = ctx;
    struct sim *sim = search->sim;
    (void)group;
    (void)offset;
    (void)err;
    for (size_t p = 0; p < sim->point_count && !search->needed; p++)
        for (size_t i = 0; i < sim->points[p].need_count && !search->needed; i++)
            search->needed = memcmp(&sim->points[p].needs[i], &chunk->id, sizeof(chunk->id)) == 0 &&
                             standing_of(sim, &sim->points[p]) == LIVE;
    return 0;
}

/* In the end nothing is retired, and no pack is without a chunk that somebody needs. */
void
sim_check_freed(struct sim *sim)
{
    struct sim_object *object, *next;
    read_journal(sim);
    if (retire_state_packs(sim->journal) > 0 || retire_state_points(sim->journal) > 0)
        sim_lose(sim, "%zu packs and %zu points stay retired for ever", retire_state_packs(sim->journal),
                 retire_state_points(sim->journal));
    HASH_ITER (hh, sim->disk.objects, object, next) {
        struct search search = { .sim = sim };
        if (strstr(object->name, "/packs/") == NULL)
            continue;
        sim_disk_walk(object, on_chunk, &search);
        if (!search.needed)
            sim_lose(sim, "%s is garbage and is never freed", object->name);
    }
}
