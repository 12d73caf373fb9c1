#include "common/base/clock.h"
#include "tests/m365sim/box.h"
#include "tests/m365sim/page.h"
#include "tests/m365sim/reply.h"
#include "tests/m365sim/request.h"
#include "tests/m365sim/settings.h"
#include "tests/m365sim/settings_internal.h"
#include "tests/m365sim/sim.h"
#include "tests/m365sim/tenant.h"
#include "tests/m365sim/tree.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Categories and rules: rows of the document under `key`. */
struct rows {
    const char *key, *context, *type;
    const char *creates, *updates; /* what a client may set */
    size_t id_argument;
    bool rules;
};

static const struct rows categories = { .key = "masterCategories",
                                        .context = "outlook/masterCategories",
                                        .type = "outlookCategory",
                                        .creates = "displayName color",
                                        .updates = "color",
                                        .id_argument = 1 };
#define RULE "displayName sequence isEnabled conditions actions exceptions"
static const struct rows rules = { .key = "messageRules",
                                   .context = "mailFolders('inbox')/messageRules",
                                   .type = "messageRule",
                                   .creates = RULE,
                                   .updates = RULE,
                                   .id_argument = 2,
                                   .rules = true };

/* Locks and loads; NULL and the error in reply. Rules belong to the inbox. */
static json_t *
begin(struct mailbox *m, struct request *r, struct reply *reply, const struct rows *rows)
{
    if (!mailbox_begin(m, r, reply))
        return NULL;
    if (rows->rules) {
        uint32_t folder = mailbox_folder(m, r->arguments[1]);
        if (folder == TREE_NONE)
            return NULL;
        if (folder != mailbox_well_known(m->tree, "inbox")) {
            reply_error(reply, 400, "ErrorInvalidRequest", "Only the inbox has rules.", NULL);
            return NULL;
        }
    }
    return settings_load(m);
}

static json_t *
find(struct mailbox *m, const json_t *document, const struct rows *rows, size_t *position)
{
    const char *wanted = m->request->arguments[rows->id_argument];
    json_t *one;
    size_t i;
    json_array_foreach (json_object_get(document, rows->key), i, one) {
        const char *id = json_string_value(json_object_get(one, "id"));
        *position = i;
        if (id != NULL && strcmp(id, wanted) == 0)
            return one;
    }
    reply_error(m->reply, 404, "ErrorItemNotFound", "The specified object was not found in the store.", NULL);
    return NULL;
}

static void
answer(struct mailbox *m, const json_t *row, const struct rows *rows, unsigned status)
{
    json_t *o = json_deep_copy(row);
    page_context(o, m->request, "users('%s')/%s/$entity", m->account->id, rows->context);
    reply_json(m->reply, status, o);
}

static void
list(struct request *r, struct reply *reply, const struct rows *rows)
{
    struct mailbox m;
    json_t *document = begin(&m, r, reply, rows);
    if (document != NULL) {
        json_t *values = json_incref(json_object_get(document, rows->key));
        reply_json(reply, 200, page_new(r, values, "users('%s')/%s", m.account->id, rows->context));
    }
    json_decref(document);
    mailbox_end(&m);
}

static bool
name_taken(const json_t *list, const char *name)
{
    size_t i;
    const json_t *one;
    json_array_foreach (list, i, one) {
        const char *had = json_string_value(json_object_get(one, "displayName"));
        if (had != NULL && strcasecmp(had, name) == 0)
            return true;
    }
    return false;
}

static bool
good_color(const json_t *row)
{
    const json_t *color = json_object_get(row, "color");
    const char *text = json_string_value(color);
    if (color == NULL || (text != NULL && strcmp(text, "none") == 0))
        return true;
    return text != NULL && strncmp(text, "preset", 6) == 0 && text[6] != '\0' && strspn(text + 6, "0123456789") < 3 &&
           strtoul(text + 6, NULL, 10) < 25;
}

