#include "director/store/store_objects.h"

#include "common/base/clock.h"
#include "director/store/store_internal.h"

#include <string.h>

static const struct store_column columns[] = {
    STORE_COLUMN(TEXT, store_object, id),           STORE_COLUMN(REF, store_object, tenant),
    STORE_COLUMN(UINT, store_object, kind),         STORE_COLUMN(TEXT, store_object, external_id),
    STORE_COLUMN(I64, store_object, first_seen_ms), STORE_COLUMN(TEXT, store_object, name),
    STORE_COLUMN(I64, store_object, last_seen_ms),
};
static const struct store_table table = STORE_TABLE("object", "object", columns, store_object);

STORE_EACH(each_object, store_object);

static const char *const kinds[] = {
    [STORE_OBJECT_ANY] = "any",
    [STORE_OBJECT_MAILBOX] = "mailbox",
    [STORE_OBJECT_DRIVE] = "drive",
};

const char *
store_object_kind_name(enum store_object_kind kind)
{
    return (unsigned)kind < ARRAY_LEN(kinds) ? kinds[kind] : "unknown";
}

int
store_object_kind_from_name(const char *name, enum store_object_kind *kind)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i], name) == 0) {
            *kind = (enum store_object_kind)i;
            return 0;
        }
    return -1;
}

int
store_objects_put(struct store *store, struct store_object *object, struct error *err)
{
    struct store_object known;
    struct error missing = ERROR_INIT;

    if (object->kind == STORE_OBJECT_ANY || (unsigned)object->kind >= ARRAY_LEN(kinds))
        return FAIL(err, ERROR_USAGE, 0, "an object has a kind");
    if (!store_title_valid(object->name, sizeof(object->name)) ||
        !store_title_valid(object->external_id, sizeof(object->external_id)))
        return FAIL(err, ERROR_USAGE, 0, "name or id of an object is empty, too long or not UTF-8");
    object->last_seen_ms = clock_wall_ms(store->clock);
    if (store_table_one(store, &table,
                        STORE_QUERY("WHERE tenant = ?1 AND kind = ?2 AND external_id = ?3", STORE_TEXT(object->tenant),
                                    STORE_INT(object->kind), STORE_TEXT(object->external_id)),
                        NULL, &known, &missing) == 0) {
        memcpy(object->id, known.id, sizeof(object->id));
        object->first_seen_ms = known.first_seen_ms;
        return store_table_update(store, &table, "name", object, err);
    }
    if (missing.kind != ERROR_NOT_FOUND)
        return FAIL(err, missing.kind, missing.native, "%s", missing.text);
    object->id[0] = '\0';
    object->first_seen_ms = object->last_seen_ms;
    if (store_id_fill(store, "object", object->id, err) != 0)
        return -1;
    return store_table_insert(store, &table, object, err);
}

int
store_objects_find(struct store *store, const char *id, struct store_object *object, struct error *err)
{
    return store_table_find_id(store, &table, id, object, err);
}

int
store_objects_find_named(struct store *store, const char *tenant, enum store_object_kind kind, const char *name,
                         struct store_object *object, struct error *err)
{
    return store_table_one(store, &table,
                           STORE_QUERY("WHERE tenant = ?1 AND (?2 = 0 OR kind = ?2) AND (name = ?3 OR external_id = ?3)"
                                       " ORDER BY kind, seq LIMIT 1",
                                       STORE_TEXT(tenant), STORE_INT(kind), STORE_TEXT(name)),
                           NULL, object, err);
}

int
store_objects_list(struct store *store, const char *tenant, enum store_object_kind kind, struct store_page page,
                   int (*each)(void *ctx, const struct store_object *object, struct error *err), void *ctx,
                   struct error *err)
{
    struct each_object to = { each, ctx };
    struct store_listing listing = { .order = STORE_BY_NAME, .page = page };

    listing.where = *STORE_QUERY("tenant = ?1 AND (?2 = 0 OR kind = ?2)", STORE_TEXT(tenant), STORE_INT(kind));
    return store_table_list(store, &table, &listing, each_object, &to, err);
}
