#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/graph/graph_error.h"
#include "transporter/graph/graph_json.h"
#include "transporter/graph/graph_url.h"
#include "transporter/restore/mail_index.h"
#include "transporter/restore/mail_json.h"
#include "transporter/restore/restore_mime.h"
#include "transporter/restore/to_tenant_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS_CEILING ((size_t)28 << 10)

static int
on_message(void *ctx, const json_t *row, struct error *err)
{
    return mail_index_add(ctx, row, err);
}

static struct mail_index *
read_index(struct to_tenant *restore, const char *folder, struct error *err)
{
    struct mail_index *found = mail_index_new();
    CLEANUP(memory_free_p)
    char *url =
        graph_url("/users/%s/mailFolders/%s/messages?$select=id,internetMessageId,sentDateTime,subject&$top=500",
                  restore->user, folder);
    if (to_tenant_rows(restore, url, on_message, found, err) == 0)
        return found;
    mail_index_free(found);
    return NULL;
}

/* Whether a message of this key was in the folder before the restore came. */
static int
find_twin(struct to_tenant *restore, struct to_tenant_place *place, const json_t *metadata, bool *twin,
          struct error *err)
{
    *twin = false;
    if (place->fresh || restore->conflict == TO_TENANT_RENAME)
        return 0;
    pthread_mutex_lock(&restore->index_lock);
    if (place->index == NULL)
        place->index = read_index(restore, place->target, err);
    const struct mail_index *index = place->index;
    pthread_mutex_unlock(&restore->index_lock);
    if (index == NULL)
        return error_wrap(err, "messages already there");
    *twin = mail_index_has(index, metadata);
    return 0;
}

/* After the new one is complete: those of the same key that were there before. */
static int
delete_twins(struct to_tenant *restore, const char *folder, const json_t *metadata, const char *new_id,
             struct to_tenant_report *report, struct error *err)
{
    const char *message_id = graph_json_text(metadata, "internetMessageId");
    struct error failure = ERROR_INIT;

    if (message_id[0] == '\0') {
        to_tenant_lose(report, "old_copy_kept");
        return 0;
    }
    CLEANUP(memory_free_p) char *quoted = memory_new(strlen(message_id) * 2 + 1);
    for (const char *p = message_id; *p != '\0'; p++) {
        if (*p == '\'')
            quoted[strlen(quoted)] = '\'';
        quoted[strlen(quoted)] = *p;
    }
    CLEANUP(memory_free_p)
    char *url = graph_url("/users/%s/mailFolders/%s/messages?$filter=internetMessageId%%20eq%%20'%s'"
                          "&$select=id,internetMessageId,sentDateTime,subject&$top=50",
                          restore->user, folder, quoted);
    CLEANUP(graph_json_unref) json_t *page = to_tenant_ask(restore, NULL, url, NULL, NULL, &failure);
    struct mail_index *wanted = mail_index_new();
    int status = mail_index_add(wanted, metadata, err);
    size_t index;
    const json_t *row;
    json_array_foreach (json_object_get(page, "value"), index, row) {
        const char *id = graph_json_text(row, "id");
        if (status != 0 || strcmp(id, new_id) == 0 || !mail_index_has(wanted, row))
            continue;
        CLEANUP(memory_free_p) char *old_url = graph_url("/users/%s/messages/%s", restore->user, id);
        if (to_tenant_delete(restore, old_url, &failure) != 0)
            break;
    }
    mail_index_free(wanted);
    if (error_is_set(&failure))
        to_tenant_lose(report, "old_copy_kept");
    return status;
}

static void
note_level(enum mail_json_level level, struct to_tenant_report *report)
{
    if (level >= MAIL_JSON_PLAIN_HEADERS)
        to_tenant_lose(report, "headers");
    if (level >= MAIL_JSON_SAFE_PEOPLE)
        to_tenant_lose(report, "recipients_dropped");
}