static void
create_row(struct mailbox *m, json_t *document, json_t *row, const struct rows *rows)
{
    json_t *all = json_object_get(document, rows->key);
    uint64_t random;
    clock_random(m->request->sim->clock, &random, sizeof(random));
    json_object_set_new(row, "id", settings_new_id(rows->rules, random >> 16));
    if (rows->rules)
        box_fill(row, json_pack("{s:b,s:i,s:b,s:b}", "isEnabled", 1, "sequence", (int)json_array_size(all) + 1,
                                "hasError", 0, "isReadOnly", 0));
    else
        box_fill(row, json_pack("{s:s}", "color", "none"));
    json_array_append(all, row);
    if (settings_store(m, document))
        answer(m, row, rows, 201);
}

static void
create(struct request *r, struct reply *reply, const struct rows *rows)
{
    struct mailbox m = { 0 };
    json_t *given = box_body(r, reply), *row = json_object();
    const char *name = json_string_value(json_object_get(given, "displayName"));
    char *problem = box_take(row, given, rows->type, rows->creates, "id hasError isReadOnly");
    json_t *document =
        given != NULL && problem == NULL && name != NULL && good_color(row) ? begin(&m, r, reply, rows) : NULL;
    if (document != NULL && !rows->rules && name_taken(json_object_get(document, rows->key), name))
        reply_error(reply, 409, "CategoryNameDuplicate", "A category with this name exists already.", NULL);
    else if (document != NULL)
        create_row(&m, document, row, rows);
    else if (given != NULL && m.request == NULL)
        box_bad_request(reply, problem != NULL ? problem : "displayName is needed, and a color that exists.");
    json_decref(document);
    json_decref(row);
    json_decref(given);
    free(problem);
    mailbox_end(&m);
}

static void
get(struct request *r, struct reply *reply, const struct rows *rows)
{
    struct mailbox m;
    size_t position;
    json_t *document = begin(&m, r, reply, rows);
    const json_t *row = document != NULL ? find(&m, document, rows, &position) : NULL;
    if (row != NULL)
        answer(&m, row, rows, 200);
    json_decref(document);
    mailbox_end(&m);
}

static void
update(struct request *r, struct reply *reply, const struct rows *rows)
{
    struct mailbox m = { 0 };
    size_t position;
    json_t *given = box_body(r, reply);
    json_t *document = given != NULL ? begin(&m, r, reply, rows) : NULL;
    json_t *row = document != NULL ? find(&m, document, rows, &position) : NULL;
    char *problem = row != NULL ? box_take(row, given, rows->type, rows->updates, "id hasError isReadOnly") : NULL;
    if (problem != NULL || (row != NULL && !good_color(row)))
        box_bad_request(reply, problem != NULL ? problem : "There is no such color.");
    else if (row != NULL && settings_store(&m, document))
        answer(&m, row, rows, 200);
    json_decref(document);
    json_decref(given);
    free(problem);
    mailbox_end(&m);
}

static void
drop(struct request *r, struct reply *reply, const struct rows *rows)
{
    struct mailbox m;
    size_t position;
    json_t *document = begin(&m, r, reply, rows);
    if (document != NULL && find(&m, document, rows, &position) != NULL) {
        json_array_remove(json_object_get(document, rows->key), position);
        if (settings_store(&m, document))
            reply_empty(reply, 204);
    }
    json_decref(document);
    mailbox_end(&m);
}

void
settings_categories_list(struct request *r, struct reply *reply)
{
    list(r, reply, &categories);
}

void
settings_categories_create(struct request *r, struct reply *reply)
{
    create(r, reply, &categories);
}

void
settings_category_get(struct request *r, struct reply *reply)
{
    get(r, reply, &categories);
}

void
settings_category_update(struct request *r, struct reply *reply)
{
    update(r, reply, &categories);
}

void
settings_category_delete(struct request *r, struct reply *reply)
{
    drop(r, reply, &categories);
}

void
settings_rules_list(struct request *r, struct reply *reply)
{
    list(r, reply, &rules);
}

void
settings_rules_create(struct request *r, struct reply *reply)
{
    create(r, reply, &rules);
}

void
settings_rule_get(struct request *r, struct reply *reply)
{
    get(r, reply, &rules);
}

void
settings_rule_update(struct request *r, struct reply *reply)
{
    update(r, reply, &rules);
}

void
settings_rule_delete(struct request *r, struct reply *reply)
{
    drop(r, reply, &rules);
}
