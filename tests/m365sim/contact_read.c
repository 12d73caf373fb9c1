#include "common/base/memory.h"
#include "tests/m365sim/box_read.h"
#include "tests/m365sim/vcard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PHOTO_LIMIT ((size_t)6 << 20) /* characters of base64 */
#define LIST_LIMIT  100u
#define CARD_LIMIT  5000u

typedef void take_fn(json_t *o, const struct vcard_property *p);

static void
set_text(json_t *o, const char *name, char *takes)
{
    if (takes != NULL && takes[0] != '\0' && json_object_get(o, name) == NULL)
        json_object_set_new(o, name, json_string(takes));
    free(takes);
}

static void
append(json_t *o, const char *name, json_t *takes, size_t limit)
{
    json_t *list = json_object_get(o, name);
    if (list == NULL) {
        list = json_array();
        json_object_set_new(o, name, list);
    }
    if (json_array_size(list) < limit)
        json_array_append_new(list, takes);
    else
        json_decref(takes);
}

static void
take_name(json_t *o, const struct vcard_property *p)
{
    static const char *const parts[] = { "surname", "givenName", "middleName", "title", "generation" };
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        set_text(o, parts[i], vcard_part(p, ';', i));
}

static void
take_organisation(json_t *o, const struct vcard_property *p)
{
    set_text(o, "companyName", vcard_part(p, ';', 0));
    set_text(o, "department", vcard_part(p, ';', 1));
}

static void
take_email(json_t *o, const struct vcard_property *p)
{
    CLEANUP(memory_free_p) char *address = vcard_text(p);
    if (address[0] != '\0')
        append(o, "emailAddresses", json_pack("{s:s}", "address", address), LIST_LIMIT);
}

static void
take_phone(json_t *o, const struct vcard_property *p)
{
    CLEANUP(memory_free_p) char *text = vcard_text(p);
    const char *number = strncasecmp(text, "tel:", 4) == 0 ? text + 4 : text;
    /* Graph's contact has no place for faxes and pagers. */
    if (number[0] == '\0' || vcard_has_type(p, "FAX") || vcard_has_type(p, "PAGER"))
        return;
    if (vcard_has_type(p, "CELL") && json_object_get(o, "mobilePhone") == NULL)
        json_object_set_new(o, "mobilePhone", json_string(number));
    else
        append(o, vcard_has_type(p, "HOME") ? "homePhones" : "businessPhones", json_string(number), LIST_LIMIT);
}

static void
take_address(json_t *o, const struct vcard_property *p)
{
    static const char *const parts[] = { NULL, NULL, "street", "city", "state", "postalCode", "countryOrRegion" };
    const char *name = vcard_has_type(p, "HOME") ? "homeAddress" : "otherAddress";
    if (vcard_has_type(p, "WORK"))
        name = "businessAddress";
    if (json_object_get(o, name) != NULL)
        return;
    json_t *address = json_object();
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (parts[i] != NULL)
            set_text(address, parts[i], vcard_part(p, ';', i));
    json_object_set_new(o, name, address);
}

/* "1984-05-02", "19840502", "--0502" and the same with a time behind. Graph shows noon less a minute. */
static void
take_birthday(json_t *o, const struct vcard_property *p)
{
    unsigned year = 1604, month, day;
    const char *t = p->value;
    bool found = sscanf(t, "%4u-%2u-%2u", &year, &month, &day) == 3 || sscanf(t, "--%2u-%2u", &month, &day) == 2 ||
                 sscanf(t, "--%2u%2u", &month, &day) == 2 || sscanf(t, "%4u%2u%2u", &year, &month, &day) == 3;
    if (found && year > 0 && month >= 1 && month <= 12 && day >= 1 && day <= 31)
        json_object_set_new(o, "birthday", json_sprintf("%04u-%02u-%02uT11:59:00Z", year, month, day));
}

static void
take_categories(json_t *o, const struct vcard_property *p)
{
    for (size_t i = 0; i < LIST_LIMIT; i++) {
        CLEANUP(memory_free_p) char *one = vcard_part(p, ',', i);
        if (one == NULL)
            return;
        if (one[0] != '\0')
            append(o, "categories", json_string(one), LIST_LIMIT);
    }
}

static void
take_chat(json_t *o, const struct vcard_property *p)
{
    CLEANUP(memory_free_p) char *text = vcard_text(p);
    if (text[0] != '\0')
        append(o, "imAddresses", json_string(text), LIST_LIMIT);
}

