#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/graph/graph_json.h"
#include "transporter/graph/graph_url.h"
#include "transporter/restore/to_tenant_internal.h"

int
to_tenant_drive_folder(struct to_tenant *restore, const char *parent, const struct source_item *folder, char **target,
                       bool *fresh, struct to_tenant_report *report, struct error *err)
{
    CLEANUP(memory_free_p) char *url = graph_url("/drives/%s/items/%s/children", restore->drive_id, parent);
    CLEANUP(graph_json_unref)
    json_t *body =
        json_pack("{s:s,s:{},s:s}", "name", folder->name, "folder", "@microsoft.graph.conflictBehavior", "fail");
    CLEANUP(graph_response_clear) struct graph_response response = { .status = 0 };
    CLEANUP(graph_json_unref) json_t *made = to_tenant_ask(restore, "POST", url, body, &response, err);

    if ((folder->flags & SOURCE_FLAG_PACKAGE) != 0)
        to_tenant_lose(report, "notebook_as_folder");
    if (made != NULL) {
        *target = memory_strdup(graph_json_text(made, "id"));
        *fresh = true;
        return 0;
    }
    if (err->kind != ERROR_EXISTS && response.status != 409)
        return to_tenant_judge(&response, report, err);
    error_clear(err);
    graph_response_clear(&response);
    CLEANUP(memory_free_p)
    char *by_name =
        graph_url("/drives/%s/items/%s:/%s:?$select=id,folder,package", restore->drive_id, parent, folder->name);
    CLEANUP(graph_json_unref) json_t *there = to_tenant_ask(restore, NULL, by_name, NULL, &response, err);
    if (there == NULL)
        return to_tenant_judge(&response, report, err);
    if (json_object_get(there, "folder") == NULL && json_object_get(there, "package") == NULL) {
        to_tenant_fail(report, TO_TENANT_FAILED, "exists", "a file has the folder's name");
        return 0;
    }
    *target = memory_strdup(graph_json_text(there, "id"));
    return 0;
}