/* Asks for everything first; each refusal of the request's form takes something away. */
static int
create(struct to_tenant *restore, const char *folder, const struct mail_json_parts *parts, json_t **made,
       struct to_tenant_report *report, struct error *err)
{
    CLEANUP(memory_free_p) char *url = graph_url("/users/%s/mailFolders/%s/messages", restore->user, folder);

    for (int level = MAIL_JSON_ALL;; level++) {
        CLEANUP(graph_response_clear) struct graph_response response = { .status = 0 };
        CLEANUP(graph_json_unref) json_t *body = mail_json_build(parts, (enum mail_json_level)level);
        *made = to_tenant_ask(restore, "POST", url, body, &response, err);
        if (*made != NULL) {
            note_level((enum mail_json_level)level, report);
            return 0;
        }
        if (response.status != 400 || level == MAIL_JSON_BARE)
            return to_tenant_judge(&response, report, err);
        error_clear(err);
    }
}

static int
restore_message(struct to_tenant *restore, struct to_tenant_place *place, const json_t *metadata,
                struct restore_mime *mime, struct to_tenant_report *report, struct error *err)
{
    bool html;
    CLEANUP(memory_free_p) char *body = restore_mime_body(mime, &html, err);
    CLEANUP(memory_free_p) char *headers = restore_mime_headers(mime, HEADERS_CEILING);
    CLEANUP(memory_free_p) char *in_reply_to = restore_mime_header(mime, "In-Reply-To");
    CLEANUP(memory_free_p) char *references = restore_mime_header(mime, "References");
    CLEANUP(graph_json_unref) json_t *made = NULL;

    if (body == NULL) {
        to_tenant_fail(report, TO_TENANT_FAILED, "too_large", err->text);
        error_clear(err);
        return 0;
    }
    const struct mail_json_parts parts = {
        .metadata = metadata,
        .body = body,
        .html = html,
        .headers = headers,
        .in_reply_to = in_reply_to,
        .references = references,
    };
    if (create(restore, place->target, &parts, &made, report, err) != 0)
        return -1;
    if (made == NULL)
        return 0;
    snprintf(report->new_id, sizeof(report->new_id), "%s", graph_json_text(made, "id"));
    if (restore_mime_is_sealed(mime))
        to_tenant_lose(report, "signature");
    return to_tenant_attachments(restore, report->new_id, mime, report, err);
}

int
to_tenant_mail(struct to_tenant *restore, const struct source_item *item, const struct to_tenant_content *content,
               struct to_tenant_report *report, struct error *err)
{
    struct to_tenant_place *place = to_tenant_place(restore, item->parent_id);
    CLEANUP(graph_json_unref) json_t *metadata = json_loadb(item->metadata, item->metadata_len, 0, NULL);
    bool twin;

    if (!json_is_object(metadata)) {
        to_tenant_fail(report, TO_TENANT_FAILED, "malformed", "stored metadata cannot be read");
        return 0;
    }
    if (find_twin(restore, place, metadata, &twin, err) != 0)
        return -1;
    if (twin && restore->conflict == TO_TENANT_SKIP) {
        to_tenant_fail(report, TO_TENANT_SKIPPED, "exists", "");
        return 0;
    }
    CLEANUP(restore_mime_free_p) struct restore_mime *mime = restore_mime_open(content, restore->scratch, err);
    if (mime == NULL && (err->kind == ERROR_FORMAT || err->kind == ERROR_LIMIT)) {
        to_tenant_fail(report, TO_TENANT_FAILED, err->kind == ERROR_FORMAT ? "malformed" : "too_large", err->text);
        error_clear(err);
        return 0;
    }
    if (mime == NULL || restore_message(restore, place, metadata, mime, report, err) != 0)
        return -1;
    if (report->result == TO_TENANT_FAILED && report->new_id[0] == '\0' && strcmp(report->reason, "refused") == 0 &&
        to_tenant_mail_raw(restore, place->target, content, report, err) != 0)
        return -1;
    if (twin && report->result == TO_TENANT_RESTORED)
        return delete_twins(restore, place->target, metadata, report->new_id, report, err);
    return 0;
}
