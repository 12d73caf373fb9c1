#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/point.h"
#include "transporter/host/vault_host_internal.h"

#include <string.h>

static int
check_point(const struct vault_host *host, const struct vault_host_owner *owner, const char *name, const uint8_t *data,
            size_t len, struct error *err)
{
    struct point_header header;
    if (len > OBJECT_MAX_BYTES)
        return FAIL(err, ERROR_LIMIT, 0, "a recovery point of %zu bytes; %zu are possible", len, OBJECT_MAX_BYTES);
    if (point_header_decode(data, len, &header, err) != 0)
        return -1;
    if (strcmp(header.id, name) != 0 || strcmp(header.vault_id, host->vault_id) != 0)
        return FAIL(err, ERROR_FORMAT, 0, "the recovery point's header names another point or vault");
    if (owner == NULL)
        return 0;
    bool other_scope = owner->scope[0] != '\0' && strcmp(owner->scope, header.scope) != 0;
    if (other_scope || owner->fence != header.fence)
        return FAIL(err, ERROR_DENIED, 0, "the grant is not for this recovery point's scope and fence");
    return 0;
}

int
vault_host_commit_point(struct vault_host *host, const struct vault_host_owner *owner, const char *name,
                        const uint8_t *data, size_t len, const char (*packs)[PACK_NAME_LEN], size_t pack_count,
                        struct error *err)
{
    char object[STORAGE_NAME_LEN];
    if (vault_host_object_name(host, OBJECT_POINT, name, object, err) != 0 ||
        check_point(host, owner, name, data, len, err) != 0)
        return -1;
    if (owner != NULL && fence_store_check(host->fences, owner->scope, owner->fence, err) != 0)
        return -1;
    for (size_t i = 0; i < pack_count; i++) {
        if (memchr(packs[i], '\0', PACK_NAME_LEN) == NULL || !vault_host_knows_pack(host, packs[i]))
            return FAIL(err, ERROR_CONFLICT, 0, "the recovery point needs a pack that is not stored: run again");
    }
    if (vault_host_write_segment(host, err) != 0)
        return error_wrap(err, "writing the index before recovery point %s", name);
    return vault_host_put_once(host, object, data, len, err);
}
