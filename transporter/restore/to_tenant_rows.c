#include "common/base/memory.h"
#include "transporter/graph/graph_json.h"
#include "transporter/graph/graph_pager.h"
#include "transporter/restore/to_tenant_internal.h"

#include <string.h>
#include <strings.h>

int
to_tenant_rows(const struct to_tenant *restore, const char *url, to_tenant_row_fn *found, void *ctx, struct error *err)
{
    CLEANUP(graph_pager_free_p)
    struct graph_pager *pager = graph_pager_new(&(struct graph_pager_options){
        .client = restore->graph,
        .service = GRAPH_EXCHANGE,
        .mailbox = restore->user,
        .url = url,
        .cancel = restore->cancel,
    });
    for (;;) {
        CLEANUP(graph_json_unref) json_t *page = NULL;
        size_t index;
        const json_t *row;
        int status = graph_pager_next(pager, &page, err);
        if (status <= 0)
            return status;
        json_array_foreach (page, index, row) {
            status = found(ctx, row, err);
            if (status != 0)
                return status < 0 ? -1 : 0;
        }
    }
}

struct wanted {
    const char *name;
    char **target;
};

static int
on_folder(void *ctx, const json_t *row, struct error *err)
{
    const struct wanted *wanted = ctx;
    (void)err;
    if (strcasecmp(graph_json_text(row, "displayName"), wanted->name) != 0)
        return 0;
    *wanted->target = memory_strdup(graph_json_text(row, "id"));
    return 1;
}

int
to_tenant_find_folder(const struct to_tenant *restore, const char *url, const char *name, char **target,
                      struct error *err)
{
    struct wanted wanted = { .name = name, .target = target };
    return to_tenant_rows(restore, url, on_folder, &wanted, err);
}
