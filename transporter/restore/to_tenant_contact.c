#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/graph/graph_json.h"
#include "transporter/graph/graph_url.h"
#include "transporter/restore/to_tenant_internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The service refuses larger ones. */
#define PHOTO_CEILING ((uint64_t)4 << 20)

/* What the service sets itself (contact resource type). */
static bool
is_read_only(const char *key)
{
    static const char *const keys[] = { "id", "changeKey", "createdDateTime", "lastModifiedDateTime",
                                        "parentFolderId" };
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (strcmp(key, keys[i]) == 0)
            return true;
    return strchr(key, '@') != NULL;
}

static json_t *
writable(const json_t *metadata)
{
    json_t *body = json_object();
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)metadata, key, value) {
        if (!is_read_only(key) && !json_is_null(value))
            json_object_set(body, key, value);
    }
    return body;
}

static const char *
address_of(const json_t *contact)
{
    return graph_json_text(json_array_get(json_object_get(contact, "emailAddresses"), 0), "address");
}

/* The same person to somebody who looks at the list. */
static bool
is_twin(const json_t *a, const json_t *b)
{
    return strcmp(graph_json_text(a, "displayName"), graph_json_text(b, "displayName")) == 0 &&
           strcasecmp(address_of(a), address_of(b)) == 0;
}

static int
on_contact(void *ctx, const json_t *row, struct error *err)
{
    (void)err;
    return json_array_append(ctx, (json_t *)(uintptr_t)row);
}

static json_t *
list(struct to_tenant *restore, const char *folder, struct error *err)
{
    CLEANUP(memory_free_p)
    char *url = graph_url("/users/%s/contactFolders/%s/contacts?$select=id,displayName,emailAddresses&$top=500",
                          restore->user, folder);
    CLEANUP(graph_json_unref) json_t *all = json_array();
    return to_tenant_rows(restore, url, on_contact, all, err) == 0 ? json_incref(all) : NULL;
}

/* The id of a contact that was there before the restore came; NULL: there is none. Borrowed from the place. */
static int
find_twin(struct to_tenant *restore, struct to_tenant_place *place, const json_t *contact, const char **id,
          struct error *err)
{
    size_t index;
    const json_t *row;
    *id = NULL;
    if (place->fresh || restore->conflict == TO_TENANT_RENAME)
        return 0;
    pthread_mutex_lock(&restore->index_lock);
    if (place->contacts == NULL)
        place->contacts = list(restore, place->target, err);
    const json_t *contacts = place->contacts;
    pthread_mutex_unlock(&restore->index_lock);
    if (contacts == NULL)
        return error_wrap(err, "contacts already there");
    json_array_foreach (contacts, index, row) {
        if (*id == NULL && is_twin(row, contact))
            *id = graph_json_text(row, "id");
    }
    return 0;
}

static int
on_photo(void *ctx, uint64_t offset, void *out, size_t capacity, size_t *len, struct error *err)
{
    const struct to_tenant_content *content = ctx;
    return content->read(content->ctx, offset, out, capacity, len, err);
}

static int
put_photo(struct to_tenant *restore, const char *id, const struct to_tenant_content *content,
          struct to_tenant_report *report, struct error *err)
{
    struct error failure = ERROR_INIT;
    struct to_tenant_report ignored;
    struct to_tenant_content body = *content;
    CLEANUP(graph_response_clear) struct graph_response response = { .status = 0 };
    CLEANUP(memory_free_p) char *url = graph_url("/users/%s/contacts/%s/photo/$value", restore->user, id);
    static const char *const headers[] = { "Prefer: IdType=\"ImmutableId\"" };
    const struct graph_request request = {
        .method = "PUT",
        .url = url,
        .service = GRAPH_EXCHANGE,
        .mailbox = restore->user,
        .headers = headers,
        .header_count = ARRAY_LEN(headers),
        .content_type = "image/jpeg",
        .body_fn = on_photo,
        .body_ctx = &body,
        .body_len = content->len,
        .expect_404 = true,
        .cancel = restore->cancel,
    };
    if (content->len > PHOTO_CEILING) {
        to_tenant_lose(report, "photo_too_large");
        return 0;
    }
    if (graph_client_request(restore->graph, &request, &response, &failure) == 0)
        return 0;
    if (to_tenant_judge(&response, &ignored, &failure) != 0) {
        *err = failure;
        return -1;
    }
    to_tenant_lose(report, "photo_refused");
    return 0;
}

int
to_tenant_contact(struct to_tenant *restore, const struct source_item *item, const struct to_tenant_content *content,
                  struct to_tenant_report *report, struct error *err)
{
    CLEANUP(graph_response_clear) struct graph_response response = { .status = 0 };
    CLEANUP(graph_json_unref) json_t *metadata = json_loadb(item->metadata, item->metadata_len, 0, NULL);
    struct to_tenant_place *place = to_tenant_place(restore, item->parent_id);
    const char *twin;
    if (!json_is_object(metadata)) {
        to_tenant_fail(report, TO_TENANT_FAILED, "malformed", "no properties");
        return 0;
    }
    if (find_twin(restore, place, metadata, &twin, err) != 0)
        return -1;
    if (twin != NULL && restore->conflict == TO_TENANT_SKIP) {
        to_tenant_fail(report, TO_TENANT_SKIPPED, "exists", "");
        return 0;
    }
    /* A parent that was not restored with it: the main folder. */
    const char *folder = place != &restore->top ? place->target : "contacts";
    CLEANUP(memory_free_p)
    char *url = twin != NULL ? graph_url("/users/%s/contacts/%s", restore->user, twin)
                             : graph_url("/users/%s/contactFolders/%s/contacts", restore->user, folder);
    CLEANUP(graph_json_unref) json_t *body = writable(metadata);
    CLEANUP(graph_json_unref)
    json_t *made = to_tenant_ask(restore, twin != NULL ? "PATCH" : "POST", url, body, &response, err);
    if (made == NULL)
        return to_tenant_judge(&response, report, err);
    snprintf(report->new_id, sizeof(report->new_id), "%s", graph_json_text(made, "id"));
    return content->len > 0 ? put_photo(restore, report->new_id, content, report, err) : 0;
}
