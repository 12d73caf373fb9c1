#include "director/inventory/discovered.h"

#include "common/base/error.h"

#include <stdio.h>
#include <string.h>

static int
put_all(struct store *store, const char *tenant, struct store_object *objects, size_t count, unsigned *refused,
        struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct error why = ERROR_INIT;

        snprintf(objects[i].tenant, sizeof(objects[i].tenant), "%s", tenant);
        if (store_objects_put(store, &objects[i], &why) == 0)
            continue;
        if (why.kind != ERROR_USAGE)
            return FAIL(err, why.kind, why.native, "%s", why.text);
        (*refused)++;
    }
    return 0;
}

int
discovered_put(struct store *store, const char *tenant, struct store_object *objects, size_t count, unsigned *refused,
               struct error *err)
{
    *refused = 0;
    if (count > DISCOVERED_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "more than %d discovered objects in one message", DISCOVERED_MAX);
    if (store_begin(store, err) != 0)
        return -1;
    if (put_all(store, tenant, objects, count, refused, err) != 0) {
        store_rollback(store);
        return -1;
    }
    return store_commit(store, err);
}
