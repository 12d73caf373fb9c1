#include "common/vault/vault_copy_internal.h"

#include <stdio.h>
#include <string.h>

int
vault_copy_check(const struct vault_copy *copy, struct error *err)
{
    const bool *cancelled = copy->options->cancelled;
    if (cancelled != NULL && __atomic_load_n(cancelled, __ATOMIC_RELAXED))
        return FAIL(err, ERROR_CANCELLED, 0, "the copy was cancelled");
    return 0;
}

void
vault_copy_progress(const struct vault_copy *copy)
{
    if (copy->options->progress != NULL)
        copy->options->progress(copy->options->ctx, copy->counts);
}

int
vault_copy_tell(struct vault_copy *copy, struct catalog_key item, const char *text, const struct error *cause,
                struct error *err)
{
    char full[sizeof(cause->text) + 512];
    struct vault_copy_damage damage = { .item = item, .text = full, .cause = cause };
    memcpy(damage.point, copy->point, sizeof(damage.point));
    snprintf(full, sizeof(full), "%s: %s", text, cause->text);
    copy->counts->damaged++;
    return copy->options->damage == NULL ? 0 : copy->options->damage(copy->options->ctx, &damage, err);
}

int
vault_copy_told(struct vault_copy *copy, const char *id, const struct point *point, bool there, uint64_t stored,
                struct error *err)
{
    if (there)
        copy->counts->points_there++;
    else
        copy->counts->points_copied++;
    vault_copy_progress(copy);
    if (copy->options->copied == NULL)
        return 0;
    return copy->options->copied(copy->options->ctx, id, point, there, stored, err);
}
