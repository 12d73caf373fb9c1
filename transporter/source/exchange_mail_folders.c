#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/graph/graph_batch.h"
#include "transporter/graph/graph_error.h"
#include "transporter/graph/graph_json.h"
#include "transporter/graph/graph_url.h"
#include "transporter/source/exchange_mail_internal.h"

#include <stdlib.h>
#include <string.h>

static const char *const well_known_names[] = {
    "inbox",     "drafts",         "sentitems",     "deleteditems", "junkemail",
    "archive",   "outbox",         "clutter",       "conflicts",    "localfailures",
    "scheduled", "serverfailures", "searchfolders", "syncissues",   "conversationhistory",
};

static json_t *
get_folder(struct exchange_mail *mail, const char *id, struct graph_response *response, struct error *err)
{
    static const char *const headers[] = { "Prefer: IdType=\"ImmutableId\"" };
    CLEANUP(memory_free_p)
    char *url = graph_url("/users/%s/mailFolders/%s?" EXCHANGE_MAIL_FOLDER_SELECT, mail->base.user, id);
    const struct graph_request request = {
        .url = url,
        .service = GRAPH_EXCHANGE,
        .mailbox = mail->base.user,
        .headers = headers,
        .header_count = 1,
        .cancel = mail->base.cancel,
    };
    return graph_client_json(mail->base.graph, &request, response, err);
}

/* Names of standard folders are localised: they are known by asking for each well-known name once. */
static int
find_well_known(struct exchange_mail *mail, struct error *err)
{
    CLEANUP(graph_batch_clear)
    struct graph_batch batch = {
        .client = mail->base.graph,
        .service = GRAPH_EXCHANGE,
        .mailbox = mail->base.user,
        .cancel = mail->base.cancel,
        .count = ARRAY_LEN(well_known_names),
    };
    for (size_t i = 0; i < batch.count; i++)
        batch.parts[i].url = graph_url("/users/%s/mailFolders/%s?$select=id", mail->base.user, well_known_names[i]);
    if (graph_batch_run(&batch, err) != 0)
        return -1;
    for (size_t i = 0; i < batch.count; i++) {
        const char *id = graph_json_text(batch.parts[i].answer, "id");
        if (batch.parts[i].status == 200 && id[0] != '\0')
            json_object_set_new(mail->well_known, id, json_string(well_known_names[i]));
    }
    return 0;
}

int
exchange_mail_start(struct exchange_mail *mail, struct error *err)
{
    CLEANUP(graph_json_unref) json_t *root = get_folder(mail, "msgfolderroot", NULL, err);

    if (root == NULL)
        return -1;
    free(mail->root_id);
    mail->root_id = memory_strdup(graph_json_text(root, "id"));
    if (mail->root_id[0] == '\0')
        return FAIL(err, ERROR_FORMAT, 200, "Microsoft Graph gave a root folder without id");
    return find_well_known(mail, err);
}

static int
emit_folder(struct exchange_mail *mail, const json_t *row, struct error *err)
{
    const char *id = graph_json_text(row, "id"), *parent = graph_json_text(row, "parentFolderId");
    size_t metadata_len;
    CLEANUP(memory_free_p) char *metadata = source_metadata(row, &metadata_len);
    const struct source_item item = {
        .event = SOURCE_UPSERT,
        .kind = CATALOG_FOLDER,
        .id = id,
        .parent_id = strcmp(parent, mail->root_id) == 0 ? "" : parent,
        .name = graph_json_text(row, "displayName"),
        .well_known = graph_json_text(mail->well_known, id),
        .flags = graph_json_bool(row, "isHidden") ? SOURCE_FLAG_HIDDEN : 0,
        .metadata = metadata,
        .metadata_len = metadata_len,
    };
    if (source_emit(&mail->base, &item, err) != 0)
        return -1;
    exchange_mail_folder_add(mail, id, "")->seen = true;
    if (mail->way == MAIL_ANEW && graph_json_int(row, "totalItemCount") > 0)
        source_expect_items(&mail->base, (uint64_t)graph_json_int(row, "totalItemCount"));
    return 0;
}

