#include "director/jobs/run_start_internal.h"
#include "director/store/store_secrets.h"
#include "director/store/store_transporters.h"

#include <stdio.h>
#include <string.h>

struct search {
    struct store *store;
    const struct run_start_holder *holder;
    bool found;
    char able[STORE_TEXT_LEN / 2]; /* names of who could, when `only` cannot */
};

static int
has_all(const struct search *s, const char *transporter, struct error *err)
{
    int has = 1;

    for (size_t i = 0; has > 0 && i < s->holder->count; i++)
        has = store_secrets_has_slot(s->store, s->holder->secrets[i], transporter, err);
    return has;
}

static int
on_transporter(void *ctx, const struct store_transporter *transporter, struct error *err)
{
    struct search *s = ctx;
    size_t len = strlen(s->able);

    if (transporter->revoked_ms != 0)
        return 0;
    int has = has_all(s, transporter->id, err);
    if (has <= 0)
        return has;
    if (s->holder->only[0] == '\0' || strcmp(s->holder->only, transporter->id) == 0)
        s->found = true;
    if (len + strlen(transporter->name) + 3 < sizeof(s->able))
        snprintf(s->able + len, sizeof(s->able) - len, "%s%s", len > 0 ? ", " : "", transporter->name);
    return 0;
}

int
run_start_require_holder(struct store *store, const struct run_start_holder *holder, struct error *err)
{
    struct search s = { .store = store, .holder = holder };
    struct store_transporter only;

    if (store_transporters_list(store, (struct store_page){ 0 }, on_transporter, &s, err) != 0)
        return -1;
    if (s.found)
        return 0;
    if (holder->only[0] == '\0')
        return FAIL(err, ERROR_CONFLICT, 0, "no transporter holds %s: %s", holder->lacks, holder->advice);
    if (store_transporters_find(store, holder->only, &only, err) != 0)
        return -1;
    return FAIL(err, ERROR_CONFLICT, 0, "transporter %s does not hold %s (%s%s): %s", only.name, holder->lacks,
                s.able[0] != '\0' ? "held by " : "nobody does", s.able, holder->advice);
}
