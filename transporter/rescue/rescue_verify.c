#include "transporter/rescue/rescue_internal.h"

#include "common/vault/vault_verify.h"

#include <inttypes.h>
#include <stdio.h>

static int
on_damage(void *ctx, const struct vault_damage *damage, struct error *err)
{
    (void)ctx;
    (void)err;
    printf("%s\n", damage->meaning);
    return 0;
}

int
rescue_verify(struct rescue *rescue, struct error *err)
{
    const struct vault_verify_options options = { .data = true, .damage = on_damage };
    const char *ids[1] = { rescue->options.point };
    struct vault_verify_result result = { .points = 0 };
    bool one = rescue->options.point != NULL;
    if (vault_verify(rescue->vault, one ? ids : NULL, one ? 1 : 0, &options, &result, err) != 0)
        return -1;
    printf("%" PRIu64 " points, %" PRIu64 " items, %" PRIu64 " chunks, %" PRIu64 " bytes read, %" PRIu64 " damaged\n",
           result.points, result.items, result.chunks, result.bytes, result.damaged);
    if (result.damaged > 0)
        return FAIL(err, ERROR_CORRUPT, 0, "%" PRIu64 " damaged places", result.damaged);
    return 0;
}
