#include "transporter/restore/mail_json.h"

#include "common/base/memory.h"
#include "transporter/graph/graph_json.h"

#include <string.h>
#include <strings.h>

static bool
is_address(const char *address)
{
    const char *at = strchr(address, '@');

    if (strncasecmp(address, "/o=", 3) == 0)
        return true; /* an Exchange name */
    return at != NULL && at != address && at[1] != '\0' && strchr(at + 1, '@') == NULL &&
           strpbrk(address, " \t\r\n<>,;\"") == NULL;
}

/* An empty address is refused always; strict: so is what does not look like one. */
static void
put_people(json_t *out, const json_t *metadata, const char *key, bool strict)
{
    const json_t *list = json_object_get(metadata, key);
    json_t *kept = json_array(), *person;
    size_t index;

    json_array_foreach (list, index, person) {
        const char *address = graph_json_text(graph_json_object(person, "emailAddress"), "address");
        if (address[0] != '\0' && (!strict || is_address(address)))
            json_array_append(kept, person);
    }
    json_object_set_new(out, key, kept);
}

static void
put_person(json_t *out, const json_t *metadata, const char *key, bool strict)
{
    json_t *person = json_object_get(metadata, key);
    const char *address = graph_json_text(graph_json_object(person, "emailAddress"), "address");

    if (address[0] != '\0' && (!strict || is_address(address)))
        json_object_set(out, key, person);
}

static void
put_extended(json_t *list, const char *id, const char *value)
{
    if (value != NULL && value[0] != '\0')
        json_array_append_new(list, json_pack("{s:s,s:s}", "id", id, "value", value));
}

/* What has no property of its own. Without 0x0E07 the result is a draft; without the dates it was received now. */
static json_t *
extended(const struct mail_json_parts *parts, enum mail_json_level level)
{
    const json_t *metadata = parts->metadata;
    json_t *list = json_array();
    const char *message_class = graph_json_extended(metadata, "String 0x001A");

    if (message_class[0] == '\0')
        message_class = graph_json_extended(metadata, "String 0x1a");
    if (!graph_json_bool(metadata, "isDraft"))
        put_extended(list, "Integer 0x0E07", graph_json_bool(metadata, "isRead") ? "5" : "4");
    put_extended(list, "SystemTime 0x0039", graph_json_text(metadata, "sentDateTime"));
    put_extended(list, "SystemTime 0x0E06", graph_json_text(metadata, "receivedDateTime"));
    if (level >= MAIL_JSON_PLAIN_HEADERS)
        return list;
    if (message_class[0] != '\0' && strcasecmp(message_class, "IPM.Note") != 0)
        put_extended(list, "String 0x001A", message_class);
    put_extended(list, "String 0x007D", parts->headers);
    put_extended(list, "String 0x1042", parts->in_reply_to);
    put_extended(list, "String 0x1039", parts->references);
    return list;
}

json_t *
mail_json_build(const struct mail_json_parts *parts, enum mail_json_level level)
{
    static const char *const copied[] = { "subject",
                                          "importance",
                                          "isRead",
                                          "internetMessageId",
                                          "categories",
                                          "flag",
                                          "inferenceClassification",
                                          "isReadReceiptRequested",
                                          "isDeliveryReceiptRequested" };
    static const char *const lists[] = { "toRecipients", "ccRecipients", "bccRecipients" };
    const json_t *metadata = parts->metadata;
    bool strict = level >= MAIL_JSON_SAFE_PEOPLE;
    json_t *out = json_object();

    for (size_t i = 0; i < ARRAY_LEN(copied); i++) {
        json_t *value = json_object_get(metadata, copied[i]);
        if (value != NULL && !json_is_null(value))
            json_object_set(out, copied[i], value);
    }
    put_person(out, metadata, "from", strict);
    if (level < MAIL_JSON_BARE) {
        put_person(out, metadata, "sender", strict);
        for (size_t i = 0; i < ARRAY_LEN(lists); i++)
            put_people(out, metadata, lists[i], strict);
        put_people(out, metadata, "replyTo", true); /* the service is strict with these */
    }
    json_object_set_new(out, "body",
                        json_pack("{s:s,s:s}", "contentType", parts->html ? "html" : "text", "content", parts->body));
    json_object_set_new(out, "singleValueExtendedProperties", extended(parts, level));
    return out;
}
