#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/graph/graph_error.h"
#include "transporter/graph/graph_json.h"
#include "transporter/graph/graph_url.h"
#include "transporter/source/drive_internal.h"

#include <stdlib.h>
#include <string.h>

static struct drive *
drive_of(struct source *source)
{
    return (struct drive *)(void *)source; /* base is the first member */
}

/* id of what url names, into *id. */
static int
ask_id(struct drive *drive, const char *url, char **id, struct error *err)
{
    const struct graph_request request = { .url = url, .service = GRAPH_DRIVE, .cancel = drive->base.cancel };
    CLEANUP(graph_json_unref) json_t *json = graph_client_json(drive->base.graph, &request, NULL, err);

    if (json == NULL)
        return -1;
    free(*id);
    *id = memory_strdup(graph_json_text(json, "id"));
    return (*id)[0] != '\0' ? 0 : FAIL(err, ERROR_FORMAT, 200, "Microsoft Graph gave a drive without id");
}

static int
start(struct drive *drive, struct error *err)
{
    CLEANUP(memory_free_p) char *known = memory_strdup(drive->drive_id);
    CLEANUP(memory_free_p) char *url = graph_url("/users/%s/drive?$select=id,driveType", drive->base.user);

    if (ask_id(drive, url, &drive->drive_id, err) != 0)
        return -1;
    if (strcmp(known, drive->drive_id) != 0) {
        /* First run, or the user was given a new drive: the old cursor says nothing about it. */
        free(drive->link);
        drive->link = memory_strdup("");
    }
    CLEANUP(memory_free_p) char *root_url = graph_url("/drives/%s/root?$select=id", drive->drive_id);
    return ask_id(drive, root_url, &drive->root_id, err);
}

static int
open_pager(struct drive *drive, const char *link, struct error *err)
{
    CLEANUP(memory_free_p) char *fresh = graph_url("/drives/%s/root/delta?" DRIVE_SELECT, drive->drive_id);

    drive->anew = drive->link[0] == '\0';
    graph_pager_free(drive->pager);
    drive->pager = graph_pager_new(&(struct graph_pager_options){
        .client = drive->base.graph,
        .service = GRAPH_DRIVE,
        .url = link[0] != '\0' ? link : fresh,
        .page_size = drive->base.page_size,
        .delta = true,
        .cancel = drive->base.cancel,
    });
    json_array_clear(drive->packages);
    if (!drive->anew)
        return 0;
    return source_emit_scope(&drive->base, SOURCE_LISTING, "",
                             CATALOG_KIND_BIT(CATALOG_FOLDER) | CATALOG_KIND_BIT(CATALOG_FILE), err);
}

static int
take_rows(struct drive *drive, const json_t *rows, struct error *err)
{
    uint64_t now = clock_monotonic_ms(graph_client_clock(drive->base.graph));
    size_t index;
    const json_t *row;

    json_array_foreach (rows, index, row) {
        CLEANUP(drive_item_clear) struct drive_item read;
        drive_item_read(row, drive->root_id, now, &read);
        if (read.row == DRIVE_ROW_ROOT || read.row == DRIVE_ROW_UNKNOWN)
            continue;
        if (source_emit(&drive->base, &read.item, err) != 0)
            return -1;
        if (read.row == DRIVE_ROW_ITEM && (read.item.flags & SOURCE_FLAG_PACKAGE) != 0)
            json_array_append_new(drive->packages, json_string(read.item.id));
    }
    return 0;
}

static int
after_refusal(struct drive *drive, const struct error *failure, struct error *err)
{
    struct graph_pager_refusal why = graph_pager_refusal(drive->pager);
    const char *origin = graph_client_origin(drive->base.graph);

    if (!drive->anew && graph_error_is_resync(why.status, why.code, why.inner)) {
        bool told = graph_url_same_origin(origin, why.location);
        CLEANUP(memory_free_p) char *location = memory_strdup(told ? why.location : "");
        source_count_resync(&drive->base);
        free(drive->link);
        drive->link = memory_strdup("");
        return open_pager(drive, location, err) == 0 ? 1 : -1;
    }
    if (err != NULL && !error_is_set(err))
        *err = *failure;
    return -1;
}

