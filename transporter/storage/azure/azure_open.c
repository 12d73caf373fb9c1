#include "transporter/storage/azure/azure.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/storage/azure/azure_internal.h"

#include <strings.h>

#define ATTACH_TRIES 3 /* somebody waits for the answer, and whoever starts a daemon tries again */

static void
azure_close(struct storage *storage)
{
    azure_location_free((struct azure *)storage);
}

static const struct storage_driver driver = {
    .scheme = "azure",
    .put = azure_put,
    .get = azure_get,
    .get_range = azure_get_range,
    .list = azure_list,
    .stat = azure_stat,
    .remove = azure_remove,
    .extend = azure_extend,
    .close = azure_close,
};

static int
on_any_blob(void *ctx, const struct azure_xml_blob *blob, struct error *err)
{
    bool *any = ctx;
    (void)blob;
    *any = true;
    return FAIL(err, ERROR_CANCELLED, 0, "seen enough");
}

static int
check_empty(struct azure *azure, struct error *err)
{
    bool any = false;
    struct error why = ERROR_INIT;

    if (azure_list_blobs(azure, azure->prefix, "", 1, on_any_blob, &any, &why) != 0 && !any)
        return azure_pass(&why, err);
    if (any)
        return FAIL(err, ERROR_CONFIG, 0, "storage %s/%s/%s holds other blobs: give an empty container or prefix",
                    azure->account, azure->container, azure->prefix);
    return 0;
}

static int
check_marker(struct azure *azure, bool create, struct error *err)
{
    struct storage_stat stat;
    struct error why = ERROR_INIT;

    if (azure_stat(&azure->storage, AZURE_MARKER, &stat, &why) == 0)
        return 0;
    if (why.kind != ERROR_NOT_FOUND)
        return azure_pass(&why, err);
    if (!create && azure->first_versions)
        return 0;
    if (!create)
        return FAIL(err, ERROR_UNAVAILABLE, 0,
                    "storage %s/%s is not available: its marker blob %s%s is missing. Is it the right container and "
                    "prefix?",
                    azure->account, azure->container, azure->prefix, AZURE_MARKER);
    return check_empty(azure, err) != 0 ? -1 : azure_marker_make(azure, err);
}

static int
container_call(struct azure *azure, const char *method, const char *what, bool *locks, struct error *err)
{
    CLEANUP(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
    const struct azure_call call = { .method = method, .what = what, .query = "restype=container" };

    if (azure_request(azure, &call, &response, NULL, err) != 0)
        return -1;
    const char *on = http_response_header(&response, "x-ms-immutable-storage-with-versioning-enabled");
    *locks = on != NULL && strcasecmp(on, "true") == 0;
    return 0;
}

/* A container that is missing is made; one that somebody else makes at that moment is as good. */
static int
make_container(struct azure *azure, struct error *err)
{
    struct error why = ERROR_INIT;
    bool locks;

    if (container_call(azure, "PUT", "making", &locks, &why) != 0 && why.native != 409)
        return azure_pass(&why, err);
    return 0;
}

static int
check_locks(struct azure *azure, struct error *err)
{
    bool locks = false;

    if (azure->lock_mode == AZURE_LOCK_NONE)
        return 0;
    if (container_call(azure, "HEAD", "looking at", &locks, err) != 0)
        return error_wrap(err, "whether the container can lock is not to be seen (a SAS needs read of containers)");
    if (!locks)
        return FAIL(err, ERROR_CONFIG, 0,
                    "storage %s/%s cannot lock: turn on version-level immutability for the container, or attach it "
                    "with lock mode none",
                    azure->account, azure->container);
    atomic_store(&azure->versioned, true);
    return 0;
}

static int
attach(struct azure *azure, bool create, struct error *err)
{
    struct error why = ERROR_INIT;

    if (check_locks(azure, &why) == 0 && check_marker(azure, create, &why) == 0)
        return 0;
    if (!create || why.kind != ERROR_UNAVAILABLE || why.native != 404)
        return azure_pass(&why, err);
    return make_container(azure, err) == 0 && check_locks(azure, err) == 0 && check_marker(azure, create, err) == 0
               ? 0
               : -1;
}

struct storage *
azure_open(const json_t *location, const struct clock *clock, bool create, struct error *err)
{
    struct azure *azure = azure_location_read(location, clock, err);

    if (azure == NULL)
        return NULL;
    azure->storage.driver = &driver;
    unsigned tries_max = azure->tries_max;
    azure->tries_max = tries_max != 0 ? tries_max : ATTACH_TRIES;
    if (attach(azure, create, err) != 0) {
        azure_location_free(azure);
        return NULL;
    }
    azure->tries_max = tries_max;
    return &azure->storage;
}
