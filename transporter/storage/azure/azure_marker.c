#include "common/base/error.h"
#include "transporter/storage/azure/azure_date.h"
#include "transporter/storage/azure/azure_internal.h"

/* The marker need not be locked anew for each object of a run. */
#define MARGIN_MS (INT64_C(24) * 3600 * 1000)

int
azure_marker_make(struct azure *azure, struct error *err)
{
    static const char text[] = "A Longhaul repository. Without this blob the container counts as not attached.\n";
    const struct storage_content content = { .data = text, .fd = -1, .size = sizeof(text) - 1 };
    struct error why = ERROR_INIT;

    if (azure_put(&azure->storage, AZURE_MARKER, &content, 0, &why) != 0 && why.kind == ERROR_EXISTS)
        error_clear(&why); /* somebody made it at the same time */
    return azure_pass(&why, err);
}

int
azure_marker_lock(struct azure *azure, int64_t until_ms, struct error *err)
{
    struct error why = ERROR_INIT;

    if (atomic_load(&azure->marker_until_ms) >= until_ms)
        return 0;
    int64_t later = until_ms < AZURE_DATE_MAX_MS - MARGIN_MS ? until_ms + MARGIN_MS : until_ms;
    /* Somebody may have deleted its name, and left the version that is locked. */
    if (azure_lock_set(azure, AZURE_MARKER, later, &why) != 0 && why.kind == ERROR_NOT_FOUND) {
        error_clear(&why);
        if (azure_marker_make(azure, &why) == 0)
            azure_lock_set(azure, AZURE_MARKER, later, &why);
    }
    if (error_is_set(&why)) {
        error_wrap(&why, "the repository's marker");
        return azure_pass(&why, err);
    }
    int64_t known = atomic_load(&azure->marker_until_ms);
    while (known < later && !atomic_compare_exchange_weak(&azure->marker_until_ms, &known, later))
        ;
    return 0;
}
