#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/storage/azure/azure_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERSIONS_MAX 1000 /* of one name; what is left goes the next time */

struct versions {
    char ids[VERSIONS_MAX][AZURE_XML_VERSION_LEN];
    size_t count;
    bool current, held;
    int64_t lock_until_ms;
};

static int
on_list_version(void *ctx, const struct azure_xml_blob *blob, struct error *err)
{
    struct versions *versions = ctx;
    (void)err;

    versions->held |= blob->held;
    versions->current |= blob->current || blob->version[0] == '\0';
    if (blob->lock_until_ms > versions->lock_until_ms)
        versions->lock_until_ms = blob->lock_until_ms;
    if (blob->version[0] != '\0' && versions->count < VERSIONS_MAX)
        memcpy(versions->ids[versions->count++], blob->version, AZURE_XML_VERSION_LEN);
    return 0;
}

static int
delete_one(struct azure *azure, const char *name, const char *version, struct error *err)
{
    char blob[AZURE_BLOB_LEN], query[AZURE_XML_VERSION_LEN + 16];
    CLEANUP(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
    unsigned tries = 0;

    azure_blob_name(azure, name, blob);
    snprintf(query, sizeof(query), "versionid=%s", version);
    const struct azure_call call = {
        .method = "DELETE", .what = "removing", .name = name, .blob = blob, .query = version[0] != '\0' ? query : NULL
    };
    if (azure_request(azure, &call, &response, &tries, err) == 0)
        return 0;
    /* Gone at the second try is what the first one did; a version that is gone is what is wanted. */
    if (err->kind != ERROR_NOT_FOUND || (tries == 1 && version[0] == '\0'))
        return -1;
    error_clear(err);
    return 0;
}

static int
check_locks(const struct azure *azure, const char *name, const struct versions *versions, struct error *err)
{
    char until[CLOCK_TEXT_LEN];

    if (versions->held)
        return FAIL(err, ERROR_LOCKED, 0, "storage %s/%s holds %s under a legal hold", azure->account, azure->container,
                    name);
    if (versions->lock_until_ms <= clock_wall_ms(azure->clock))
        return 0;
    clock_format_ms(versions->lock_until_ms, until);
    return FAIL(err, ERROR_LOCKED, 0, "storage %s/%s holds %s under a lock until %s", azure->account, azure->container,
                name, until);
}

/* Deleting the name alone would keep the data, and under a lock hide it: looked at first, so that either all goes or
 * nothing. */
static int
remove_versions(struct azure *azure, const char *name, struct error *err)
{
    CLEANUP(memory_free_p) struct versions *versions = MEMORY_NEW(struct versions);

    if (azure_list_versions(azure, name, on_list_version, versions, err) != 0 ||
        check_locks(azure, name, versions, err) != 0)
        return -1;
    if (versions->count == 0 && !versions->current)
        return FAIL(err, ERROR_NOT_FOUND, 0, "storage %s/%s has no object %s", azure->account, azure->container, name);
    if (versions->current && delete_one(azure, name, "", err) != 0)
        return -1;
    for (size_t i = 0; i < versions->count; i++)
        if (delete_one(azure, name, versions->ids[i], err) != 0)
            return -1;
    return 0;
}

int
azure_remove(struct storage *storage, const char *name, struct error *err)
{
    struct azure *azure = (struct azure *)storage;
    struct error why = ERROR_INIT;

    if (atomic_load(&azure->versioned))
        remove_versions(azure, name, &why);
    else
        delete_one(azure, name, "", &why);
    return azure_pass(&why, err);
}
