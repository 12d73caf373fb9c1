#include "director/store/store_repositories.h"

#include "common/base/clock.h"
#include "director/store/store_internal.h"

static const struct store_column columns[] = {
    STORE_COLUMN(TEXT, store_repository, id),         STORE_COLUMN(TEXT, store_repository, name),
    STORE_COLUMN(REF, store_repository, host),        STORE_COLUMN(REF, store_repository, storage_secret),
    STORE_COLUMN(I64, store_repository, created_ms),  STORE_COLUMN(UINT, store_repository, state),
    STORE_COLUMN(TEXT, store_repository, error_kind), STORE_COLUMN(TEXT, store_repository, error_text),
    STORE_COLUMN(U64, store_repository, free_bytes),  STORE_COLUMN(I64, store_repository, reported_ms),
    STORE_COLUMN(BOOL, store_repository, locks),      STORE_COLUMN(TEXT, store_repository, probe),
};
static const struct store_table table = STORE_TABLE("repository", "repository", columns, store_repository);

STORE_EACH(each_repository, store_repository);

const char *
store_repository_state_name(enum store_repository_state state)
{
    static const char *const names[] = {
        [STORE_REPOSITORY_WAITING] = "waiting",
        [STORE_REPOSITORY_ATTACHED] = "attached",
        [STORE_REPOSITORY_FAILED] = "failed",
    };
    return (unsigned)state < ARRAY_LEN(names) ? names[state] : "unknown";
}

int
store_repositories_add(struct store *store, struct store_repository *repository, struct error *err)
{
    if (store_name_check("repository", repository->name, err) != 0 ||
        store_id_fill(store, "repository", repository->id, err) != 0)
        return -1;
    repository->created_ms = clock_wall_ms(store->clock);
    repository->state = STORE_REPOSITORY_WAITING;
    return store_table_insert(store, &table, repository, err);
}

int
store_repositories_find(struct store *store, const char *id_or_name, struct store_repository *repository,
                        struct error *err)
{
    return store_table_find(store, &table, id_or_name, repository, err);
}

int
store_repositories_list(struct store *store, const char *host, struct store_page page,
                        int (*each)(void *ctx, const struct store_repository *repository, struct error *err), void *ctx,
                        struct error *err)
{
    struct each_repository to = { each, ctx };
    struct store_listing listing = { .order = STORE_BY_NAME, .page = page };

    listing.where = *STORE_QUERY("(?1 = '' OR host = ?1)", STORE_TEXT(host != NULL ? host : ""));
    return store_table_list(store, &table, &listing, each_repository, &to, err);
}

int
store_repositories_set_state(struct store *store, const struct store_repository *repository, struct error *err)
{
    struct store_repository row = *repository;

    row.reported_ms = clock_wall_ms(store->clock);
    return store_table_update(store, &table, "state", &row, err);
}

int
store_repositories_delete(struct store *store, const char *id, struct error *err)
{
    return store_table_delete(store, &table, id, err);
}
