#include "tests/m365sim/contacts.h"

#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/m365sim/box.h"
#include "tests/m365sim/mime_codec.h"
#include "tests/m365sim/page.h"
#include "tests/m365sim/reply.h"
#include "tests/m365sim/request.h"
#include "tests/m365sim/select.h"
#include "tests/m365sim/tenant.h"
#include "tests/m365sim/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIAS       "contacts"
#define PHOTO_BYTES ((size_t)4 << 20)
#define SETTABLE                                                                                                       \
    "assistantName birthday businessAddress businessHomePage businessPhones categories children companyName "          \
    "department displayName emailAddresses fileAs generation givenName homeAddress homePhones imAddresses initials "   \
    "jobTitle manager middleName mobilePhone nickName officeLocation otherAddress personalNotes profession "           \
    "spouseName surname title yomiCompanyName yomiGivenName yomiSurname"
#define IGNORED "id changeKey createdDateTime lastModifiedDateTime parentFolderId"

static void
put_defaults(json_t *o)
{
    static const char *const lists[] = { "businessPhones", "categories", "children",
                                         "emailAddresses", "homePhones", "imAddresses" };
    static const char *const addresses[] = { "businessAddress", "homeAddress", "otherAddress" };
    static const char *const texts[] = { "assistantName", "birthday",        "businessHomePage", "companyName",
                                         "department",    "displayName",     "fileAs",           "generation",
                                         "givenName",     "initials",        "jobTitle",         "manager",
                                         "middleName",    "mobilePhone",     "nickName",         "officeLocation",
                                         "personalNotes", "profession",      "spouseName",       "surname",
                                         "title",         "yomiCompanyName", "yomiGivenName",    "yomiSurname" };
    json_t *defaults = json_object();
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        json_object_set_new(defaults, lists[i], json_array());
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++)
        json_object_set_new(defaults, addresses[i], json_object());
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        json_object_set_new(defaults, texts[i], json_null());
    box_fill(o, defaults);
}

static json_t *
contact_json(struct mailbox *m, uint32_t index)
{
    char parent[MAILBOX_ID_LEN];
    json_t *document = box_document(m->tree, index), *o = box_entity(m, index, document);
    mailbox_folder_id(m->tree, tree_at(m->tree, tree_at(m->tree, index)->parent)->key, parent);
    json_object_set_new(o, "parentFolderId", json_string(parent));
    put_defaults(o);
    json_decref(document);
    return o;
}

static const struct box_view view = {
    .context = "contacts", .type = "#microsoft.graph.contact", .row = contact_json, .page = 10
};

void
contacts_list(struct request *r, struct reply *reply)
{
    struct mailbox m;
    if (!box_begin(&m, r, reply, BOX_CONTACTS))
        return;
    uint32_t folder = box_folder(&m, r->arguments[1], ALIAS);
    if (folder != TREE_NONE)
        box_list(&m, folder, &view);
    mailbox_end(&m);
}

void
contacts_delta(struct request *r, struct reply *reply)
{
    struct mailbox m;
    char id[MAILBOX_ID_LEN];
    if (!box_begin(&m, r, reply, BOX_CONTACTS))
        return;
    uint32_t folder = box_folder(&m, r->arguments[1], ALIAS);
    if (folder != TREE_NONE) {
        mailbox_folder_id(m.tree, tree_at(m.tree, folder)->key, id);
        CLEANUP(memory_free_p)
        char *path = memory_printf("/v1.0/users/%s/contactFolders/%s/contacts/delta", m.account->id, id);
        box_delta(&m, folder, &view, path);
    }
    mailbox_end(&m);
}

void
contacts_create(struct request *r, struct reply *reply)
{
    struct mailbox m;
    json_t *given = box_body(r, reply), *document = json_object();
    CLEANUP(memory_free_p) char *problem = box_take(document, given, "contact", SETTABLE, IGNORED);
    if (given != NULL && problem != NULL) {
        box_bad_request(reply, problem);
    } else if (given != NULL && box_begin(&m, r, reply, BOX_CONTACTS)) {
        uint32_t folder = box_folder(&m, r->arguments[1], ALIAS);
        uint32_t index = folder != TREE_NONE ? box_add(&m, folder, document) : TREE_NONE;
        if (index != TREE_NONE)
            box_reply(&m, index, &view, 201);
        mailbox_end(&m);
    }
    json_decref(given);
    json_decref(document);
}

/* The contact of arguments[1], locked; TREE_NONE and the error in reply. */
static uint32_t
begin_contact(struct mailbox *m, struct request *r, struct reply *reply)
{
    if (!box_begin(m, r, reply, BOX_CONTACTS))
        return TREE_NONE;
    return mailbox_message(m, r->arguments[1], TREE_NONE);
}

