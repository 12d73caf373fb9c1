#include "tests/m365sim/mail_write.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/m365sim/files.h"
#include "tests/m365sim/mailbox.h"
#include "tests/m365sim/message_internal.h"
#include "tests/m365sim/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define OWN_HEADERS 5u

int
mail_write_document(struct tree *tree, uint32_t index, const json_t *document, struct error *err)
{
    struct tree_node *n = tree_at(tree, index);
    CLEANUP(memory_free_p) char *path = tree_state_path(tree, n->key, "json");
    char *text = json_dumps(document, JSON_COMPACT);
    if (text == NULL)
        return FAIL(err, ERROR_FORMAT, 0, "the message cannot be written as JSON");
    int result = files_replace(path, text, strlen(text), err);
    n->flags |= TREE_OVERLAY;
    if (n->flags & TREE_JSON)
        n->size = strlen(text);
    free(text);
    return result;
}

void
mail_detach(struct tree *tree, uint32_t index)
{
    struct tree_node *n = tree_at(tree, index);
    for (uint32_t c = TREE_NONE; (c = tree_next_child(tree, index, c)) != TREE_NONE;)
        mail_detach(tree, c);
    if (!(n->flags & TREE_STATE) && n->kind == TREE_ITEM) {
        CLEANUP(memory_free_p) char *from = tree_path(tree, index);
        CLEANUP(memory_free_p) char *to = tree_state_path(tree, n->key, "eml");
        if (symlink(from, to) != 0)
            return;
    }
    n->flags |= TREE_STATE | TREE_MOVED;
}

void
mail_move(struct tree *tree, uint32_t index, uint32_t folder)
{
    char name[32];
    mail_detach(tree, index);
    if (tree_at(tree, index)->kind == TREE_FOLDER) {
        CLEANUP(memory_free_p) char *same = memory_strdup(tree_name(tree, tree_at(tree, index)));
        tree_move(tree, index, folder, same, 0);
        return;
    }
    /* Its own name, so that a file of the target folder on disk is never taken for it. */
    snprintf(name, sizeof(name), "moved %016llx", (unsigned long long)tree_at(tree, index)->key);
    tree_move(tree, index, folder, name, 0);
}

static bool
good_address(const json_t *recipient, bool strict)
{
    const char *address = json_string_value(json_object_get(json_object_get(recipient, "emailAddress"), "address"));
    if (address == NULL || address[0] == '\0')
        return false;
    return !strict || strchr(address, '@') != NULL || strncasecmp(address, "/o=", 3) == 0;
}

static bool
good_people(const json_t *list, bool strict)
{
    size_t i;
    const json_t *one;
    json_array_foreach (list, i, one) {
        if (!good_address(one, strict))
            return false;
    }
    return true;
}

static void
merge_extended(json_t *document, const json_t *given)
{
    size_t i, k;
    const json_t *one;
    json_t *had, *list = json_object_get(document, "singleValueExtendedProperties");
    if (list == NULL) {
        list = json_array();
        json_object_set_new(document, "singleValueExtendedProperties", list);
    }
    json_array_foreach (given, i, one) {
        const char *id = json_string_value(json_object_get(one, "id"));
        json_array_foreach (list, k, had) {
            const char *old = json_string_value(json_object_get(had, "id"));
            if (id != NULL && old != NULL && strcasecmp(id, old) == 0) {
                json_array_remove(list, k);
                break;
            }
        }
        json_array_append(list, (json_t *)(uintptr_t)one);
    }
}

static const char *
check_extended(const json_t *given, const char **code)
{
    static const char *const types[] = { "String ", "Integer ", "Long ",  "Boolean ",  "Double ", "SystemTime ",
                                         "Binary ", "CLSID ",   "Short ", "Currency ", "Float " };
    size_t i;
    const json_t *one;
    json_array_foreach (given, i, one) {
        const char *id = json_string_value(json_object_get(one, "id"));
        bool good = false;
        for (size_t k = 0; id != NULL && k < ARRAY_LEN(types); k++)
            good = good || strncasecmp(id, types[k], strlen(types[k])) == 0;
        if (!good || !json_is_string(json_object_get(one, "value"))) {
            *code = "ErrorInvalidProperty";
            return "PropertyId values may only be in one of the following formats: 'MapiPropertyType namespaceGuid "
                   "Name "
                   "propertyName', 'MapiPropertyType namespaceGuid Id propertyId' or 'MapiPropertyType propertyTag'.";
        }
    }
    return NULL;
}

