#include "common/base/memory.h"
#include "tests/m365sim/message_internal.h"
#include "tests/m365sim/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Tagged properties are compared by type and number: "Integer 0x0E07" is "Integer 0xe07". */
static bool
same_property(const char *a, const char *b)
{
    char type_a[24], type_b[24];
    unsigned tag_a, tag_b;
    if (sscanf(a, "%23s 0x%x", type_a, &tag_a) == 2 && sscanf(b, "%23s 0x%x", type_b, &tag_b) == 2 &&
        strchr(a, '{') == NULL && strchr(b, '{') == NULL)
        return strcasecmp(type_a, type_b) == 0 && tag_a == tag_b;
    return strcasecmp(a, b) == 0;
}

static char *
stored_value(const json_t *document, const char *id)
{
    size_t i;
    const json_t *one, *list = json_object_get(document, "singleValueExtendedProperties");
    json_array_foreach (list, i, one) {
        const char *have = json_string_value(json_object_get(one, "id"));
        const char *value = json_string_value(json_object_get(one, "value"));
        if (have != NULL && value != NULL && same_property(have, id))
            return memory_strdup(value);
    }
    return NULL;
}

static unsigned
message_flags(const struct message *m, const json_t *document)
{
    unsigned flags = m->flags & TREE_READ ? 0x1 : 0;
    if (m->flags & TREE_DRAFT)
        flags |= 0x8;
    if (json_array_size(json_object_get(document, "_attachments")) > 0)
        flags |= 0x10;
    return flags;
}

static char *
time_text(int64_t wall_ms)
{
    json_t *value = message_time(wall_ms);
    char *text = memory_strdup(json_string_value(value));
    json_decref(value);
    return text;
}

static char *
header_value(const struct message *m, const char *field)
{
    struct message_file file;
    struct mime_headers h;
    char *value = NULL;
    if (m->eml == NULL || message_file_open(&file, m->eml, NULL) != 0)
        return NULL;
    mime_headers_parse(&h, file.data, file.len);
    value = field == NULL ? mime_to_utf8(NULL, file.data, h.end) : mime_headers_raw(&h, field);
    mime_headers_clear(&h);
    message_file_close(&file);
    return value;
}

/* What Exchange would answer for a property that nobody set. */
static char *
computed_value(const struct message *m, const json_t *document, const char *id, int64_t received, int64_t sent)
{
    if (same_property(id, "Integer 0x0E07"))
        return memory_printf("%u", message_flags(m, document));
    if (same_property(id, "SystemTime 0x0E06"))
        return time_text(received);
    if (same_property(id, "SystemTime 0x0039"))
        return time_text(sent);
    if (same_property(id, "Long 0x0E08") || same_property(id, "Integer 0x0E08"))
        return memory_printf("%llu", (unsigned long long)m->size);
    if (same_property(id, "String 0x001A"))
        return memory_strdup("IPM.Note");
    if (same_property(id, "String 0x007D"))
        return header_value(m, NULL);
    if (same_property(id, "String 0x1035"))
        return header_value(m, "Message-ID");
    if (same_property(id, "String 0x1039"))
        return header_value(m, "References");
    if (same_property(id, "String 0x1042"))
        return header_value(m, "In-Reply-To");
    if (same_property(id, "Integer 0x1081") && (m->flags & TREE_ANSWERED))
        return memory_strdup("102");
    return NULL;
}

/* "Integer 0x0E07" is written "Integer 0xe07" in answers. */
static char *
answer_id(const char *id)
{
    char type[24];
    unsigned tag;
    if (strchr(id, '{') == NULL && sscanf(id, "%23s 0x%x", type, &tag) == 2)
        return memory_printf("%s 0x%x", type, tag);
    return memory_strdup(id);
}

json_t *
message_extended(const struct message *m, const json_t *document, const char *expand, int64_t received, int64_t sent)
{
    json_t *list = json_array();
    const char *p = strstr(expand, "singleValueExtendedProperties");
    while (p != NULL && (p = strcasestr(p, "id eq '")) != NULL) {
        p += strlen("id eq '");
        size_t len = strcspn(p, "'");
        CLEANUP(memory_free_p) char *id = memory_printf("%.*s", (int)len, p);
        CLEANUP(memory_free_p) char *value = stored_value(document, id);
        /* Read state can change after creation; the flags in the store follow it. */
        if (value == NULL || same_property(id, "Integer 0x0E07")) {
            free(value);
            value = computed_value(m, document, id, received, sent);
        }
        CLEANUP(memory_free_p) char *answer = answer_id(id);
        if (value != NULL)
            json_array_append_new(list, json_pack("{s:s,s:s}", "id", answer, "value", value));
        p += len;
    }
    return list;
}