static int
take_row(struct exchange_mail *mail, const json_t *row, struct error *err)
{
    const char *id = graph_json_text(row, "id");

    if (json_object_get(row, "@removed") != NULL) {
        const struct source_item item = { .event = SOURCE_DELETE, .kind = CATALOG_FOLDER, .id = id };
        exchange_mail_folder_drop(mail, id);
        return source_emit(&mail->base, &item, err);
    }
    /* A search folder is a view of messages that lie elsewhere. */
    if (strcmp(graph_json_text(row, "@odata.type"), "#microsoft.graph.mailSearchFolder") == 0 ||
        strcmp(id, mail->root_id) == 0)
        return 0;
    if (json_object_get(row, "displayName") != NULL && json_object_get(row, "parentFolderId") != NULL)
        return emit_folder(mail, row, err);
    struct error failure = ERROR_INIT;
    CLEANUP(graph_response_clear) struct graph_response response = { .status = 0 };
    CLEANUP(graph_json_unref) json_t *whole = get_folder(mail, id, &response, &failure);
    if (whole != NULL)
        return emit_folder(mail, whole, err);
    if (failure.kind == ERROR_NOT_FOUND)
        return 0; /* deleted since: the next round says so */
    if (err != NULL)
        *err = failure;
    return -1;
}

static int
open_pager(struct exchange_mail *mail, struct error *err)
{
    static const char *const headers[] = { "Prefer: IdType=\"ImmutableId\"" };
    CLEANUP(memory_free_p)
    char *fresh = graph_url("/users/%s/mailFolders/delta?includeHiddenFolders=true&" EXCHANGE_MAIL_FOLDER_SELECT,
                            mail->base.user);

    mail->way = mail->folder_link[0] != '\0' ? MAIL_BY_LINK : MAIL_ANEW;
    graph_pager_free(mail->pager);
    mail->pager = graph_pager_new(&(struct graph_pager_options){
        .client = mail->base.graph,
        .service = GRAPH_EXCHANGE,
        .mailbox = mail->base.user,
        .url = mail->way == MAIL_BY_LINK ? mail->folder_link : fresh,
        .page_size = mail->base.page_size,
        .headers = headers,
        .header_count = 1,
        .delta = true,
        .cancel = mail->base.cancel,
    });
    if (mail->way == MAIL_BY_LINK)
        return 0;
    for (struct exchange_mail_folder *f = mail->folders; f != NULL; f = f->hh.next)
        f->seen = false;
    return source_emit_scope(&mail->base, SOURCE_LISTING, "", CATALOG_KIND_BIT(CATALOG_FOLDER), err);
}

static int
finish(struct exchange_mail *mail, struct error *err)
{
    struct exchange_mail_folder *folder, *next;

    free(mail->folder_link);
    mail->folder_link = memory_strdup(graph_pager_delta_link(mail->pager));
    graph_pager_free(mail->pager);
    mail->pager = NULL;
    if (mail->way == MAIL_BY_LINK)
        return 0;
    HASH_ITER (hh, mail->folders, folder, next) {
        if (!folder->seen)
            exchange_mail_folder_drop(mail, folder->id);
    }
    return source_emit_scope(&mail->base, SOURCE_LISTED, "", CATALOG_KIND_BIT(CATALOG_FOLDER), err);
}

int
exchange_mail_folders(struct exchange_mail *mail, struct error *err)
{
    struct error failure = ERROR_INIT;
    CLEANUP(graph_json_unref) json_t *rows = NULL;
    size_t index;
    const json_t *row;

    if (mail->pager == NULL && open_pager(mail, err) != 0)
        return -1;
    int status = graph_pager_next(mail->pager, &rows, &failure);
    if (status < 0) {
        struct graph_pager_refusal why = graph_pager_refusal(mail->pager);
        if (mail->way == MAIL_BY_LINK && graph_error_is_resync(why.status, why.code, why.inner)) {
            source_count_resync(&mail->base);
            free(mail->folder_link);
            mail->folder_link = memory_strdup("");
            return open_pager(mail, err) == 0 ? 1 : -1;
        }
        if (err != NULL && !error_is_set(err))
            *err = failure;
        return error_wrap(err, "folders");
    }
    if (status == 0)
        return finish(mail, err);
    json_array_foreach (rows, index, row) {
        if (take_row(mail, row, err) != 0)
            return -1;
    }
    return 1;
}
