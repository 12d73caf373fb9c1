#include "transporter/source/discovery.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/graph/graph_batch.h"
#include "transporter/graph/graph_error.h"
#include "transporter/graph/graph_json.h"
#include "transporter/graph/graph_pager.h"
#include "transporter/graph/graph_url.h"

#include <string.h>

#define USERS_PER_BATCH (GRAPH_BATCH_MAX / 2)

struct discovery {
    struct graph_client *graph;
    discovery_found_fn *found;
    void *ctx;
    const atomic_bool *cancel;
};

static const char *
mailbox_reason(const struct graph_batch_part *part)
{
    if (graph_error_has(part->code, part->inner, "ErrorInvalidUser") ||
        graph_error_has(part->code, part->inner, "ResourceNotFound") ||
        graph_error_has(part->code, part->inner, "Request_ResourceNotFound"))
        return "user_not_found";
    if (part->status == 404)
        return "no_mailbox";
    return part->status == 403 ? "denied" : "unclear";
}

static const char *
drive_reason(const struct graph_batch_part *part)
{
    if (part->status == 404 || part->status == 400)
        return "not_provisioned";
    if (part->status == 423 || graph_error_has(part->code, part->inner, "resourceLocked") ||
        graph_error_has(part->code, part->inner, "notAllowed"))
        return "locked";
    return part->status == 403 ? "denied" : "unclear";
}

static int
report(const struct discovery *d, const json_t *user, enum discovery_kind kind, const struct graph_batch_part *part,
       struct error *err)
{
    struct discovery_object object = {
        .kind = kind,
        .external_id = graph_json_text(user, "id"),
        .name = graph_json_text(user, "userPrincipalName"),
        .display_name = graph_json_text(user, "displayName"),
        .usable = part->status == 200,
        .reason = "",
    };
    if (!object.usable)
        object.reason = kind == DISCOVERY_MAILBOX ? mailbox_reason(part) : drive_reason(part);
    return d->found(d->ctx, &object, err);
}

/* A disabled account without licence may own a shared mailbox: only asking tells. */
static int
probe(const struct discovery *d, const json_t *users, size_t first, struct error *err)
{
    CLEANUP(graph_batch_clear)
    struct graph_batch batch = { .client = d->graph, .service = GRAPH_DIRECTORY, .cancel = d->cancel };
    size_t count = json_array_size(users) - first;

    if (count > USERS_PER_BATCH)
        count = USERS_PER_BATCH;
    for (size_t i = 0; i < count; i++) {
        const char *id = graph_json_text(json_array_get(users, first + i), "id");
        batch.parts[batch.count++].url = graph_url("/users/%s/mailFolders/inbox?$select=id", id);
        batch.parts[batch.count++].url = graph_url("/users/%s/drive?$select=id", id);
    }
    if (graph_batch_run(&batch, err) != 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        const json_t *user = json_array_get(users, first + i);
        if (report(d, user, DISCOVERY_MAILBOX, &batch.parts[2 * i], err) != 0 ||
            report(d, user, DISCOVERY_DRIVE, &batch.parts[2 * i + 1], err) != 0)
            return -1;
    }
    return 0;
}

static int
probe_page(const struct discovery *d, const json_t *page, struct error *err)
{
    CLEANUP(graph_json_unref) json_t *users = json_array();
    size_t index;
    json_t *user;

    json_array_foreach (page, index, user) {
        if (graph_json_text(user, "id")[0] != '\0' && strcmp(graph_json_text(user, "userType"), "Guest") != 0)
            json_array_append(users, user);
    }
    for (size_t first = 0; first < json_array_size(users); first += USERS_PER_BATCH)
        if (probe(d, users, first, err) != 0)
            return -1;
    return 0;
}

int
discovery_run(struct graph_client *graph, discovery_found_fn *found, void *ctx, const atomic_bool *cancel,
              struct error *err)
{
    const struct discovery d = { graph, found, ctx, cancel };
    CLEANUP(graph_pager_free_p)
    struct graph_pager *pager = graph_pager_new(&(struct graph_pager_options){
        .client = graph,
        .service = GRAPH_DIRECTORY,
        .url = "/users?$select=id,userPrincipalName,displayName,userType,accountEnabled&$top=999",
        .cancel = cancel,
    });

    for (;;) {
        CLEANUP(graph_json_unref) json_t *page = NULL;
        int status = graph_pager_next(pager, &page, err);
        if (status < 0)
            return error_wrap(err, "users");
        if (status == 0)
            return 0;
        if (probe_page(&d, page, err) != 0)
            return -1;
    }
}
