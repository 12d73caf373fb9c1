#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/graph/graph_error.h"
#include "transporter/graph/graph_json.h"
#include "transporter/graph/graph_url.h"
#include "transporter/source/collection.h"

#include <string.h>

/* "contacts" is the well-known name of the folder that no list of contact folders names (contactFolder resource type).
 */

static int
read_folder(struct collection *collection, const json_t *row, struct source_item *item, struct collection_texts *texts,
            struct error *err)
{
    (void)collection;
    (void)err;
    collection_read_row(row, item, texts);
    item->name = graph_json_text(row, "displayName");
    item->change_tag = "";
    return 1;
}

static const char *
first_address(const json_t *row)
{
    return graph_json_text(json_array_get(json_object_get(row, "emailAddresses"), 0), "address");
}

/* What an address book would show. */
static const char *
title(const json_t *row)
{
    static const char *const names[] = { "displayName", "fileAs", "companyName", "nickName" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *name = graph_json_text(row, names[i]);
        if (name[0] != '\0')
            return name;
    }
    return first_address(row);
}

static int
read_contact(struct collection *collection, const json_t *row, struct source_item *item, struct collection_texts *texts,
             struct error *err)
{
    (void)collection;
    (void)err;
    collection_read_row(row, item, texts);
    item->name = title(row);
    item->from = first_address(row);
    item->size = item->metadata_len;
    item->has_content = true;
    return 1;
}

static bool
has_no_photo(const struct graph_response *response)
{
    return response->status == 404 && (graph_error_has(response->code, response->inner, "ErrorItemNotFound") ||
                                       graph_error_has(response->code, response->inner, "ImageNotFound"));
}

/* A contact's row does not tell whether there is a photo; none is an empty content. */
static int
fetch_photo(struct source *source, const struct source_item *item, const struct source_sink *sink,
            struct source_outcome *outcome, struct error *err)
{
    uint64_t bytes;
    CLEANUP(memory_free_p) char *url = graph_url("/users/%s/contacts/%s/photo/$value", source->user, item->id);
    CLEANUP(graph_response_clear) struct graph_response response = { .status = 0 };
    if (source_download(source, url, sink, &response, &bytes, err) == 0) {
        source_outcome_good(source, outcome, bytes);
        return 0;
    }
    if (!has_no_photo(&response))
        return source_outcome_judge(source, &response, outcome, err);
    error_clear(err);
    source_outcome_good(source, outcome, 0);
    return 0;
}

static struct source *
open_contacts(const struct source_options *options, struct error *err)
{
    static const struct collection_workload workload = {
        .name = "exchange-contacts",
        .container = CATALOG_CONTACT_FOLDER,
        .item = CATALOG_CONTACT,
        .main_name = "contacts",
        .main_container = "/users/%s/contactFolders/contacts",
        .containers = "/users/%s/contactFolders/delta",
        .items = "/users/%s/contactFolders/%s/contacts/delta",
        .containers_by_delta = true,
        .read_container = read_folder,
        .read_item = read_contact,
        .fetch = fetch_photo,
    };
    return collection_open(&workload, options, err);
}

const struct source_driver exchange_contacts_driver = { "exchange-contacts", open_contacts };
