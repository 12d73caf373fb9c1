#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/point.h"
#include "transporter/host/vault_host_internal.h"
#include "transporter/host/vault_host_lock.h"

#include <string.h>

static int
check_point(const struct vault_host *host, const struct vault_host_owner *owner, const struct vault_commit *point,
            struct error *err)
{
    struct point_header header;
    if (point->len > OBJECT_MAX_BYTES)
        return FAIL(err, ERROR_LIMIT, 0, "a recovery point of %zu bytes; %zu are possible", point->len,
                    OBJECT_MAX_BYTES);
    if (point_header_decode(point->data, point->len, &header, err) != 0)
        return -1;
    if (strcmp(header.id, point->name) != 0 || strcmp(header.vault_id, host->vault_id) != 0)
        return FAIL(err, ERROR_FORMAT, 0, "the recovery point's header names another point or vault");
    if (owner == NULL)
        return 0;
    /* A grant for the whole vault brings the points of any object, as a replica's copy does: each has the fence of the
     * run that made it, which is no claim of the holder's. */
    bool whole = owner->scope[0] == '\0';
    if (!whole && (strcmp(owner->scope, header.scope) != 0 || owner->fence != header.fence))
        return FAIL(err, ERROR_DENIED, 0, "the grant is not for this recovery point's scope and fence");
    return 0;
}

int
vault_host_commit_point(struct vault_host *host, const struct vault_host_owner *owner, const struct vault_commit *point,
                        int64_t *locked_until, struct error *err)
{
    int64_t until = 0;
    if (check_point(host, owner, point, err) != 0)
        return -1;
    if (owner != NULL && fence_store_check(host->fences, owner->scope, owner->fence, err) != 0)
        return -1;
    for (size_t i = 0; i < point->pack_count; i++) {
        const char *pack = point->packs[i];
        if (memchr(pack, '\0', PACK_NAME_LEN) == NULL || !vault_host_knows_pack(host, pack))
            return FAIL(err, ERROR_CONFLICT, 0, "the recovery point needs a pack that is not stored: run again");
    }
    if (vault_host_write_segment(host, err) != 0)
        return error_wrap(err, "writing the index before recovery point %s", point->name);
    /* After the segment: whatever the point refers to is listed in one by now. Before the epoch is looked at: it may
     * take longer than a sweep waits. */
    if (vault_host_hold(host, owner, NULL, NULL, &until, err) != 0)
        return -1;
    pthread_rwlock_rdlock(&host->commits);
    int failed = vault_host_check_epoch(host, point->epoch, point->name, err);
    if (failed == 0)
        failed =
            vault_host_put_whole(host, owner, OBJECT_POINT, point->name, point->data, point->len, err) < 0 ? -1 : 0;
    pthread_rwlock_unlock(&host->commits);
    if (failed != 0)
        return -1;
    vault_host_promise(host, until);
    if (locked_until != NULL)
        *locked_until = until;
    return 0;
}
