#include "transporter/restore/to_tenant.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/graph/graph_error.h"
#include "transporter/graph/graph_json.h"
#include "transporter/graph/graph_url.h"
#include "transporter/restore/mail_index.h"
#include "transporter/restore/to_tenant_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *
to_tenant_ask(const struct to_tenant *restore, const char *method, const char *url, const json_t *body,
              struct graph_response *response, struct error *err)
{
    static const char *const headers[] = { "Prefer: IdType=\"ImmutableId\"" };
    bool mail = restore->content == CATALOG_MESSAGE;
    size_t len = 0;
    CLEANUP(memory_free_p) char *text = body != NULL ? graph_json_dump(body, &len) : NULL;
    const struct graph_request request = {
        .method = method,
        .url = url,
        .service = mail ? GRAPH_EXCHANGE : GRAPH_DRIVE,
        .mailbox = mail ? restore->user : NULL,
        .headers = headers,
        .header_count = mail ? 1 : 0,
        .body = text,
        .body_len = len,
        /* The message was made a moment ago: other servers may not know it yet. */
        .expect_404 = mail && strstr(url, "/attachments") != NULL,
        .cancel = restore->cancel,
    };
    return graph_client_json(restore->graph, &request, response, err);
}

int
to_tenant_delete(const struct to_tenant *restore, const char *url, struct error *err)
{
    static const char *const headers[] = { "Prefer: IdType=\"ImmutableId\"" };
    struct error failure = ERROR_INIT;
    CLEANUP(graph_response_clear) struct graph_response response = { .status = 0 };
    const struct graph_request request = {
        .method = "DELETE",
        .url = url,
        .service = restore->content == CATALOG_MESSAGE ? GRAPH_EXCHANGE : GRAPH_DRIVE,
        .mailbox = restore->content == CATALOG_MESSAGE ? restore->user : NULL,
        .headers = headers,
        .header_count = 1,
        .cancel = restore->cancel,
    };
    if (graph_client_request(restore->graph, &request, &response, &failure) == 0 || failure.kind == ERROR_NOT_FOUND)
        return 0;
    *err = failure;
    return -1;
}

void
to_tenant_fail(struct to_tenant_report *report, enum to_tenant_result result, const char *reason, const char *detail)
{
    report->result = result;
    snprintf(report->reason, sizeof(report->reason), "%s", reason);
    snprintf(report->detail, sizeof(report->detail), "%s", detail);
}

void
to_tenant_lose(struct to_tenant_report *report, const char *code)
{
    size_t len = strlen(report->losses);

    if (strstr(report->losses, code) == NULL)
        snprintf(report->losses + len, sizeof(report->losses) - len, "%s%s", len > 0 ? "," : "", code);
}

int
to_tenant_judge(const struct graph_response *response, struct to_tenant_report *report, struct error *err)
{
    char detail[160];
    const char *reason = "refused";

    if (response->status < 400 || response->status == 401 || err->kind == ERROR_CANCELLED ||
        err->kind == ERROR_THROTTLED)
        return -1;
    if (err->kind == ERROR_NO_SPACE)
        reason = "quota";
    else if (err->kind == ERROR_LIMIT)
        reason = "too_large";
    else if (err->kind == ERROR_EXISTS)
        reason = "exists";
    else if (err->kind == ERROR_DENIED)
        reason = "denied";
    else if (response->status == 423)
        reason = "locked";
    else if (response->status >= 500)
        reason = "service_error";
    snprintf(detail, sizeof(detail), "%d %s", response->status, response->inner);
    to_tenant_fail(report, err->kind == ERROR_EXISTS ? TO_TENANT_SKIPPED : TO_TENANT_FAILED, reason, detail);
    error_clear(err);
    return 0;
}

struct to_tenant_place *
to_tenant_place(struct to_tenant *restore, const char *parent_id)
{
    struct to_tenant_place *place = NULL;

    pthread_mutex_lock(&restore->lock);
    if (parent_id[0] != '\0')
        HASH_FIND_STR(restore->places, parent_id, place);
    pthread_mutex_unlock(&restore->lock);
    return place != NULL ? place : &restore->top;
}

void
to_tenant_place_add(struct to_tenant *restore, const char *id, const char *target, bool fresh)
{
    struct to_tenant_place *place;

    pthread_mutex_lock(&restore->lock);
    HASH_FIND_STR(restore->places, id, place);
    if (place == NULL) {
        place = MEMORY_NEW(struct to_tenant_place);
        place->id = memory_strdup(id);
        place->target = memory_strdup(target);
        place->fresh = fresh;
        HASH_ADD_KEYPTR(hh, restore->places, place->id, strlen(place->id), place);
    }
    pthread_mutex_unlock(&restore->lock);
}

static int
make_folder(struct to_tenant *restore, const char *parent, const struct source_item *folder, char **target, bool *fresh,
            struct to_tenant_report *report, struct error *err)
{
    *target = NULL;
    *fresh = false;
    if (folder->kind == CATALOG_CONTACT_FOLDER)
        return to_tenant_contact_folder(restore, folder, target, fresh, report, err);
    return restore->content == CATALOG_MESSAGE
               ? to_tenant_mail_folder(restore, parent, folder, target, fresh, report, err)
               : to_tenant_drive_folder(restore, parent, folder, target, fresh, report, err);
}