void
contacts_get(struct request *r, struct reply *reply)
{
    struct mailbox m;
    uint32_t index = begin_contact(&m, r, reply);
    if (index != TREE_NONE)
        box_reply(&m, index, &view, 200);
    mailbox_end(&m);
}

void
contacts_update(struct request *r, struct reply *reply)
{
    struct mailbox m;
    json_t *given = box_body(r, reply);
    uint32_t index = given != NULL ? begin_contact(&m, r, reply) : TREE_NONE;
    if (index != TREE_NONE) {
        json_t *document = box_document(m.tree, index);
        CLEANUP(memory_free_p) char *problem = box_take(document, given, "contact", SETTABLE, IGNORED);
        if (problem != NULL)
            box_bad_request(reply, problem);
        else if (box_store(&m, index, document))
            box_reply(&m, index, &view, 200);
        json_decref(document);
    }
    if (given != NULL)
        mailbox_end(&m);
    json_decref(given);
}

void
contacts_delete(struct request *r, struct reply *reply)
{
    struct mailbox m;
    uint32_t index = begin_contact(&m, r, reply);
    if (index != TREE_NONE) {
        tree_delete(m.tree, index);
        reply_empty(reply, 204);
    }
    mailbox_end(&m);
}

/* The bytes of the photo; NULL and the 404 when there is none. The caller frees them. */
static char *
photo_bytes(struct mailbox *m, uint32_t index, size_t *len, char type[20])
{
    json_t *document = box_document(m->tree, index);
    const char *text = json_string_value(json_object_get(document, "_photo"));
    char *bytes = NULL;
    if (text != NULL) {
        const char *named = json_string_value(json_object_get(document, "_photoType"));
        bytes = memory_new(strlen(text) + 1);
        *len = mime_codec_base64(text, strlen(text), bytes);
        snprintf(type, 20, "%s", named != NULL ? named : "image/jpeg");
    } else {
        reply_error(m->reply, 404, "ErrorItemNotFound", "The photo wasn't found.", NULL);
    }
    json_decref(document);
    return bytes;
}

void
contacts_photo_value(struct request *r, struct reply *reply)
{
    struct mailbox m;
    char type[20];
    size_t len;
    uint32_t index = begin_contact(&m, r, reply);
    if (index != TREE_NONE) {
        CLEANUP(memory_free_p) char *bytes = photo_bytes(&m, index, &len, type);
        if (bytes != NULL)
            reply_bytes(reply, 200, type, bytes, len);
    }
    mailbox_end(&m);
}

/* Exchange makes photos of contacts up to 648 pixels square; sizes of images are not looked at here. */
void
contacts_photo(struct request *r, struct reply *reply)
{
    struct mailbox m;
    char type[20];
    size_t len;
    uint32_t index = begin_contact(&m, r, reply);
    if (index != TREE_NONE) {
        CLEANUP(memory_free_p) char *bytes = photo_bytes(&m, index, &len, type);
        if (bytes != NULL) {
            json_t *o = json_pack("{s:s,s:i,s:i}", "id", "648x648", "height", 648, "width", 648);
            page_context(o, r, "users('%s')/contacts('%s')/photo/$entity", m.account->id, r->arguments[1]);
            reply_json(reply, 200, o);
        }
    }
    mailbox_end(&m);
}

static void
put_photo(struct mailbox *m, uint32_t index, const uint8_t *bytes, size_t len)
{
    const char *type = request_header(m->request, "Content-Type");
    json_t *document = box_document(m->tree, index);
    CLEANUP(memory_free_p) char *text = memory_new(ENCODING_BASE64_LEN(len));
    encoding_base64(bytes, len, text);
    json_object_set_new(document, "_photo", json_string(text));
    json_object_set_new(document, "_photoType",
                        json_string(type != NULL && strcmp(type, "image/png") == 0 ? type : "image/jpeg"));
    if (box_store(m, index, document))
        reply_empty(m->reply, 200);
    json_decref(document);
}

void
contacts_photo_put(struct request *r, struct reply *reply)
{
    struct mailbox m;
    struct error err = ERROR_INIT;
    const uint8_t *bytes = body_bytes(&r->body, &err);
    uint32_t index = begin_contact(&m, r, reply);
    if (index != TREE_NONE && (bytes == NULL || r->body.size > PHOTO_BYTES))
        reply_error(reply, 400, "ErrorInvalidImage", "The image is empty or larger than 4 MB.", NULL);
    else if (index != TREE_NONE)
        put_photo(&m, index, bytes, r->body.size);
    mailbox_end(&m);
}
