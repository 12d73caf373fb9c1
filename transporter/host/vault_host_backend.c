#include "transporter/host/vault_host.h"

#include "common/base/error.h"
#include "transporter/host/vault_host_sweep.h"

static int
on_find_chunks(void *host, const struct chunk_id *ids, size_t n, struct chunk_place *places, struct error *err)
{
    return vault_host_find_chunks(host, ids, n, places, err);
}

static int
on_put_pack(void *host, const char *name, const uint8_t *data, size_t len, struct error *err)
{
    return vault_host_put_pack(host, NULL, name, data, len, err);
}

static int
on_get_ranges(void *host, const struct pack_range *ranges, size_t n, vault_block_fn *sink, void *ctx, struct error *err)
{
    return vault_host_get_ranges(host, ranges, n, sink, ctx, err);
}

static int
on_get_object(void *host, enum object_class class, const char *name, uint8_t **data, size_t *len, struct error *err)
{
    return vault_host_get_object(host, class, name, data, len, err);
}

static int
on_put_object(void *host, enum object_class class, const char *name, const uint8_t *data, size_t len, struct error *err)
{
    return vault_host_put_object(host, NULL, class, name, data, len, err);
}

static int
on_list_objects(void *host, enum object_class class, vault_name_fn *found, void *ctx, struct error *err)
{
    return vault_host_list_objects(host, class, found, ctx, err);
}

static int
on_commit_point(void *host, const struct vault_commit *commit, struct error *err)
{
    return vault_host_commit_point(host, NULL, commit, NULL, err);
}

static int
on_begin(void *host, uint64_t *epoch, struct error *err)
{
    return vault_host_begin(host, epoch, err);
}

static int
on_locate_chunks(void *host, const struct chunk_id *ids, size_t n, struct chunk_place *places, struct error *err)
{
    return vault_host_locate_chunks(host, ids, n, places, err);
}

static int
on_sweep_begin(void *host, struct vault_sweep_session *session, struct error *err)
{
    return vault_host_sweep_begin(host, session, err);
}

static int
on_sweep_journal(void *host, const uint8_t *session, const uint8_t *data, size_t len, uint64_t *epoch,
                 struct error *err)
{
    return vault_host_sweep_journal(host, session, data, len, epoch, err);
}

static int
on_sweep_mark(void *host, const uint8_t *session, const struct vault_marks *marks, uint8_t *states, struct error *err)
{
    return vault_host_sweep_mark(host, session, marks, states, err);
}

static int
on_sweep_end(void *host, const uint8_t *session, struct error *err)
{
    return vault_host_sweep_end(host, session, err);
}

static int
on_sweep_packs(void *host, const uint8_t *session, uint32_t most_live_permille, vault_pack_live_fn *found, void *ctx,
               struct error *err)
{
    return vault_host_sweep_packs(host, session, most_live_permille, found, ctx, err);
}

static int
on_sweep_pack_live(void *host, const uint8_t *session, const char *pack, uint8_t **live, size_t *count,
                   struct error *err)
{
    return vault_host_sweep_pack_live(host, session, pack, live, count, err);
}

static int
on_sweep_put_pack(void *host, const uint8_t *session, const char *name, const uint8_t *data, size_t len,
                  struct error *err)
{
    return vault_host_sweep_put_pack(host, session, name, data, len, err);
}

static int
on_sweep_remove_points(void *host, const uint8_t *session, uint64_t epoch, const char *const *names, size_t n,
                       struct vault_removal *removal, struct error *err)
{
    return vault_host_sweep_remove_points(host, session, epoch, names, n, removal, err);
}

static int
on_sweep_remove_packs(void *host, const uint8_t *session, uint64_t epoch, const char (*names)[PACK_NAME_LEN], size_t n,
                      struct vault_removal *removal, struct error *err)
{
    return vault_host_sweep_remove_packs(host, session, epoch, names, n, removal, err);
}

static int
on_chunk_places(void *host, const struct chunk_id *id, struct chunk_place places[VAULT_PLACES_MAX], size_t *count,
                struct error *err)
{
    return vault_host_chunk_places(host, id, places, count, err);
}

static int
on_quarantine(void *host, const struct vault_mark *marks, size_t n, uint64_t *ordinal, struct error *err)
{
    return vault_host_quarantine(host, marks, n, ordinal, err);
}

static const struct vault_sweep_vtable sweep_vtable = {
    .begin = on_sweep_begin,
    .end = on_sweep_end,
    .journal = on_sweep_journal,
    .mark = on_sweep_mark,
    .packs = on_sweep_packs,
    .pack_live = on_sweep_pack_live,
    .put_pack = on_sweep_put_pack,
    .remove_points = on_sweep_remove_points,
    .remove_packs = on_sweep_remove_packs,
};

static int
on_rebuild_index(void *host, struct error *err)
{
    return vault_host_rebuild_index(host, err);
}

static const struct vault_backend_vtable vtable = {
    .begin = on_begin,
    .sweep = &sweep_vtable,
    .find_chunks = on_find_chunks,
    .locate_chunks = on_locate_chunks,
    .put_pack = on_put_pack,
    .get_ranges = on_get_ranges,
    .get_object = on_get_object,
    .put_object = on_put_object,
    .list_objects = on_list_objects,
    .commit_point = on_commit_point,
    .chunk_places = on_chunk_places,
    .quarantine = on_quarantine,
    .rebuild_index = on_rebuild_index,
};

struct vault_backend
vault_host_backend(struct vault_host *host)
{
    return (struct vault_backend){ &vtable, host };
}
