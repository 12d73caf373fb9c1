#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/graph/graph_error.h"
#include "transporter/graph/graph_json.h"
#include "transporter/graph/graph_url.h"
#include "transporter/restore/to_tenant_internal.h"

#include <stdlib.h>
#include <string.h>

/* The standard folder of the receiving mailbox, whatever it is called there. */
static int
find_well_known(struct to_tenant *restore, const char *well_known, char **target, struct error *err)
{
    struct error failure = ERROR_INIT;
    CLEANUP(memory_free_p) char *url = graph_url("/users/%s/mailFolders/%s?$select=id", restore->user, well_known);
    CLEANUP(graph_json_unref) json_t *folder = to_tenant_ask(restore, NULL, url, NULL, NULL, &failure);

    if (folder != NULL)
        *target = memory_strdup(graph_json_text(folder, "id"));
    else if (failure.kind != ERROR_NOT_FOUND && failure.kind != ERROR_USAGE)
        *err = failure;
    return error_is_set(err) ? -1 : 0;
}

int
to_tenant_mail_folder(struct to_tenant *restore, const char *parent, const struct source_item *folder, char **target,
                      bool *fresh, struct to_tenant_report *report, struct error *err)
{
    CLEANUP(graph_response_clear) struct graph_response response = { .status = 0 };

    if (folder->well_known[0] != '\0' && !restore->below_top &&
        (find_well_known(restore, folder->well_known, target, err) != 0 || *target != NULL))
        return *target != NULL ? 0 : -1;
    CLEANUP(memory_free_p) char *url = graph_url("/users/%s/mailFolders/%s/childFolders", restore->user, parent);
    CLEANUP(graph_json_unref)
    json_t *body =
        json_pack("{s:s,s:b}", "displayName", folder->name, "isHidden", (folder->flags & SOURCE_FLAG_HIDDEN) != 0);
    CLEANUP(graph_json_unref) json_t *made = to_tenant_ask(restore, "POST", url, body, &response, err);
    if (made != NULL) {
        *target = memory_strdup(graph_json_text(made, "id"));
        *fresh = true;
        return 0;
    }
    if (err->kind != ERROR_EXISTS && response.status != 409)
        return to_tenant_judge(&response, report, err);
    error_clear(err);
    CLEANUP(memory_free_p)
    char *children = graph_url("/users/%s/mailFolders/%s/childFolders?includeHiddenFolders=true&$select=id,displayName"
                               "&$top=250",
                               restore->user, parent);
    if (to_tenant_find_folder(restore, children, folder->name, target, err) != 0)
        return -1;
    if (*target == NULL)
        to_tenant_fail(report, TO_TENANT_FAILED, "refused", "409 and no such folder");
    return 0;
}