static int
read_delta(struct drive *drive, struct error *err)
{
    struct error failure = ERROR_INIT;
    CLEANUP(graph_json_unref) json_t *rows = NULL;

    if (drive->pager == NULL && open_pager(drive, drive->link, err) != 0)
        return -1;
    int status = graph_pager_next(drive->pager, &rows, &failure);
    if (status < 0)
        return after_refusal(drive, &failure, err);
    if (status == 1)
        return take_rows(drive, rows, err) == 0 ? 1 : -1;
    free(drive->link);
    drive->link = memory_strdup(graph_pager_delta_link(drive->pager));
    graph_pager_free(drive->pager);
    drive->pager = NULL;
    return 0;
}

/* Section files of a notebook need not be in the delta: each notebook that changed is listed. */
static int
read_package(struct drive *drive, struct error *err)
{
    const char *id = json_string_value(json_array_get(drive->packages, drive->package));
    CLEANUP(graph_json_unref) json_t *rows = NULL;

    if (id == NULL)
        return 0;
    if (drive->pager == NULL) {
        CLEANUP(memory_free_p) char *url = graph_url("/drives/%s/items/%s/children?" DRIVE_SELECT, drive->drive_id, id);
        drive->pager = graph_pager_new(&(struct graph_pager_options){
            .client = drive->base.graph,
            .service = GRAPH_DRIVE,
            .url = url,
            .cancel = drive->base.cancel,
        });
    }
    int status = graph_pager_next(drive->pager, &rows, err);
    if (status == 1)
        return take_rows(drive, rows, err) == 0 ? 1 : -1;
    if (status < 0 && graph_pager_refusal(drive->pager).status == 404) {
        error_clear(err); /* deleted while the round ran */
        status = 0;
    }
    graph_pager_free(drive->pager);
    drive->pager = NULL;
    drive->package++;
    return status < 0 ? -1 : 1;
}

static int
advance(struct source *source, struct error *err)
{
    struct drive *drive = drive_of(source);
    int status = -1;

    switch (drive->phase) {
    case DRIVE_START:
        status = start(drive, err) == 0 ? 0 : -1;
        break;
    case DRIVE_DELTA:
        status = read_delta(drive, err);
        break;
    case DRIVE_PACKAGES:
        status = read_package(drive, err);
        if (status != 0)
            return status;
        return drive->anew ? source_emit_scope(source, SOURCE_LISTED, "",
                                               CATALOG_KIND_BIT(CATALOG_FOLDER) | CATALOG_KIND_BIT(CATALOG_FILE), err)
                           : 0;
    }
    if (status == 0) {
        drive->phase++;
        return 1;
    }
    return status;
}

static json_t *
cursor(struct source *source)
{
    const struct drive *drive = drive_of(source);
    return json_pack("{s:s,s:s}", "drive", drive->drive_id, "link", drive->link);
}

static void
clear(struct source *source)
{
    struct drive *drive = drive_of(source);

    graph_pager_free(drive->pager);
    json_decref(drive->packages);
    free(drive->drive_id);
    free(drive->root_id);
    free(drive->link);
}

static struct source *
open_drive(const struct source_options *options, struct error *err)
{
    static const struct source_vtable vtable = { advance, drive_fetch, cursor, clear, .gone_without_code = true };
    struct source *source = source_new(sizeof(struct drive), "drive", &vtable, options, err);

    if (source == NULL)
        return NULL;
    struct drive *drive = drive_of(source);
    drive->packages = json_array();
    drive->root_id = memory_strdup("");
    drive->drive_id = memory_strdup(graph_json_text(source->previous, "drive"));
    drive->link = memory_strdup(graph_json_text(source->previous, "link"));
    return source;
}

const struct source_driver drive_driver = { "drive", open_drive };
