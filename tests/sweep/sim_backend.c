#include "common/base/error.h"
#include "common/vault/vault_sweep_backend.h"
#include "tests/sweep/sim.h"
#include "transporter/host/vault_host.h"

/* Between any two calls of a sweep other actors take steps, the connection breaks, or the host is restarted. */
static int
pause_before(struct sim_host *at, struct error *err)
{
    struct sim *sim = at->sim;
    if (!sim->quiet && sim->depth < 3 && sim_random(sim, 4) == 0) {
        sim->depth++;
        for (uint64_t n = 1 + sim_random(sim, 2); n > 0; n--)
            sim_step(sim);
        sim->depth--;
    }
    if (!sim->quiet && sim_random(sim, 400) == 0)
        return FAIL(err, ERROR_NETWORK, 0, "a simulated partition");
    if (at->host == NULL)
        return FAIL(err, ERROR_NETWORK, 0, "the simulated host is gone");
    sim_host_ensure(sim, at->number);
    return 0;
}

/* The engine's own backend, after whatever happens before the call. */
#define ENTER(host)                                                                                                    \
    struct sim_host *at = (host);                                                                                      \
    struct vault_backend real;                                                                                         \
    if (at->host == NULL)                                                                                              \
        return FAIL(err, ERROR_NETWORK, 0, "the simulated host is gone");                                              \
    sim_host_ensure(at->sim, at->number);                                                                              \
    real = vault_host_backend(at->host)
#define ENTER_SWEEP(host)                                                                                              \
    struct sim_host *at = (host);                                                                                      \
    struct vault_backend real;                                                                                         \
    if (pause_before(at, err) != 0)                                                                                    \
        return -1;                                                                                                     \
    real = vault_host_backend(at->host)

static int
on_begin(void *host, uint64_t *epoch, struct error *err)
{
    ENTER(host);
    return real.vtable->begin(real.ctx, epoch, err);
}

static int
on_find(void *host, const struct chunk_id *ids, size_t n, struct chunk_place *places, struct error *err)
{
    ENTER(host);
    return at->sim->fault == SIM_FAULT_SEES_RETIRED ? real.vtable->locate_chunks(real.ctx, ids, n, places, err)
                                                    : real.vtable->find_chunks(real.ctx, ids, n, places, err);
}

static int
on_locate(void *host, const struct chunk_id *ids, size_t n, struct chunk_place *places, struct error *err)
{
    ENTER(host);
    return real.vtable->locate_chunks(real.ctx, ids, n, places, err);
}

static int
on_put_pack(void *host, const char *name, const uint8_t *data, size_t len, struct error *err)
{
    ENTER(host);
    return real.vtable->put_pack(real.ctx, name, data, len, err);
}

static int
on_get_ranges(void *host, const struct pack_range *ranges, size_t n, vault_block_fn *sink, void *ctx, struct error *err)
{
    ENTER(host);
    return real.vtable->get_ranges(real.ctx, ranges, n, sink, ctx, err);
}

static int
on_get_object(void *host, enum object_class class, const char *name, uint8_t **data, size_t *len, struct error *err)
{
    ENTER(host);
    return real.vtable->get_object(real.ctx, class, name, data, len, err);
}

static int
on_put_object(void *host, enum object_class class, const char *name, const uint8_t *data, size_t len, struct error *err)
{
    ENTER(host);
    return real.vtable->put_object(real.ctx, class, name, data, len, err);
}

static int
on_list(void *host, enum object_class class, vault_name_fn *found, void *ctx, struct error *err)
{
    ENTER(host);
    return real.vtable->list_objects(real.ctx, class, found, ctx, err);
}

static int
on_commit(void *host, const struct vault_commit *commit, struct error *err)
{
    ENTER(host);
    return real.vtable->commit_point(real.ctx, commit, err);
}

static int
on_sweep_locate(void *host, const struct chunk_id *ids, size_t n, struct chunk_place *places, struct error *err)
{
    ENTER_SWEEP(host);
    return real.vtable->locate_chunks(real.ctx, ids, n, places, err);
}

