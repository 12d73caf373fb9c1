#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/host/vault_host_internal.h"

#include <stdlib.h>
#include <string.h>

/* Which packs are good to count on, and which are not. */

#define NAMES_CEILING ((size_t)1 << 30)

struct names {
    char (*at)[PACK_NAME_LEN];
    size_t count;
};

static void
names_clear(struct names *names)
{
    free(names->at);
}

static int
tell(const struct names *names, vault_name_fn *found, void *ctx, struct error *err)
{
    for (size_t i = 0; i < names->count; i++)
        if (found(ctx, names->at[i], err) != 0)
            return -1;
    return 0;
}

/* Called with the lock held. */
static void
add_segment(const struct vault_host *host, const struct index_segment *segment, struct names *names)
{
    for (size_t i = 0; i < index_segment_packs(segment); i++) {
        const uint8_t *name = index_segment_pack(segment, i);
        if (!lost_packs_has(host->lost, name) && !pack_marks_touch(&host->marks, name) &&
            retire_state_pack(host->retired, name) == 0)
            pack_name_text(name, names->at[names->count++]);
    }
}

/* A pack is known from when it was whole: its directory's digest was right. That it is stored still, and not cut off,
 * is asked of the storage now; that its groups are whole is what verifications find out. */
int
vault_host_list_whole_packs(struct vault_host *host, vault_name_fn *found, void *ctx, struct error *err)
{
    CLEANUP(names_clear) struct names names = { .count = 0 };
    size_t most = 0;
    if (vault_host_refresh_packs(host, err) != 0 || vault_host_write_segment(host, err) != 0)
        return -1;
    pthread_rwlock_rdlock(&host->lock);
    for (size_t i = 0; i < host->segment_count; i++)
        most += index_segment_packs(host->segments[i]);
    names.at = memory_array(most + 1, sizeof(*names.at), NAMES_CEILING, err);
    for (size_t i = 0; names.at != NULL && i < host->segment_count; i++)
        add_segment(host, host->segments[i], &names);
    pthread_rwlock_unlock(&host->lock);
    return names.at == NULL ? -1 : tell(&names, found, ctx, err);
}

int
vault_host_list_damaged_packs(struct vault_host *host, vault_name_fn *found, void *ctx, struct error *err)
{
    CLEANUP(names_clear) struct names names = { .count = 0 };
    pthread_rwlock_rdlock(&host->lock);
    const struct pack_marks *marks = &host->marks;
    size_t lost = lost_packs_count(host->lost);
    names.at = memory_array(marks->count + lost + 1, sizeof(*names.at), NAMES_CEILING, err);
    for (size_t i = 0; names.at != NULL && i < lost; i++)
        pack_name_text(lost_packs_name(host->lost, i), names.at[names.count++]);
    for (size_t i = 0; names.at != NULL && i < marks->count; i++)
        if (i == 0 || memcmp(marks->at[i].pack, marks->at[i - 1].pack, sizeof(marks->at[i].pack)) != 0)
            pack_name_text(marks->at[i].pack, names.at[names.count++]);
    pthread_rwlock_unlock(&host->lock);
    return names.at == NULL ? -1 : tell(&names, found, ctx, err);
}