static void
take_photo(json_t *o, const struct vcard_property *p)
{
    const char *data = p->value, *comma = strchr(data, ',');
    bool uri = strncasecmp(data, "data:", 5) == 0 && comma != NULL;
    if ((!uri && !vcard_is_base64(p)) || json_object_get(o, "_photo") != NULL || strlen(data) > PHOTO_LIMIT)
        return;
    bool png = vcard_has_type(p, "PNG") || strncasecmp(data, "data:image/png", 14) == 0;
    json_object_set_new(o, "_photo", json_string(uri ? comma + 1 : data));
    json_object_set_new(o, "_photoType", json_string(png ? "image/png" : "image/jpeg"));
}

static const struct {
    const char *name;
    take_fn *take;        /* NULL: the text goes into */
    const char *property; /* this one */
} table[] = {
    { "FN", NULL, "displayName" },
    { "N", take_name, NULL },
    { "NICKNAME", NULL, "nickName" },
    { "ORG", take_organisation, NULL },
    { "TITLE", NULL, "jobTitle" },
    { "ROLE", NULL, "profession" },
    { "EMAIL", take_email, NULL },
    { "TEL", take_phone, NULL },
    { "ADR", take_address, NULL },
    { "BDAY", take_birthday, NULL },
    { "URL", NULL, "businessHomePage" },
    { "NOTE", NULL, "personalNotes" },
    { "CATEGORIES", take_categories, NULL },
    { "IMPP", take_chat, NULL },
    { "X-AIM", take_chat, NULL },
    { "X-JABBER", take_chat, NULL },
    { "X-SKYPE", take_chat, NULL },
    { "X-MS-IMADDRESS", take_chat, NULL },
    { "PHOTO", take_photo, NULL },
    { "UID", NULL, "_uid" },
    { "X-EVOLUTION-FILE-AS", NULL, "fileAs" },
    { "X-SPOUSE", NULL, "spouseName" },
    { "X-EVOLUTION-SPOUSE", NULL, "spouseName" },
    { "X-MS-SPOUSE", NULL, "spouseName" },
    { "X-MANAGER", NULL, "manager" },
    { "X-EVOLUTION-MANAGER", NULL, "manager" },
    { "X-ASSISTANT", NULL, "assistantName" },
    { "X-EVOLUTION-ASSISTANT", NULL, "assistantName" },
    { "X-PHONETIC-FIRST-NAME", NULL, "yomiGivenName" },
    { "X-PHONETIC-LAST-NAME", NULL, "yomiSurname" },
};

static const char *
text_of(const json_t *o, const char *name)
{
    const char *text = json_string_value(json_object_get(o, name));
    return text != NULL ? text : "";
}

/* The names Outlook makes up from the others. */
static void
complete(json_t *o)
{
    const char *given = text_of(o, "givenName"), *surname = text_of(o, "surname");
    const char *email = text_of(json_array_get(json_object_get(o, "emailAddresses"), 0), "address");
    const char *blank = given[0] != '\0' && surname[0] != '\0' ? " " : "";
    set_text(o, "displayName", memory_printf("%s%s%s", given, blank, surname));
    set_text(o, "displayName", memory_strdup(text_of(o, "companyName")));
    set_text(o, "displayName", memory_strdup(text_of(o, "nickName")));
    set_text(o, "displayName", memory_strdup(email));
    set_text(o, "displayName", memory_strdup(text_of(o, "mobilePhone")));
    if (blank[0] != '\0')
        set_text(o, "fileAs", memory_printf("%s, %s", surname, given));
    set_text(o, "fileAs", memory_strdup(text_of(o, "displayName")));
    size_t i;
    json_t *one;
    json_array_foreach (json_object_get(o, "emailAddresses"), i, one)
        json_object_set_new(one, "name", json_string(text_of(o, "displayName")));
}

static void
take_property(json_t *o, const struct vcard_property *p)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (strcmp(table[i].name, p->name) != 0)
            continue;
        if (table[i].take != NULL)
            table[i].take(o, p);
        else
            set_text(o, table[i].property, vcard_text(p));
    }
}

json_t *
contact_read(const char *data, size_t len)
{
    struct vcard_file f;
    json_t *found = json_object();
    size_t i = 0;
    vcard_parse(&f, data, len);
    for (unsigned card = 0; card < f.cards && card < CARD_LIMIT; card++) {
        json_t *o = json_object();
        for (; i < f.count && f.properties[i].card == card; i++)
            take_property(o, &f.properties[i]);
        complete(o);
        CLEANUP(memory_free_p) char *uid = memory_strdup(text_of(o, "_uid"));
        if (uid[0] == '\0' || json_object_get(found, uid) != NULL) {
            free(uid);
            uid = memory_printf("card %u", card);
        }
        json_object_set_new(found, uid, o);
    }
    vcard_clear(&f);
    return found;
}
