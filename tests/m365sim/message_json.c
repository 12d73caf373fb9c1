#include "common/base/encoding.h"
#include "common/base/memory.h"
#include "tests/m365sim/message_internal.h"
#include "tests/m365sim/select.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define RECIPIENT_LIMIT 1000u
#define PREVIEW_CHARS   255u

void
message_set_text(json_t *o, const char *name, const char *text)
{
    json_t *value = text == NULL ? NULL : json_string(text);
    json_object_set_new(o, name, value != NULL ? value : json_string(""));
}

static json_t *
recipient(const struct mime_address *a)
{
    const char *name = a->name[0] != '\0' ? a->name : a->address;
    return json_pack("{s:{s:s,s:s}}", "emailAddress", "name", name, "address", a->address);
}

static void
put_people(json_t *o, const char *property, const struct mime_headers *h, const char *field)
{
    CLEANUP(memory_free_p) char *text = mime_headers_all(h, field);
    json_t *list = json_array();
    if (text != NULL) {
        struct mime_address *found = memory_new(RECIPIENT_LIMIT * sizeof(*found));
        size_t n = mime_addresses(text, found, RECIPIENT_LIMIT);
        for (size_t i = 0; i < n; i++)
            json_array_append_new(list, recipient(&found[i]));
        mime_addresses_free(found, n);
        free(found);
    }
    json_object_set_new(o, property, list);
}

static void
put_person(json_t *o, const char *property, const struct mime_headers *h, const char *field)
{
    struct mime_address one;
    CLEANUP(memory_free_p) char *text = mime_headers_raw(h, field);
    if (text == NULL || mime_addresses(text, &one, 1) == 0)
        return;
    json_object_set_new(o, property, recipient(&one));
    mime_addresses_free(&one, 1);
}

static void
put_conversation(json_t *o, const struct mime_headers *h, const char *own_id)
{
    CLEANUP(memory_free_p) char *references = mime_headers_raw(h, "References");
    CLEANUP(memory_free_p) char *reply_to = mime_headers_raw(h, "In-Reply-To");
    const char *root = references != NULL ? references : reply_to != NULL ? reply_to : own_id != NULL ? own_id : "";
    uint8_t hash[32];
    char text[ENCODING_BASE64_LEN(22)];
    EVP_Digest(root, strcspn(root, " \t,"), hash, NULL, EVP_sha256(), NULL);
    encoding_base64url(hash, 16, text);
    json_object_set_new(o, "conversationId", json_sprintf("AAQkAD%s=", text));
    hash[0] = 1;
    encoding_base64(hash, 22, text);
    json_object_set_new(o, "conversationIndex", json_string(text));
}

static void
put_importance(json_t *o, const struct mime_headers *h)
{
    CLEANUP(memory_free_p) char *importance = mime_headers_raw(h, "Importance");
    CLEANUP(memory_free_p) char *priority = mime_headers_raw(h, "X-Priority");
    if (importance != NULL && strcasecmp(importance, "high") == 0)
        json_object_set_new(o, "importance", json_string("high"));
    else if (importance != NULL && strcasecmp(importance, "low") == 0)
        json_object_set_new(o, "importance", json_string("low"));
    else if (importance == NULL && priority != NULL && (priority[0] == '1' || priority[0] == '2'))
        json_object_set_new(o, "importance", json_string("high"));
    else if (importance == NULL && priority != NULL && (priority[0] == '4' || priority[0] == '5'))
        json_object_set_new(o, "importance", json_string("low"));
}

char *
message_strip_html(const char *html)
{
    char *out = memory_new(strlen(html) + 1);
    size_t n = 0;
    for (const char *p = html; *p != '\0';) {
        if (strncasecmp(p, "<style", 6) == 0 || strncasecmp(p, "<script", 7) == 0) {
            const char *end = strcasestr(p, p[2] == 't' || p[2] == 'T' ? "</style" : "</script");
            p = end != NULL ? end : p + strlen(p);
        }
        if (*p == '<') {
            p += strcspn(p, ">");
            p += *p == '>';
        } else if (*p != '\0') {
            out[n++] = *p++;
        }
    }
    out[n] = '\0';
    return out;
}

