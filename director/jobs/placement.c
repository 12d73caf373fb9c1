#include "director/jobs/placement.h"

#include <string.h>

const char *
placement_reason_text(enum placement_reason reason)
{
    static const char *const texts[] = {
        [PLACEMENT_NO_TRANSPORTER] = "no transporter is connected",
        [PLACEMENT_PINNED_AWAY] = "the transporter that was asked for is not connected",
        [PLACEMENT_NO_LABEL] = "no connected transporter has the labels that the job asks for",
        [PLACEMENT_NO_SECRET] = "no suitable transporter that is connected holds the secrets: seal them to one",
        [PLACEMENT_HOST_AWAY] = "the vault's host is not connected, or its repository is not attached",
        [PLACEMENT_BUSY] = "another task works on the same object",
        [PLACEMENT_NO_SLOT] = "every suitable transporter is busy",
        [PLACEMENT_FOUND] = "",
    };
    return texts[reason];
}

static bool
has_label(const struct store_labels *labels, const struct store_label *asked)
{
    for (size_t i = 0; i < labels->count; i++)
        if (strcmp(labels->at[i].key, asked->key) == 0)
            return strcmp(labels->at[i].value, asked->value) == 0;
    return false;
}

static bool
has_labels(const struct store_labels *labels, const struct store_labels *asked)
{
    for (size_t i = 0; i < asked->count; i++)
        if (!has_label(labels, &asked->at[i]))
            return false;
    return true;
}

static enum placement_reason
judge(const struct placement_need *need, const struct placement_candidate *c)
{
    if (need->pinned[0] != '\0' && strcmp(need->pinned, c->id) != 0)
        return PLACEMENT_PINNED_AWAY;
    if (!has_labels(c->labels, &need->selector))
        return PLACEMENT_NO_LABEL;
    if (!c->has_secrets)
        return PLACEMENT_NO_SECRET;
    if (need->host_needed && !need->host_online)
        return PLACEMENT_HOST_AWAY;
    if (need->exclusive_busy)
        return PLACEMENT_BUSY;
    if (c->running >= c->slots)
        return PLACEMENT_NO_SLOT;
    return PLACEMENT_FOUND;
}

int
placement_choose(const struct placement_need *need, const struct placement_candidate *candidates, size_t count,
                 enum placement_reason *reason)
{
    enum placement_reason nearest = PLACEMENT_NO_TRANSPORTER;
    int best = -1;

    for (size_t i = 0; i < count; i++) {
        const struct placement_candidate *c = &candidates[i];
        enum placement_reason why = judge(need, c);

        if (why > nearest)
            nearest = why;
        if (why != PLACEMENT_FOUND)
            continue;
        if (best < 0 || (uint64_t)c->running * candidates[best].slots < (uint64_t)candidates[best].running * c->slots)
            best = (int)i;
    }
    if (reason != NULL)
        *reason = nearest;
    return best;
}
