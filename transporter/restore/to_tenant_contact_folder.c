#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/graph/graph_json.h"
#include "transporter/graph/graph_url.h"
#include "transporter/restore/to_tenant_internal.h"

#include <stdlib.h>
#include <string.h>

/* Below a folder, or beside the main one; the caller frees it. */
static char *
children_url(const struct to_tenant *restore, const char *parent)
{
    return parent[0] != '\0' ? graph_url("/users/%s/contactFolders/%s/childFolders", restore->user, parent)
                             : graph_url("/users/%s/contactFolders", restore->user);
}

static int
make(struct to_tenant *restore, const char *parent, const char *name, char **target, bool *fresh,
     struct to_tenant_report *report, struct error *err)
{
    CLEANUP(graph_response_clear) struct graph_response response = { .status = 0 };
    CLEANUP(memory_free_p) char *url = children_url(restore, parent);
    CLEANUP(graph_json_unref) json_t *body = json_pack("{s:s}", "displayName", name);
    if (to_tenant_find_folder(restore, url, name, target, err) != 0)
        return -1;
    if (*target != NULL)
        return 0;
    CLEANUP(graph_json_unref) json_t *made = to_tenant_ask(restore, "POST", url, body, &response, err);
    if (made == NULL)
        return to_tenant_judge(&response, report, err);
    *target = memory_strdup(graph_json_text(made, "id"));
    *fresh = true;
    return 0;
}

/* A restore that has a mail folder of its own gets a contact folder of that name too. */
static int
find_top(struct to_tenant *restore, struct to_tenant_report *report, struct error *err)
{
    bool fresh = false;
    if (restore->contact_top != NULL)
        return 0;
    if (!restore->below_top) {
        restore->contact_top = memory_strdup("");
        return 0;
    }
    return make(restore, "", restore->top_name, &restore->contact_top, &fresh, report, err);
}

int
to_tenant_contact_folder(struct to_tenant *restore, const struct source_item *folder, char **target, bool *fresh,
                         struct to_tenant_report *report, struct error *err)
{
    const struct to_tenant_place *place = to_tenant_place(restore, folder->parent_id);
    if (find_top(restore, report, err) != 0)
        return -1;
    if (restore->contact_top == NULL)
        return 0; /* report says why */
    const char *parent = place != &restore->top ? place->target : restore->contact_top;
    if (strcmp(folder->well_known, "contacts") != 0 || restore->below_top)
        return make(restore, parent, folder->name, target, fresh, report, err);
    CLEANUP(memory_free_p) char *url = graph_url("/users/%s/contactFolders/contacts", restore->user);
    CLEANUP(graph_json_unref) json_t *main_folder = to_tenant_ask(restore, NULL, url, NULL, NULL, err);
    if (main_folder == NULL)
        return error_wrap(err, "contacts of the receiving user");
    *target = memory_strdup(graph_json_text(main_folder, "id"));
    return 0;
}
