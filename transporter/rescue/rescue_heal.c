#include "transporter/rescue/rescue_internal.h"

#include "common/base/encoding.h"
#include "common/vault/vault_heal.h"
#include "transporter/host/vault_host.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int
on_left(void *ctx, const char *point, struct catalog_key item, const struct error *cause, struct error *err)
{
    char key[2 * CATALOG_KEY_MAX + 1];
    (void)ctx;
    (void)err;
    encoding_hex(item.bytes, item.len, key);
    printf("not healed in %s: %s%s%s%s\n", point, item.len > 0 ? "item " : "", key, item.len > 0 ? ": " : "",
           cause->text);
    return 0;
}

/* The copy, with the vault's own id and password unless it has others. */
static int
open_copy(const struct rescue *rescue, struct rescue *copy, struct error *err)
{
    const struct rescue_options *options = &rescue->options;
    *copy = (struct rescue){ .clock = rescue->clock };
    copy->options = (struct rescue_options){
        .storage = options->from_storage,
        .vault_id = options->from_vault != NULL ? options->from_vault : options->vault_id,
        .password_file = options->from_password_file != NULL ? options->from_password_file : options->password_file,
    };
    return rescue_open(copy, err) == 0 ? 0 : error_wrap(err, "the copy");
}

int
rescue_heal(struct rescue *rescue, struct error *err)
{
    const struct vault_heal_options options = { .left = on_left };
    struct vault_heal_result result = { .points = 0 };
    struct rescue copy = { .clock = rescue->clock };
    bool with_copy = rescue->options.from_storage != NULL;
    int failed = with_copy ? open_copy(rescue, &copy, err) : 0;
    if (failed == 0)
        failed = vault_heal(rescue->vault, copy.vault, &options, &result, err);
    rescue_close(&copy);
    if (failed != 0)
        return -1;
    printf("%" PRIu64 " points looked at, %" PRIu64 " replaced, %" PRIu64 " catalogs made anew; stored anew: %" PRIu64
           " chunks of this vault, %" PRIu64 " chunks and %" PRIu64 " contents of the copy, %" PRIu64 " bytes; %" PRIu64
           " places not healed\n",
           result.points, result.points_replaced, result.catalogs_rebuilt, result.chunks_own, result.chunks_copied,
           result.items_copied, result.bytes_stored, result.left);
    if (result.left > 0)
        return FAIL(err, ERROR_CORRUPT, 0, "%" PRIu64 " places could not be healed", result.left);
    return 0;
}

int
rescue_rebuild_index(struct rescue *rescue, struct error *err)
{
    struct vault_host_stats stats;
    if (vault_host_rebuild_index(rescue->host, err) != 0)
        return -1;
    vault_host_stats(rescue->host, &stats);
    printf("%" PRIu64 " chunks of %" PRIu64 " packs in %" PRIu64 " segments\n", stats.chunks, stats.packs,
           stats.segments);
    return 0;
}
