#include "tests/m365sim/settings.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/m365sim/box.h"
#include "tests/m365sim/files.h"
#include "tests/m365sim/page.h"
#include "tests/m365sim/reply.h"
#include "tests/m365sim/request.h"
#include "tests/m365sim/select.h"
#include "tests/m365sim/settings_internal.h"
#include "tests/m365sim/tenant.h"
#include "tests/m365sim/tree.h"

#include <stdlib.h>
#include <string.h>

#define DOCUMENT_LIMIT ((size_t)4 << 20)
#define SETTABLE                                                                                                       \
    "automaticRepliesSetting dateFormat delegateMeetingMessageDeliveryOptions language timeFormat timeZone "           \
    "workingHours"

static json_t *
default_settings(struct mailbox *m)
{
    char archive[MAILBOX_ID_LEN];
    mailbox_folder_id(m->tree, tree_at(m->tree, mailbox_well_known(m->tree, "archive"))->key, archive);
    json_t *start = json_pack("{s:s,s:s}", "dateTime", "2026-09-14T09:00:00.0000000", "timeZone", "UTC");
    json_t *end = json_pack("{s:s,s:s}", "dateTime", "2026-09-15T09:00:00.0000000", "timeZone", "UTC");
    json_t *replies =
        json_pack("{s:s,s:s,s:s,s:s,s:o,s:o}", "status", "disabled", "externalAudience", "all", "internalReplyMessage",
                  "", "externalReplyMessage", "", "scheduledStartDateTime", start, "scheduledEndDateTime", end);
    json_t *hours =
        json_pack("{s:[s,s,s,s,s],s:s,s:s,s:{s:s}}", "daysOfWeek", "monday", "tuesday", "wednesday", "thursday",
                  "friday", "startTime", "08:00:00.0000000", "endTime", "17:00:00.0000000", "timeZone", "name", "UTC");
    json_t *language = json_pack("{s:s,s:s}", "locale", "en-US", "displayName", "English (United States)");
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:o,s:o}", "archiveFolder", archive, "timeZone", "UTC", "dateFormat",
                     "yyyy-MM-dd", "timeFormat", "HH:mm", "delegateMeetingMessageDeliveryOptions", "sendToDelegateOnly",
                     "userPurpose", "user", "automaticRepliesSetting", replies, "language", language, "workingHours",
                     hours);
}

static json_t *
default_categories(void)
{
    static const char *const names[][2] = { { "Red category", "preset0" },    { "Orange category", "preset1" },
                                            { "Yellow category", "preset3" }, { "Green category", "preset4" },
                                            { "Blue category", "preset7" },   { "Purple category", "preset8" } };
    json_t *list = json_array();
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        json_array_append_new(list, json_pack("{s:s,s:s}", "displayName", names[i][0], "color", names[i][1]));
    return list;
}

static json_t *
read_document(const char *path)
{
    size_t len;
    CLEANUP(memory_free_p) char *text = files_read(path, DOCUMENT_LIMIT, &len, NULL);
    return text != NULL ? json_loadb(text, len, 0, NULL) : NULL;
}

json_t *
settings_new_id(bool rule, uint64_t number)
{
    unsigned long long low = number & 0xffffffffffffu;
    return rule ? json_sprintf("AQAA%012llxA=", low) : json_sprintf("de912e4d-0001-4a5b-8c6d-%012llx", low);
}

/* Rows of settings.json need no ids. */
static void
number_rows(json_t *rows, bool rules)
{
    size_t i;
    json_t *one;
    json_array_foreach (rows, i, one)
        if (json_object_get(one, "id") == NULL)
            json_object_set_new(one, "id", settings_new_id(rules, i + 1));
}

json_t *
settings_load(struct mailbox *m)
{
    CLEANUP(memory_free_p) char *own = memory_printf("%s/settings.json", tree_state_folder(m->tree));
    CLEANUP(memory_free_p) char *given = memory_printf("%s/settings.json", m->account->folder);
    json_t *document = read_document(own);
    if (document == NULL)
        document = read_document(given);
    if (!json_is_object(document)) {
        json_decref(document);
        document = json_object();
    }
    json_t *settings = default_settings(m);
    json_object_update_recursive(settings, json_object_get(document, "mailboxSettings"));
    json_object_set_new(document, "mailboxSettings", settings);
    if (!json_is_array(json_object_get(document, "masterCategories")))
        json_object_set_new(document, "masterCategories", default_categories());
    if (!json_is_array(json_object_get(document, "messageRules")))
        json_object_set_new(document, "messageRules", json_array());
    number_rows(json_object_get(document, "masterCategories"), false);
    number_rows(json_object_get(document, "messageRules"), true);
    return document;
}

bool
settings_store(struct mailbox *m, const json_t *document)
{
    struct error err = ERROR_INIT;
    CLEANUP(memory_free_p) char *path = memory_printf("%s/settings.json", tree_state_folder(m->tree));
    char *text = json_dumps(document, JSON_COMPACT);
    bool done = text != NULL && files_replace(path, text, strlen(text), &err) == 0;
    free(text);
    if (!done)
        reply_error(m->reply, 500, "ErrorInternalServerError", err.text, NULL);
    return done;
}

static void
answer(struct mailbox *m, const json_t *document)
{
    struct select select;
    json_t *o = json_deep_copy(json_object_get(document, "mailboxSettings"));
    select_init(&select, request_parameter(m->request, "$select"));
    select_apply(&select, o);
    select_clear(&select);
    page_context(o, m->request, "users('%s')/mailboxSettings", m->account->id);
    reply_json(m->reply, 200, o);
}

void
settings_get(struct request *r, struct reply *reply)
{
    struct mailbox m;
    if (!mailbox_begin(&m, r, reply))
        return;
    json_t *document = settings_load(&m);
    answer(&m, document);
    json_decref(document);
    mailbox_end(&m);
}

void
settings_update(struct request *r, struct reply *reply)
{
    struct mailbox m;
    json_t *given = box_body(r, reply), *taken = json_object();
    CLEANUP(memory_free_p) char *problem = box_take(taken, given, "mailboxSettings", SETTABLE, "");
    if (given != NULL && problem != NULL) {
        box_bad_request(reply, problem);
    } else if (given != NULL && mailbox_begin(&m, r, reply)) {
        json_t *document = settings_load(&m);
        json_object_update_recursive(json_object_get(document, "mailboxSettings"), taken);
        if (settings_store(&m, document))
            answer(&m, document);
        json_decref(document);
        mailbox_end(&m);
    }
    json_decref(taken);
    json_decref(given);
}
