#include "common/vault/vault_quarantine.h"

#include "common/base/error.h"
#include "common/vault/vault_damage.h"
#include "common/vault/vault_probe.h"
#include "common/vault/vault_reader_internal.h"

int
vault_quarantine_ordinal(struct vault *vault, uint64_t *ordinal, struct error *err)
{
    struct vault_backend backend = vault->backend;
    *ordinal = 0;
    return backend.vtable->quarantine == NULL ? 0 : backend.vtable->quarantine(backend.ctx, NULL, 0, ordinal, err);
}

struct vault_reader *
vault_quarantine_reader(struct vault *vault, size_t cache_bytes, struct error *err)
{
    struct vault_reader *reader = vault_reader_open(vault, cache_bytes, err);
    if (reader != NULL)
        reader->trusted_only = true;
    return reader;
}

int
vault_quarantine_item_whole(struct vault_reader *reader, const struct catalog_item *item, struct error *err)
{
    struct error failure = ERROR_INIT;
    uint64_t chunks = 0;
    if (vault_probe_item(reader, item, &chunks, &failure) == 0 &&
        vault_probe(reader, &item->metadata_ref, &chunks, &failure) == 0)
        return 1;
    if (vault_damage_is(&failure))
        return 0;
    if (err != NULL)
        *err = failure;
    return -1;
}
