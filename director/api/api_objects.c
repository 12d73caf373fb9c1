#include "director/api/api_handlers.h"
#include "director/api/api_json.h"
#include "director/store/store_objects.h"
#include "director/store/store_tenants.h"

static json_t *
object_json(const struct store_object *object)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "id", object->id, "tenant", object->tenant, "kind",
                     store_object_kind_name(object->kind), "name", object->name, "external_id", object->external_id,
                     "first_seen", api_json_time(object->first_seen_ms), "last_seen",
                     api_json_time(object->last_seen_ms));
}

static int
on_object(void *ctx, const struct store_object *object, struct error *err)
{
    (void)err;
    return api_json_page_add(ctx, object->id, object_json(object));
}

static int
read_kind(const struct api_call *call, enum store_object_kind *kind, struct error *err)
{
    const char *text = api_call_query(call, "kind");

    *kind = STORE_OBJECT_ANY;
    if (text != NULL && store_object_kind_from_name(text, kind) != 0)
        return FAIL(err, ERROR_USAGE, 0, "?kind= is any, mailbox or drive");
    return 0;
}

/* With ?name= at most one: the object of this name or external id. */
int
api_objects_list(struct api_call *call, struct error *err)
{
    struct store_tenant tenant;
    struct store_object object;
    enum store_object_kind kind;
    struct api_page page;
    const char *name = api_call_query(call, "name");

    if (store_tenants_find(call->store, api_call_parameter(call, 0), &tenant, err) != 0 ||
        api_json_tenant_check(call, tenant.id, "tenant", err) != 0 || read_kind(call, &kind, err) != 0 ||
        api_json_page_begin(call, &page, err) != 0)
        return -1;
    if (name == NULL)
        return api_json_page_end(&page,
                                 store_objects_list(call->store, tenant.id, kind, page.page, on_object, &page, err));
    int result = store_objects_find_named(call->store, tenant.id, kind, name, &object, err);
    return api_json_page_end(&page, result != 0 ? result : on_object(&page, &object, err));
}

int
api_objects_show(struct api_call *call, struct error *err)
{
    struct store_object object;

    if (store_objects_find(call->store, api_call_parameter(call, 0), &object, err) != 0 ||
        api_json_tenant_check(call, object.tenant, "object", err) != 0)
        return -1;
    return api_call_reply(call, object_json(&object));
}
