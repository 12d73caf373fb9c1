#include "director/api/api_json.h"

#include "common/base/clock.h"
#include "common/base/encoding.h"
#include "common/base/memory.h"
#include "director/store/store_jobs.h"
#include "director/store/store_objects.h"
#include "director/store/store_repositories.h"
#include "director/store/store_tenants.h"
#include "director/store/store_transporters.h"
#include "director/store/store_vaults.h"

#include <stdlib.h>
#include <string.h>

#define BYTES_MAX  ((size_t)8 << 20)
#define PAGE_LIMIT 100

json_t *
api_json_time(int64_t wall_ms)
{
    char text[CLOCK_TEXT_LEN];

    if (wall_ms == 0)
        return json_null();
    clock_format_ms(wall_ms, text);
    return json_string(text);
}

json_t *
api_json_text(const char *text)
{
    return text[0] == '\0' ? json_null() : json_string(text);
}

json_t *
api_json_bytes(const void *data, size_t len)
{
    CLEANUP(memory_free_p) char *text = memory_array(ENCODING_BASE64_LEN(len), 1, BYTES_MAX, NULL);

    if (text == NULL)
        return NULL;
    size_t text_len = encoding_base64(data, len, text);
    return json_stringn(text, text_len);
}

json_t *
api_json_hex(const void *data, size_t len)
{
    CLEANUP(memory_free_p) char *text = memory_array(2 * len + 1, 1, BYTES_MAX, NULL);

    if (text == NULL)
        return NULL;
    encoding_hex(data, len, text);
    return json_string(text);
}

json_t *
api_json_labels(const struct store_labels *labels)
{
    json_t *object = json_object();

    for (size_t i = 0; i < labels->count; i++)
        json_object_set_new(object, labels->at[i].key, json_string(labels->at[i].value));
    return object;
}

json_t *
api_json_error(const char *kind, const char *text)
{
    if (kind[0] == '\0')
        return json_null();
    return json_pack("{s:s, s:s}", "kind", kind, "message", text);
}

static json_t *
reference(const char *id, const char *name)
{
    if (id[0] == '\0')
        return json_null();
    return json_pack("{s:s, s:s?}", "id", id, "name", name);
}

/* The rows are large for a stack that already holds one; the name is all that is wanted. */
#define REFERENCE(type, find)                                                                                          \
    CLEANUP(memory_free_p) struct type *row = MEMORY_NEW(struct type);                                                 \
    struct error ignored = ERROR_INIT;                                                                                 \
    bool found = id[0] != '\0' && find(call->store, id, row, &ignored) == 0;                                           \
    return reference(id, found ? row->name : NULL)

json_t *
api_json_tenant(const struct api_call *call, const char *id)
{
    REFERENCE(store_tenant, store_tenants_find);
}

json_t *
api_json_vault(const struct api_call *call, const char *id)
{
    REFERENCE(store_vault, store_vaults_find);
}

json_t *
api_json_repository(const struct api_call *call, const char *id)
{
    REFERENCE(store_repository, store_repositories_find);
}

json_t *
api_json_transporter(const struct api_call *call, const char *id)
{
    REFERENCE(store_transporter, store_transporters_find);
}

json_t *
api_json_job(const struct api_call *call, const char *id)
{
    REFERENCE(store_job, store_jobs_find);
}

json_t *
api_json_object(const struct api_call *call, const char *id)
{
    CLEANUP(memory_free_p) struct store_object *row = MEMORY_NEW(struct store_object);
    struct error ignored = ERROR_INIT;

    if (id[0] == '\0' || store_objects_find(call->store, id, row, &ignored) != 0)
        return reference(id, NULL);
    return json_pack("{s:s, s:s, s:s}", "id", id, "name", row->name, "kind", store_object_kind_name(row->kind));
}

int
api_json_page_begin(struct api_call *call, struct api_page *page, struct error *err)
{
    uint64_t limit;

    memset(page, 0, sizeof(*page));
    if (api_call_query_number(call, "limit", 1, STORE_PAGE_MAX, PAGE_LIMIT, &limit, err) != 0)
        return -1;
    page->call = call;
    page->page.after = api_call_query(call, "after");
    page->page.limit = (unsigned)limit;
    page->items = json_array();
    return 0;
}

int
api_json_page_add(struct api_page *page, const char *id, json_t *item)
{
    snprintf(page->last, sizeof(page->last), "%s", id);
    json_array_append_new(page->items, item);
    return 0;
}

int
api_json_page_end(struct api_page *page, int result)
{
    if (result != 0) {
        json_decref(page->items);
        return -1;
    }
    bool more = json_array_size(page->items) == page->page.limit;
    return api_call_reply(page->call, json_pack("{s:o, s:s?}", "items", page->items, "next", more ? page->last : NULL));
}

int
api_json_tenant_check(const struct api_call *call, const char *tenant, const char *what, struct error *err)
{
    if (call->tenant[0] == '\0' || strcmp(call->tenant, tenant) == 0)
        return 0;
    return FAIL(err, ERROR_NOT_FOUND, 0, "no such %s", what);
}

int
api_json_tenant_filter(const struct api_call *call, char id[IDENTIFIER_LEN], const char **filter, struct error *err)
{
    const char *wanted = api_call_query(call, "tenant");
    struct store_tenant tenant;

    *filter = NULL;
    memcpy(id, call->tenant, IDENTIFIER_LEN);
    if (wanted != NULL) {
        if (store_tenants_find(call->store, wanted, &tenant, err) != 0 ||
            api_json_tenant_check(call, tenant.id, "tenant", err) != 0)
            return -1;
        memcpy(id, tenant.id, IDENTIFIER_LEN);
    }
    if (id[0] != '\0')
        *filter = id;
    return 0;
}

int
api_json_run_started(struct api_call *call, const char *run_id)
{
    call->status = 202;
    return api_call_reply(call, json_pack("{s:s}", "run", run_id));
}
