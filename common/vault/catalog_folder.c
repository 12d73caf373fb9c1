#include "common/vault/catalog_folder.h"

#include "common/base/error.h"

int
catalog_folder_check(struct catalog *catalog, struct catalog_key folder, struct error *err)
{
    struct error failure = ERROR_INIT;
    struct catalog_item item;

    if (folder.len == 0)
        return 0;
    int status = catalog_get(catalog, folder, &item, &failure);
    if (status == 0 && catalog_kind_contains(item.kind))
        return 0;
    if (status == 0)
        return FAIL(err, ERROR_NOT_FOUND, 0, "this is the key of an item, not of a folder");
    if (failure.kind == ERROR_NOT_FOUND)
        return FAIL(err, ERROR_NOT_FOUND, 0, "the recovery point has no folder with this key");
    return FAIL(err, failure.kind, failure.native, "%s", failure.text);
}