char *
message_preview(const char *text)
{
    char *out = memory_new(PREVIEW_CHARS * 4 + 8);
    size_t n = 0, chars = 0;
    for (const char *p = text; *p != '\0' && chars < PREVIEW_CHARS;) {
        if (isspace((unsigned char)*p)) {
            p += strspn(p, " \t\r\n\f\v");
            if (n > 0 && *p != '\0')
                out[n++] = ' ';
            chars++;
            continue;
        }
        do
            out[n++] = *p++;
        while (((unsigned char)*p & 0xc0) == 0x80);
        chars++;
    }
    out[n] = '\0';
    return out;
}

static void
put_body(json_t *o, const struct mime_message *m, const struct message_form *form)
{
    bool html = m->html >= 0 && !(form->text_body && m->plain >= 0);
    int part = html ? m->html : m->plain;
    CLEANUP(memory_free_p) char *text = part < 0 ? memory_strdup("") : mime_message_text(m, (size_t)part);
    CLEANUP(memory_free_p) char *flat = html ? message_strip_html(text) : memory_strdup(text);
    CLEANUP(memory_free_p) char *preview = message_preview(flat);
    message_set_text(o, "bodyPreview", preview);
    json_t *body = json_object();
    json_object_set_new(body, "contentType", json_string(html && !form->text_body ? "html" : "text"));
    message_set_text(body, "content", html && form->text_body ? flat : text);
    json_object_set_new(o, "body", body);
}

static bool
has_attachments(const struct mime_message *m)
{
    for (size_t i = 0; i < m->part_count; i++)
        if (mime_message_is_attachment(m, i) && !(m->parts[i].content_id != NULL && !m->parts[i].attachment))
            return true;
    return false;
}

static void
put_headers(json_t *o, const struct mime_headers *h)
{
    json_t *list = json_array();
    for (size_t i = 0; i < h->count; i++) {
        const struct mime_field *f = &h->fields[i];
        CLEANUP(memory_free_p) char *name = mime_to_utf8(NULL, f->name, f->name_len);
        CLEANUP(memory_free_p) char *value = mime_to_utf8(NULL, f->value, f->value_len);
        size_t lead = strspn(value, " \t");
        for (size_t n = strlen(value); n > lead && isspace((unsigned char)value[n - 1]); n--)
            value[n - 1] = '\0';
        json_array_append_new(list, json_pack("{s:s,s:s}", "name", name, "value", value + lead));
    }
    json_object_set_new(o, "internetMessageHeaders", list);
}

void
message_json_mime(json_t *o, const struct mime_message *mime, const struct message_form *form)
{
    const struct mime_headers *h = &mime->headers;
    CLEANUP(memory_free_p) char *subject = mime_headers_text(h, "Subject");
    CLEANUP(memory_free_p) char *id = mime_headers_raw(h, "Message-ID");
    CLEANUP(memory_free_p) char *receipt = mime_headers_raw(h, "Disposition-Notification-To");
    message_set_text(o, "subject", subject);
    if (id != NULL)
        message_set_text(o, "internetMessageId", id);
    put_person(o, "from", h, "From");
    put_person(o, "sender", h, "Sender");
    if (json_object_get(o, "sender") == NULL && json_object_get(o, "from") != NULL)
        json_object_set(o, "sender", json_object_get(o, "from"));
    put_people(o, "toRecipients", h, "To");
    put_people(o, "ccRecipients", h, "Cc");
    put_people(o, "bccRecipients", h, "Bcc");
    put_people(o, "replyTo", h, "Reply-To");
    put_conversation(o, h, id);
    put_importance(o, h);
    if (receipt != NULL)
        json_object_set_new(o, "isReadReceiptRequested", json_true());
    if (mime->part_count > 0) {
        json_object_set_new(o, "hasAttachments", json_boolean(has_attachments(mime)));
        put_body(o, mime, form);
    }
    if (select_names(form->select, "internetMessageHeaders"))
        put_headers(o, h);
}
