#include "transporter/restore/vcard_write.h"

#include "common/base/buffer.h"
#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/graph/graph_json.h"

#include <string.h>

#define LINE_MAX_BYTES 75 /* RFC 2426, 2.6 */
#define LINE_CEILING   ((size_t)96 << 20)

struct card {
    struct buffer *out;
    struct buffer line; /* unfolded */
    struct error *err;
    bool failed;
};

static void
add(struct card *card, const char *text, size_t len)
{
    card->failed = card->failed || buffer_append(&card->line, text, len, card->err) != 0;
}

static void
add_text(struct card *card, const char *text)
{
    add(card, text, strlen(text));
}

/* A value inside a property: RFC 2426, 4. */
static void
add_value(struct card *card, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\r')
            continue;
        if (*text == '\n')
            add(card, "\\n", 2);
        else if ((unsigned char)*text >= ' ' || *text == '\t') {
            if (strchr("\\;,", *text) != NULL)
                add(card, "\\", 1);
            add(card, text, 1);
        }
    }
}

/* Folds between characters. */
static void
end_line(struct card *card)
{
    const char *at = (const char *)card->line.data;
    size_t left = card->line.len, room = LINE_MAX_BYTES;
    while (!card->failed && left > 0) {
        size_t n = left < room ? left : room;
        while (n < left && n > 1 && ((unsigned char)at[n] & 0xC0) == 0x80)
            n--;
        card->failed = buffer_append(card->out, at, n, card->err) != 0 ||
                       buffer_append(card->out, n < left ? "\r\n " : "\r\n", n < left ? 3 : 2, card->err) != 0;
        at += n;
        left -= n;
        room = LINE_MAX_BYTES - 1;
    }
    card->line.len = 0;
}

static void
put(struct card *card, const char *property, const char *value)
{
    if (value[0] == '\0')
        return;
    add_text(card, property);
    add_text(card, ":");
    add_value(card, value);
    end_line(card);
}

/* Parts of one property, ';' between them; nothing when all are empty. */
static void
put_parts(struct card *card, const char *property, const json_t *object, const char *const *keys, size_t count)
{
    bool any = false;
    for (size_t i = 0; i < count; i++)
        any = any || graph_json_text(object, keys[i])[0] != '\0';
    if (!any)
        return;
    add_text(card, property);
    for (size_t i = 0; i < count; i++) {
        add_text(card, i == 0 ? ":" : ";");
        add_value(card, keys[i][0] != '\0' ? graph_json_text(object, keys[i]) : "");
    }
    end_line(card);
}

static void
put_each(struct card *card, const char *property, const json_t *values)
{
    size_t index;
    const json_t *value;
    json_array_foreach (values, index, value)
        put(card, property, json_is_string(value) ? json_string_value(value) : "");
}

static void
put_names(struct card *card, const json_t *contact)
{
    static const char *const parts[] = { "surname", "givenName", "middleName", "title", "generation" };
    static const char *const fallbacks[] = {
        "displayName", "fileAs", "companyName", "nickName", "surname", "givenName"
    };
    const char *name = "";
    for (size_t i = 0; name[0] == '\0' && i < ARRAY_LEN(fallbacks); i++)
        name = graph_json_text(contact, fallbacks[i]);
    if (name[0] == '\0')
        name = graph_json_text(json_array_get(json_object_get(contact, "emailAddresses"), 0), "address");
    /* Both are required, whatever they hold. */
    put(card, "FN", name[0] != '\0' ? name : "?");
    add_text(card, "N");
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        add_text(card, i == 0 ? ":" : ";");
        add_value(card, graph_json_text(contact, parts[i]));
    }
    end_line(card);
    put(card, "NICKNAME", graph_json_text(contact, "nickName"));
}

static void
put_emails(struct card *card, const json_t *contact)
{
    size_t index;
    const json_t *email;
    json_array_foreach (json_object_get(contact, "emailAddresses"), index, email)
        put(card, "EMAIL;TYPE=INTERNET", graph_json_text(email, "address"));
}

static void
put_addresses(struct card *card, const json_t *contact)
{
    static const char *const parts[] = { "", "", "street", "city", "state", "postalCode", "countryOrRegion" };
    static const struct {
        const char *key, *property;
    } kinds[] = { { "homeAddress", "ADR;TYPE=HOME" },
                  { "businessAddress", "ADR;TYPE=WORK" },
                  { "otherAddress", "ADR" } };
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        put_parts(card, kinds[i].property, graph_json_object(contact, kinds[i].key), parts, ARRAY_LEN(parts));
}

static void
put_list(struct card *card, const char *property, const json_t *values)
{
    size_t index;
    const json_t *value;
    if (json_array_size(values) == 0)
        return;
    add_text(card, property);
    json_array_foreach (values, index, value) {
        add_text(card, index == 0 ? ":" : ",");
        add_value(card, json_is_string(value) ? json_string_value(value) : "");
    }
    end_line(card);
}

static void
put_photo(struct card *card, const uint8_t *photo, size_t len)
{
    if (len == 0)
        return;
    bool png = len > 4 && memcmp(photo, "\x89PNG", 4) == 0;
    char *text = memory_new(ENCODING_BASE64_LEN(len));
    encoding_base64(photo, len, text);
    add_text(card, png ? "PHOTO;ENCODING=b;TYPE=PNG:" : "PHOTO;ENCODING=b;TYPE=JPEG:");
    add_text(card, text);
    memory_free_p(&text);
    end_line(card);
}

int
vcard_write(const json_t *contact, const uint8_t *photo, size_t len, struct buffer *out, struct error *err)
{
    static const char *const organisation[] = { "companyName", "department" };
    static const struct {
        const char *key, *property;
    } texts[] = { { "jobTitle", "TITLE" },
                  { "profession", "ROLE" },
                  { "mobilePhone", "TEL;TYPE=CELL" },
                  { "businessHomePage", "URL;TYPE=WORK" },
                  { "personalNotes", "NOTE" },
                  { "spouseName", "X-MS-SPOUSE" },
                  { "manager", "X-MS-MANAGER" },
                  { "assistantName", "X-MS-ASSISTANT" },
                  { "officeLocation", "X-MS-OFFICE" },
                  { "lastModifiedDateTime", "REV" } };
    struct card card = { .out = out, .line = BUFFER_INIT(LINE_CEILING), .err = err };
    add_text(&card, "BEGIN:VCARD");
    end_line(&card);
    put(&card, "VERSION", "3.0");
    put_names(&card, contact);
    put_parts(&card, "ORG", contact, organisation, ARRAY_LEN(organisation));
    put_emails(&card, contact);
    put_each(&card, "TEL;TYPE=WORK", json_object_get(contact, "businessPhones"));
    put_each(&card, "TEL;TYPE=HOME", json_object_get(contact, "homePhones"));
    put_each(&card, "IMPP", json_object_get(contact, "imAddresses"));
    put_addresses(&card, contact);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        put(&card, texts[i].property, graph_json_text(contact, texts[i].key));
    CLEANUP(memory_free_p) char *birthday = memory_printf("%.10s", graph_json_text(contact, "birthday"));
    put(&card, "BDAY", birthday);
    put_list(&card, "CATEGORIES", json_object_get(contact, "categories"));
    put_photo(&card, photo, len);
    add_text(&card, "END:VCARD");
    end_line(&card);
    buffer_clear(&card.line);
    return card.failed ? -1 : 0;
}
