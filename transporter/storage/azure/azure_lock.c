#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/storage/azure/azure_date.h"
#include "transporter/storage/azure/azure_internal.h"

const char *
azure_lock_mode_text(enum azure_lock_mode mode)
{
    return mode == AZURE_LOCK_LOCKED ? "Locked" : "Unlocked";
}

static int
set_policy(struct azure *azure, const char *name, int64_t until_ms, enum azure_lock_mode mode, struct error *err)
{
    char blob[AZURE_BLOB_LEN], until[AZURE_DATE_LEN];
    CLEANUP(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;

    azure_blob_name(azure, name, blob);
    azure_date_format(until_ms, until);
    const struct azure_sign_header headers[] = { { AZURE_UNTIL_HEADER, until },
                                                 { AZURE_MODE_HEADER, azure_lock_mode_text(mode) } };
    const struct azure_call call = { .method = "PUT",
                                     .what = "locking",
                                     .name = name,
                                     .blob = blob,
                                     .query = "comp=immutabilityPolicies",
                                     .headers = headers,
                                     .header_count = ARRAY_LEN(headers) };
    return azure_request(azure, &call, &response, NULL, err);
}

bool
azure_lock_lasts(const struct azure *azure, const struct azure_properties *properties, int64_t until_ms)
{
    return properties->stat.lock_until_ms >= until_ms &&
           (properties->mode == AZURE_LOCK_LOCKED || properties->mode == azure->lock_mode);
}

static int
set_locked(struct azure *azure, const char *name, int64_t until_ms, struct error *err)
{
    struct azure_properties properties;

    if (azure_properties_get(azure, name, "", &properties, err) != 0)
        return -1;
    if (azure_lock_lasts(azure, &properties, until_ms))
        return 0;
    if (properties.stat.lock_until_ms > until_ms)
        until_ms = properties.stat.lock_until_ms;
    enum azure_lock_mode mode = properties.mode == AZURE_LOCK_LOCKED ? AZURE_LOCK_LOCKED : azure->lock_mode;
    if (set_policy(azure, name, until_ms, mode, err) != 0 ||
        azure_properties_get(azure, name, "", &properties, err) != 0)
        return -1;
    if (!azure_lock_lasts(azure, &properties, until_ms))
        return FAIL(err, ERROR_UNSUPPORTED, 0,
                    "storage %s/%s took the lock of %s and does not show it: its objects are not immutable. Check "
                    "that version-level immutability is on for the container",
                    azure->account, azure->container, name);
    return 0;
}

int
azure_lock_set(struct azure *azure, const char *name, int64_t until_ms, struct error *err)
{
    if (until_ms < 0 || until_ms > AZURE_DATE_MAX_MS)
        return FAIL(err, ERROR_USAGE, 0, "a lock has a time before the year 10000");
    /* What is looked up and then set must not cross with another thread's: an unlocked policy can be shortened. */
    pthread_mutex_lock(&azure->extend_lock);
    int failed = set_locked(azure, name, until_ms, err);
    pthread_mutex_unlock(&azure->extend_lock);
    return failed;
}

int
azure_extend(struct storage *storage, const char *name, int64_t lock_until_ms, struct error *err)
{
    struct azure *azure = (struct azure *)storage;

    if (azure_lock_set(azure, name, lock_until_ms, err) != 0)
        return -1;
    return azure_marker_lock(azure, lock_until_ms, err);
}
