#include "common/base/clock.h"
#include "director/store/store_internal.h"

#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

static bool
word_valid(const char *text, size_t len, size_t size)
{
    if (len == 0 || len >= size)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!alnum && (i == 0 || (c != '.' && c != '_' && c != '-')))
            return false;
    }
    return true;
}

bool
store_name_valid(const char *name)
{
    return word_valid(name, strnlen(name, STORE_NAME_LEN), STORE_NAME_LEN);
}

int
store_name_check(const char *what, const char *name, struct error *err)
{
    if (store_name_valid(name))
        return 0;
    return FAIL(err, ERROR_USAGE, 0,
                "name of a %s: 1 to %d letters, digits, '.', '_', '-', beginning with a letter or digit", what,
                STORE_NAME_LEN - 1);
}

bool
store_title_valid(const char *title, size_t size)
{
    size_t len = strnlen(title, size), at = 0;

    if (len == 0 || len >= size)
        return false;
    while (at < len) {
        utf8proc_int32_t point;
        utf8proc_ssize_t n =
            utf8proc_iterate((const utf8proc_uint8_t *)title + at, (utf8proc_ssize_t)(len - at), &point);
        if (n <= 0 || point < 0x20 || (point >= 0x7f && point < 0xa0))
            return false;
        at += (size_t)n;
    }
    return true;
}

static int
parse_label(const char *text, size_t len, struct store_labels *labels, struct error *err)
{
    const char *equal = memchr(text, '=', len);
    size_t key_len = equal != NULL ? (size_t)(equal - text) : 0;
    size_t value_len = equal != NULL ? len - key_len - 1 : 0;

    if (equal == NULL || !word_valid(text, key_len, STORE_LABEL_LEN) ||
        !word_valid(equal + 1, value_len, STORE_LABEL_LEN))
        return FAIL(err, ERROR_USAGE, 0, "labels are written key=value,key=value of letters, digits, '.', '_', '-'");
    if (labels->count == STORE_LABELS_MAX)
        return FAIL(err, ERROR_USAGE, 0, "more than %d labels", STORE_LABELS_MAX);
    struct store_label *label = &labels->at[labels->count];
    memcpy(label->key, text, key_len);
    memcpy(label->value, equal + 1, value_len);
    for (size_t i = 0; i < labels->count; i++)
        if (strcmp(labels->at[i].key, label->key) == 0)
            return FAIL(err, ERROR_USAGE, 0, "label %s is given twice", label->key);
    labels->count++;
    return 0;
}

int
store_labels_parse(const char *text, struct store_labels *labels, struct error *err)
{
    memset(labels, 0, sizeof(*labels));
    if (text == NULL || text[0] == '\0')
        return 0;
    while (true) {
        size_t len = strcspn(text, ",");
        if (parse_label(text, len, labels, err) != 0)
            return -1;
        if (text[len] == '\0')
            return 0;
        text += len + 1;
    }
}

void
store_labels_format(const struct store_labels *labels, char out[STORE_LABELS_TEXT_LEN])
{
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < labels->count && i < STORE_LABELS_MAX; i++)
        at += (size_t)snprintf(out + at, STORE_LABELS_TEXT_LEN - at, "%s%s=%s", i > 0 ? "," : "", labels->at[i].key,
                               labels->at[i].value);
}

int
store_text_set(char *field, size_t size, const char *text, struct error *err)
{
    size_t len = strlen(text);

    if (len >= size)
        return FAIL(err, ERROR_LIMIT, 0, "a text of %zu bytes where %zu fit", len, size - 1);
    memset(field, 0, size);
    memcpy(field, text, len);
    return 0;
}

int
store_id_fill(struct store *store, const char *prefix, char id[IDENTIFIER_LEN], struct error *err)
{
    if (id[0] == '\0')
        identifier_new(store->clock, prefix, id);
    else if (!identifier_valid(id))
        return FAIL(err, ERROR_USAGE, 0, "an id is 1 to %d lower-case letters, digits and '-'", IDENTIFIER_LEN - 1);
    return 0;
}
