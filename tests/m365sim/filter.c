#include "tests/m365sim/filter.h"

#include "common/base/memory.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *
skip_space(const char *p)
{
    return p + strspn(p, " ");
}

/* A word up to one of stops. */
static const char *
take_word(const char *p, const char *stops, char **out)
{
    size_t n = strcspn(p, stops);
    *out = memory_printf("%.*s", (int)n, p);
    return p + n;
}

static const char *
take_value(const char *p, char **out)
{
    if (*p != '\'')
        return take_word(p, " )", out);
    char *value = memory_new(strlen(p) + 1);
    size_t n = 0;
    for (p++; *p != '\0'; p++) {
        if (*p == '\'' && p[1] != '\'')
            break;
        if (*p == '\'')
            p++;
        value[n++] = *p;
    }
    *out = value;
    return *p == '\'' ? p + 1 : NULL;
}

static const char *
take_term(const char *p, struct filter_term *t)
{
    if (strncasecmp(p, "startswith(", 11) == 0 || strncasecmp(p, "contains(", 9) == 0) {
        p = take_word(p, "(", &t->operator_) + 1;
        p = take_word(skip_space(p), ", ", &t->path);
        p = skip_space(p + strspn(p, ", "));
        p = take_value(p, &t->value);
        return p != NULL && *p == ')' ? p + 1 : NULL;
    }
    p = take_word(p, " ", &t->path);
    p = take_word(skip_space(p), " ", &t->operator_);
    p = skip_space(p);
    return t->path[0] == '\0' || t->operator_[0] == '\0' || *p == '\0' ? NULL : take_value(p, &t->value);
}

static bool
known_operator(const char *name)
{
    static const char *const known[] = { "eq", "ne", "gt", "ge", "lt", "le", "startswith", "contains" };
    for (size_t i = 0; name != NULL && i < ARRAY_LEN(known); i++)
        if (strcasecmp(known[i], name) == 0)
            return true;
    return false;
}

bool
filter_init(struct filter *f, const char *text)
{
    memset(f, 0, sizeof(*f));
    const char *p = text == NULL ? "" : skip_space(text);
    while (*p != '\0') {
        struct filter_term *t = f->count < FILTER_LIMIT ? &f->terms[f->count++] : NULL;
        p = t == NULL ? NULL : take_term(p, t);
        if (p == NULL || !known_operator(t->operator_)) {
            filter_clear(f);
            return false;
        }
        p = skip_space(p);
        if (strncasecmp(p, "and ", 4) == 0) {
            p = skip_space(p + 4);
        } else if (*p != '\0') {
            filter_clear(f);
            return false;
        }
    }
    return true;
}

void
filter_clear(struct filter *f)
{
    for (size_t i = 0; i < f->count; i++) {
        free(f->terms[i].path);
        free(f->terms[i].operator_);
        free(f->terms[i].value);
    }
    memset(f, 0, sizeof(*f));
}

static const json_t *
property_at(const json_t *entity, const char *path)
{
    while (entity != NULL && *path != '\0') {
        size_t n = strcspn(path, "/");
        CLEANUP(memory_free_p) char *name = memory_printf("%.*s", (int)n, path);
        entity = json_object_get(entity, name);
        path += n + (path[n] == '/');
    }
    return entity;
}

static bool
term_matches(const struct filter_term *t, const json_t *entity)
{
    const json_t *value = property_at(entity, t->path);
    char number[32];
    const char *have = json_string_value(value);
    if (json_is_boolean(value))
        have = json_is_true(value) ? "true" : "false";
    if (json_is_integer(value)) {
        snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        have = number;
    }
    if (have == NULL)
        have = "null";
    if (strcasecmp(t->operator_, "startswith") == 0)
        return strncasecmp(have, t->value, strlen(t->value)) == 0;
    if (strcasecmp(t->operator_, "contains") == 0)
        return strcasestr(have, t->value) != NULL;
    int order = strcasecmp(have, t->value);
    switch (tolower((unsigned char)t->operator_[0])) {
    case 'e':
        return order == 0;
    case 'n':
        return order != 0;
    case 'g':
        return tolower((unsigned char)t->operator_[1]) == 't' ? order > 0 : order >= 0;
    default:
        return tolower((unsigned char)t->operator_[1]) == 't' ? order < 0 : order <= 0;
    }
}

bool
filter_matches(const struct filter *f, const json_t *entity)
{
    for (size_t i = 0; i < f->count; i++)
        if (!term_matches(&f->terms[i], entity))
            return false;
    return true;
}