static int
on_sweep_list(void *host, enum object_class class, vault_name_fn *found, void *ctx, struct error *err)
{
    ENTER_SWEEP(host);
    if (class == OBJECT_RETIRED_POINT && at->sim->fault == SIM_FAULT_NO_SECOND)
        return 0;
    return real.vtable->list_objects(real.ctx, class, found, ctx, err);
}

static int
sweep_begin(void *host, struct vault_sweep_session *session, struct error *err)
{
    ENTER_SWEEP(host);
    return real.vtable->sweep->begin(real.ctx, session, err);
}

static int
sweep_journal(void *host, const uint8_t *session, const uint8_t *data, size_t len, uint64_t *epoch, struct error *err)
{
    ENTER_SWEEP(host);
    return real.vtable->sweep->journal(real.ctx, session, data, len, epoch, err);
}

static int
sweep_end(void *host, const uint8_t *session, struct error *err)
{
    ENTER(host);
    return real.vtable->sweep->end(real.ctx, session, err);
}

static int
sweep_mark(void *host, const uint8_t *session, const struct vault_marks *marks, uint8_t *states, struct error *err)
{
    ENTER_SWEEP(host);
    /* The answer is lost, and asked for again. */
    if (!at->sim->quiet && sim_random(at->sim, 20) == 0 &&
        real.vtable->sweep->mark(real.ctx, session, marks, states, err) != 0)
        return -1;
    return real.vtable->sweep->mark(real.ctx, session, marks, states, err);
}

static int
sweep_packs(void *host, const uint8_t *session, uint32_t most_live, vault_pack_live_fn *found, void *ctx,
            struct error *err)
{
    ENTER_SWEEP(host);
    return real.vtable->sweep->packs(real.ctx, session, most_live, found, ctx, err);
}

static int
sweep_pack_live(void *host, const uint8_t *session, const char *pack, uint8_t **live, size_t *count, struct error *err)
{
    ENTER_SWEEP(host);
    return real.vtable->sweep->pack_live(real.ctx, session, pack, live, count, err);
}

static int
sweep_put_pack(void *host, const uint8_t *session, const char *name, const uint8_t *data, size_t len, struct error *err)
{
    ENTER_SWEEP(host);
    return real.vtable->sweep->put_pack(real.ctx, session, name, data, len, err);
}

static int
sweep_remove_points(void *host, const uint8_t *session, uint64_t epoch, const char *const *names, size_t n,
                    struct vault_removal *removal, struct error *err)
{
    ENTER_SWEEP(host);
    return real.vtable->sweep->remove_points(real.ctx, session, epoch, names, n, removal, err);
}

static int
sweep_remove_packs(void *host, const uint8_t *session, uint64_t epoch, const char (*names)[PACK_NAME_LEN], size_t n,
                   struct vault_removal *removal, struct error *err)
{
    ENTER_SWEEP(host);
    return real.vtable->sweep->remove_packs(real.ctx, session, epoch, names, n, removal, err);
}

static const struct vault_sweep_vtable sweep_vtable = {
    .begin = sweep_begin,
    .end = sweep_end,
    .journal = sweep_journal,
    .mark = sweep_mark,
    .packs = sweep_packs,
    .pack_live = sweep_pack_live,
    .put_pack = sweep_put_pack,
    .remove_points = sweep_remove_points,
    .remove_packs = sweep_remove_packs,
};

static const struct vault_backend_vtable run_vtable = {
    .begin = on_begin,
    .find_chunks = on_find,
    .locate_chunks = on_locate,
    .put_pack = on_put_pack,
    .get_ranges = on_get_ranges,
    .get_object = on_get_object,
    .put_object = on_put_object,
    .list_objects = on_list,
    .commit_point = on_commit,
};

static const struct vault_backend_vtable sweeper_vtable = {
    .begin = on_begin,
    .find_chunks = on_find,
    .locate_chunks = on_sweep_locate,
    .put_pack = on_put_pack,
    .get_ranges = on_get_ranges,
    .get_object = on_get_object,
    .put_object = on_put_object,
    .list_objects = on_sweep_list,
    .commit_point = on_commit,
    .sweep = &sweep_vtable,
};

struct vault_backend
sim_backend(struct sim_host *host, bool sweeper)
{
    return (struct vault_backend){ sweeper ? &sweeper_vtable : &run_vtable, host };
}