static void
take_preview(json_t *document)
{
    const json_t *body = json_object_get(document, "body");
    const char *content = json_string_value(json_object_get(body, "content"));
    const char *type = json_string_value(json_object_get(body, "contentType"));
    if (content == NULL)
        return;
    bool html = type != NULL && strcasecmp(type, "html") == 0;
    CLEANUP(memory_free_p) char *flat = html ? message_strip_html(content) : memory_strdup(content);
    CLEANUP(memory_free_p) char *preview = message_preview(flat);
    message_set_text(document, "bodyPreview", preview);
}

static void
take_flag(json_t *document, const json_t *flag, unsigned *flags)
{
    const char *status = json_string_value(json_object_get(flag, "flagStatus"));
    json_object_set(document, "flag", (json_t *)(uintptr_t)flag);
    *flags &= ~(unsigned)TREE_FLAGGED;
    if (status != NULL && strcasecmp(status, "flagged") == 0)
        *flags |= TREE_FLAGGED;
}

const char *
mail_take_properties(json_t *document, const json_t *given, unsigned *flags, const char **code)
{
    static const char *const settable[] = { "subject",
                                            "body",
                                            "importance",
                                            "from",
                                            "sender",
                                            "toRecipients",
                                            "ccRecipients",
                                            "bccRecipients",
                                            "replyTo",
                                            "categories",
                                            "internetMessageId",
                                            "inferenceClassification",
                                            "isDeliveryReceiptRequested",
                                            "isReadReceiptRequested" };
    const json_t *read = json_object_get(given, "isRead"), *flag = json_object_get(given, "flag");
    const json_t *extended = json_object_get(given, "singleValueExtendedProperties");
    *code = "ErrorInvalidRecipients";
    if (!good_people(json_object_get(given, "toRecipients"), false) ||
        !good_people(json_object_get(given, "ccRecipients"), false) ||
        !good_people(json_object_get(given, "bccRecipients"), false) ||
        !good_people(json_object_get(given, "replyTo"), true))
        return "At least one recipient isn't valid.";
    const char *problem = check_extended(extended, code);
    if (problem != NULL)
        return problem;
    for (size_t i = 0; i < ARRAY_LEN(settable); i++) {
        json_t *value = json_object_get(given, settable[i]);
        if (value != NULL)
            json_object_set(document, settable[i], value);
    }
    if (json_object_get(given, "body") != NULL)
        take_preview(document);
    if (json_is_boolean(read))
        *flags = json_is_true(read) ? *flags | TREE_READ : *flags & ~(unsigned)TREE_READ;
    if (json_is_object(flag))
        take_flag(document, flag, flags);
    if (json_array_size(extended) > 0)
        merge_extended(document, extended);
    return NULL;
}

static void
take_times_and_state(json_t *document, const json_t *given, unsigned *flags)
{
    size_t i;
    unsigned tag;
    const json_t *one;
    json_array_foreach (json_object_get(given, "singleValueExtendedProperties"), i, one) {
        const char *id = json_string_value(json_object_get(one, "id"));
        const char *value = json_string_value(json_object_get(one, "value"));
        if (sscanf(id, "Integer 0x%x", &tag) == 1 && tag == 0x0e07) {
            unsigned long bits = strtoul(value, NULL, 10);
            *flags = bits & 0x8 ? *flags | TREE_DRAFT : *flags & ~(unsigned)TREE_DRAFT;
            if (!json_is_boolean(json_object_get(given, "isRead")))
                *flags = bits & 0x1 ? *flags | TREE_READ : *flags & ~(unsigned)TREE_READ;
        } else if (sscanf(id, "SystemTime 0x%x", &tag) == 1 && tag == 0x0e06) {
            json_object_set_new(document, "receivedDateTime", json_string(value));
        } else if (sscanf(id, "SystemTime 0x%x", &tag) == 1 && tag == 0x0039) {
            json_object_set_new(document, "sentDateTime", json_string(value));
        }
    }
}

const char *
mail_take_creation(json_t *document, const json_t *given, unsigned *flags, const char **code)
{
    size_t i;
    const json_t *one, *headers = json_object_get(given, "internetMessageHeaders");
    *code = "InvalidInternetMessageHeader";
    json_array_foreach (headers, i, one) {
        const char *name = json_string_value(json_object_get(one, "name"));
        if (name == NULL || strncasecmp(name, "x-", 2) != 0)
            return "The internet message header name should start with 'x-' or 'X-'.";
    }
    if (json_array_size(headers) > OWN_HEADERS) {
        *code = "InvalidInternetMessageHeaderCollection";
        return "Maximum number of headers in one message should be less than or equal to 5.";
    }
    if (headers != NULL)
        json_object_set(document, "internetMessageHeaders", (json_t *)(uintptr_t)headers);
    take_times_and_state(document, given, flags);
    return NULL;
}
