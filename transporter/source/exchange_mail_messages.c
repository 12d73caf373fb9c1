#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/graph/graph_batch.h"
#include "transporter/graph/graph_error.h"
#include "transporter/graph/graph_json.h"
#include "transporter/graph/graph_url.h"
#include "transporter/source/exchange_mail_internal.h"

#include <stdlib.h>
#include <string.h>

static char *
page_url(const struct exchange_mail *mail)
{
    const char *user = mail->base.user, *id = mail->current->id;

    switch (mail->way) {
    case MAIL_BY_LINK:
        return memory_strdup(mail->current->link);
    case MAIL_ANEW:
        return graph_url("/users/%s/mailFolders/%s/messages/delta?" EXCHANGE_MAIL_SELECT, user, id);
    case MAIL_BY_LISTING:
        break;
    }
    return graph_url(
        "/users/%s/mailFolders/%s/messages?$top=100&$orderby=receivedDateTime%%20desc&" EXCHANGE_MAIL_SELECT, user, id);
}

static int
open_pager(struct exchange_mail *mail, enum exchange_mail_way way, struct error *err)
{
    static const char *const headers[] = { "Prefer: IdType=\"ImmutableId\"" };

    mail->way = way;
    CLEANUP(memory_free_p) char *url = page_url(mail);
    graph_pager_free(mail->pager);
    mail->pager = graph_pager_new(&(struct graph_pager_options){
        .client = mail->base.graph,
        .service = GRAPH_EXCHANGE,
        .mailbox = mail->base.user,
        .url = url,
        .page_size = mail->base.page_size,
        .headers = headers,
        .header_count = 1,
        .delta = way != MAIL_BY_LISTING,
        .cancel = mail->base.cancel,
    });
    source_spool_scope(mail->spool, mail->current->id);
    if (way == MAIL_BY_LINK)
        return 0;
    return source_emit_scope(&mail->base, SOURCE_LISTING, mail->current->id, CATALOG_KIND_BIT(CATALOG_MESSAGE), err);
}

/* The record's parent is the folder whose delta names it, so that a later "deleted" from there finds it. */
static int
emit_message(struct exchange_mail *mail, const json_t *row, bool *whole, struct error *err)
{
    struct source_item item;
    struct exchange_mail_texts texts;

    *whole = exchange_mail_item_read(row, &item, &texts);
    if (!*whole)
        return 0;
    item.parent_id = mail->current->id;
    int status = source_emit(&mail->base, &item, err);
    free(texts.metadata);
    return status;
}

/* A change may come with the changed properties only: the messages in question are asked for whole. */
static int
complete_rows(struct exchange_mail *mail, const json_t *ids, struct error *err)
{
    struct graph_batch batch = {
        .client = mail->base.graph,
        .service = GRAPH_EXCHANGE,
        .mailbox = mail->base.user,
        .cancel = mail->base.cancel,
    };
    int status = 0;

    for (size_t at = 0; status == 0 && at < json_array_size(ids); at += GRAPH_BATCH_MAX) {
        for (size_t i = at; i < json_array_size(ids) && batch.count < GRAPH_BATCH_MAX; i++)
            batch.parts[batch.count++].url = graph_url("/users/%s/messages/%s?" EXCHANGE_MAIL_SELECT, mail->base.user,
                                                       json_string_value(json_array_get(ids, i)));
        status = graph_batch_run(&batch, err);
        for (size_t i = 0; status == 0 && i < batch.count; i++) {
            bool whole = true;
            const struct graph_batch_part *part = &batch.parts[i];
            if (part->status == 200)
                status = emit_message(mail, part->answer, &whole, err);
            else if (part->status != 404)
                whole = false;
            if (status == 0 && !whole)
                status = FAIL(err, ERROR_UNAVAILABLE, part->status,
                              "Microsoft Graph reports a change and answers %d %s when asked for the message",
                              part->status, part->inner);
        }
        graph_batch_clear(&batch);
    }
    return status;
}

static int
take_rows(struct exchange_mail *mail, const json_t *rows, struct error *err)
{
    CLEANUP(graph_json_unref) json_t *partial = json_array();
    size_t index;
    const json_t *row;

    json_array_foreach (rows, index, row) {
        const char *id = graph_json_text(row, "id");
        bool whole;
        if (json_object_get(row, "@removed") != NULL) {
            if (source_spool_add(mail->spool, id, err) != 0)
                return -1;
            continue;
        }
        if (source_spool_cancel(mail->spool, id, err) != 0 || emit_message(mail, row, &whole, err) != 0)
            return -1;
        if (!whole && id[0] != '\0')
            json_array_append_new(partial, json_string(id));
    }
    return complete_rows(mail, partial, err);
}

static int
finish_folder(struct exchange_mail *mail, struct error *err)
{
    struct exchange_mail_folder *folder = mail->current;

    free(folder->link);
    folder->link = memory_strdup(mail->way == MAIL_BY_LISTING ? "" : graph_pager_delta_link(mail->pager));
    if (mail->way != MAIL_BY_LINK &&
        source_emit_scope(&mail->base, SOURCE_LISTED, folder->id, CATALOG_KIND_BIT(CATALOG_MESSAGE), err) != 0)
        return -1;
    graph_pager_free(mail->pager);
    mail->pager = NULL;
    mail->current = folder->hh.next;
    return 1;
}

/* The folder went away while the round ran: the next round's folder delta says so. */
static int
leave_folder(struct exchange_mail *mail, struct error *err)
{
    struct exchange_mail_folder *folder = mail->current;

    if (source_emit_scope(&mail->base, SOURCE_UNLISTED, folder->id, CATALOG_KIND_BIT(CATALOG_MESSAGE), err) != 0)
        return -1;
    graph_pager_free(mail->pager);
    mail->pager = NULL;
    mail->current = folder->hh.next;
    exchange_mail_folder_drop(mail, folder->id);
    return 1;
}

static int
after_refusal(struct exchange_mail *mail, const struct error *failure, struct error *err)
{
    struct graph_pager_refusal why = graph_pager_refusal(mail->pager);
    bool item_missing = why.status == 404 && graph_error_has(why.code, why.inner, "ErrorItemNotFound");

    if (mail->way == MAIL_BY_LINK && graph_error_is_resync(why.status, why.code, why.inner)) {
        source_count_resync(&mail->base);
        return open_pager(mail, MAIL_ANEW, err) == 0 ? 1 : -1;
    }
    if (mail->way != MAIL_BY_LISTING && (item_missing || graph_error_has(why.code, why.inner, "ErrorQuotaExceeded")))
        return open_pager(mail, MAIL_BY_LISTING, err) == 0 ? 1 : -1;
    if (item_missing)
        return leave_folder(mail, err);
    if (err != NULL && !error_is_set(err))
        *err = *failure;
    return error_wrap(err, "messages");
}

int
exchange_mail_messages(struct exchange_mail *mail, struct error *err)
{
    struct error failure = ERROR_INIT;
    CLEANUP(graph_json_unref) json_t *rows = NULL;

    if (mail->current == NULL)
        return 0;
    if (mail->pager == NULL && open_pager(mail, mail->current->link[0] != '\0' ? MAIL_BY_LINK : MAIL_ANEW, err) != 0)
        return -1;
    int status = graph_pager_next(mail->pager, &rows, &failure);
    if (status < 0)
        return after_refusal(mail, &failure, err);
    if (status == 0)
        return finish_folder(mail, err);
    return take_rows(mail, rows, err) == 0 ? 1 : -1;
}