static int
find_top(struct to_tenant *restore, struct error *err)
{
    CLEANUP(memory_free_p) char *drive_url = graph_url("/users/%s/drive?$select=id", restore->user);
    CLEANUP(memory_free_p) char *mail_url = graph_url("/users/%s/mailFolders/msgfolderroot?$select=id", restore->user);

    if (restore->content == CATALOG_FILE) {
        CLEANUP(graph_json_unref) json_t *drive = to_tenant_ask(restore, NULL, drive_url, NULL, NULL, err);
        if (drive == NULL)
            return error_wrap(err, "drive of the receiving user");
        free(restore->drive_id);
        restore->drive_id = memory_strdup(graph_json_text(drive, "id"));
    }
    CLEANUP(memory_free_p) char *root_url = graph_url("/drives/%s/root?$select=id", restore->drive_id);
    CLEANUP(graph_json_unref)
    json_t *root =
        to_tenant_ask(restore, NULL, restore->content == CATALOG_FILE ? root_url : mail_url, NULL, NULL, err);
    if (root == NULL)
        return error_wrap(err, "%s of the receiving user", restore->content == CATALOG_FILE ? "drive" : "mailbox");
    restore->top.target = memory_strdup(graph_json_text(root, "id"));
    return 0;
}

static int
make_top(struct to_tenant *restore, const char *name, struct error *err)
{
    const struct source_item folder = { .kind = CATALOG_FOLDER, .id = "", .name = name, .well_known = "" };
    struct to_tenant_report report = { .result = TO_TENANT_RESTORED };
    char *target;

    if (make_folder(restore, restore->top.target, &folder, &target, &restore->top.fresh, &report, err) != 0)
        return -1;
    if (target == NULL)
        return FAIL(err, ERROR_DENIED, 0, "the restore's own top folder cannot be made: %s (%s)", report.reason,
                    report.detail);
    free(restore->top.target);
    restore->top.target = target;
    restore->below_top = true;
    restore->top_name = memory_strdup(name);
    return 0;
}

struct to_tenant *
to_tenant_open(const struct to_tenant_options *options, struct error *err)
{
    CLEANUP(to_tenant_free_p) struct to_tenant *restore = MEMORY_NEW(struct to_tenant);

    restore->graph = options->graph;
    restore->user = memory_strdup(options->external_id);
    restore->scratch = memory_strdup(options->scratch);
    restore->content = options->content;
    restore->conflict = options->conflict;
    restore->cancel = options->cancel;
    restore->drive_id = memory_strdup("");
    restore->top.id = memory_strdup("");
    pthread_mutex_init(&restore->lock, NULL);
    pthread_mutex_init(&restore->index_lock, NULL);
    if (find_top(restore, err) != 0)
        return NULL;
    if (options->top_folder != NULL && options->top_folder[0] != '\0' &&
        make_top(restore, options->top_folder, err) != 0)
        return NULL;
    return MOVE(restore);
}

static void
clear_place(struct to_tenant_place *place)
{
    free(place->id);
    free(place->target);
    mail_index_free(place->index);
    json_decref(place->contacts);
}

void
to_tenant_free(struct to_tenant *restore)
{
    struct to_tenant_place *place, *next;

    if (restore == NULL)
        return;
    HASH_ITER (hh, restore->places, place, next) {
        HASH_DEL(restore->places, place);
        clear_place(place);
        free(place);
    }
    clear_place(&restore->top);
    pthread_mutex_destroy(&restore->lock);
    pthread_mutex_destroy(&restore->index_lock);
    free(restore->user);
    free(restore->scratch);
    free(restore->drive_id);
    free(restore->top_name);
    free(restore->contact_top);
    free(restore);
}

void
to_tenant_free_p(struct to_tenant **restore)
{
    to_tenant_free(*restore);
}

int
to_tenant_folder(struct to_tenant *restore, const struct source_item *folder, struct to_tenant_report *report,
                 struct error *err)
{
    struct error failure = ERROR_INIT;
    const char *parent = to_tenant_place(restore, folder->parent_id)->target;
    char *target;
    bool fresh;

    *report = (struct to_tenant_report){ .result = TO_TENANT_RESTORED };
    if (make_folder(restore, parent, folder, &target, &fresh, report, &failure) != 0) {
        if (err != NULL && !error_is_set(err))
            *err = failure;
        return -1;
    }
    /* Content of a folder that cannot be made still comes back, one level higher. */
    to_tenant_place_add(restore, folder->id,
                        target != NULL                           ? target
                        : folder->kind == CATALOG_CONTACT_FOLDER ? "contacts"
                                                                 : parent,
                        fresh);
    snprintf(report->new_id, sizeof(report->new_id), "%s", target != NULL ? target : "");
    free(target);
    return 0;
}

int
to_tenant_item(struct to_tenant *restore, const struct source_item *item, const struct to_tenant_content *content,
               struct to_tenant_report *report, struct error *err)
{
    struct error failure = ERROR_INIT;

    *report = (struct to_tenant_report){ .result = TO_TENANT_RESTORED };
    int status = item->kind == CATALOG_CONTACT         ? to_tenant_contact(restore, item, content, report, &failure)
                 : restore->content == CATALOG_MESSAGE ? to_tenant_mail(restore, item, content, report, &failure)
                                                       : to_tenant_drive(restore, item, content, report, &failure);
    if (status != 0 && err != NULL && !error_is_set(err))
        *err = failure;
    return status;
}
