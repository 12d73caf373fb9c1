#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/graph/graph_json.h"
#include "transporter/source/exchange_mail_internal.h"

#include <stdlib.h>
#include <string.h>

static struct exchange_mail *
mail_of(struct source *source)
{
    return (struct exchange_mail *)(void *)source; /* base is the first member */
}

struct exchange_mail_folder *
exchange_mail_folder_add(struct exchange_mail *mail, const char *id, const char *link)
{
    struct exchange_mail_folder *folder;

    HASH_FIND_STR(mail->folders, id, folder);
    if (folder == NULL) {
        folder = MEMORY_NEW(struct exchange_mail_folder);
        folder->id = memory_strdup(id);
        folder->link = memory_strdup(link);
        HASH_ADD_KEYPTR(hh, mail->folders, folder->id, strlen(folder->id), folder);
    }
    return folder;
}

void
exchange_mail_folder_drop(struct exchange_mail *mail, const char *id)
{
    struct exchange_mail_folder *folder;

    HASH_FIND_STR(mail->folders, id, folder);
    if (folder == NULL)
        return;
    HASH_DEL(mail->folders, folder);
    free(folder->id);
    free(folder->link);
    free(folder);
}

/* After all folders: only now is it known which messages left one folder for another. */
static int
emit_deletes(struct exchange_mail *mail, struct error *err)
{
    const char *folder_id, *id;

    for (int i = 0; i < 1000; i++) {
        int status = source_spool_next(mail->spool, &folder_id, &id, err);
        if (status <= 0)
            return status;
        const struct source_item item = {
            .event = SOURCE_DELETE, .kind = CATALOG_MESSAGE, .id = id, .from_parent = folder_id
        };
        if (source_emit(&mail->base, &item, err) != 0)
            return -1;
    }
    return 1;
}

static int
advance(struct source *source, struct error *err)
{
    struct exchange_mail *mail = mail_of(source);
    int status = -1;

    switch (mail->phase) {
    case MAIL_START:
        status = exchange_mail_start(mail, err);
        break;
    case MAIL_FOLDERS:
        status = exchange_mail_folders(mail, err);
        break;
    case MAIL_MESSAGES:
        status = exchange_mail_messages(mail, err);
        break;
    case MAIL_DELETES:
        return emit_deletes(mail, err);
    }
    if (status == 0) {
        mail->phase++;
        mail->current = mail->folders;
        return 1;
    }
    return status;
}

static json_t *
cursor(struct source *source)
{
    const struct exchange_mail *mail = mail_of(source);
    json_t *messages = json_object();

    for (const struct exchange_mail_folder *f = mail->folders; f != NULL; f = f->hh.next)
        json_object_set_new(messages, f->id, json_string(f->link));
    return json_pack("{s:s,s:s,s:o}", "root", mail->root_id, "folders", mail->folder_link, "messages", messages);
}

static void
clear(struct source *source)
{
    struct exchange_mail *mail = mail_of(source);
    struct exchange_mail_folder *folder, *next;

    HASH_ITER (hh, mail->folders, folder, next) {
        HASH_DEL(mail->folders, folder);
        free(folder->id);
        free(folder->link);
        free(folder);
    }
    graph_pager_free(mail->pager);
    source_spool_free(mail->spool);
    json_decref(mail->well_known);
    free(mail->root_id);
    free(mail->folder_link);
}

static void
take_cursor(struct exchange_mail *mail)
{
    const json_t *previous = mail->base.previous;
    const char *id;
    json_t *link;

    mail->folder_link = memory_strdup(graph_json_text(previous, "folders"));
    if (mail->folder_link[0] == '\0')
        return;
    json_object_foreach (json_object_get(previous, "messages"), id, link) {
        if (json_is_string(link))
            exchange_mail_folder_add(mail, id, json_string_value(link));
    }
}

static struct source *
open_mail(const struct source_options *options, struct error *err)
{
    static const struct source_vtable vtable = { advance, exchange_mail_fetch, cursor, clear,
                                                 .gone_without_code = false };
    struct source *source = source_new(sizeof(struct exchange_mail), "exchange-mail", &vtable, options, err);

    if (source == NULL)
        return NULL;
    struct exchange_mail *mail = mail_of(source);
    if (source->page_size == 0)
        source->page_size = EXCHANGE_MAIL_PAGE;
    mail->well_known = json_object();
    mail->root_id = memory_strdup("");
    take_cursor(mail);
    mail->spool = source_spool_new(options->scratch, err);
    if (mail->spool == NULL) {
        source_free(source);
        return NULL;
    }
    return source;
}

const struct source_driver exchange_mail_driver = { "exchange-mail", open_mail };
