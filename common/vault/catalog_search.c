#include "common/vault/catalog_search.h"

#include "common/base/error.h"
#include "common/vault/catalog_internal.h"
#include "common/vault/catalog_item.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define FOLDING                                                                                                        \
    (UTF8PROC_NULLTERM | UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD |                  \
     UTF8PROC_STRIPMARK)

/* Folded; NULL: not asked for. */
struct needles {
    char *text, *name, *subject, *sender;
};

static void
needles_clear(struct needles *needles)
{
    free(needles->text);
    free(needles->name);
    free(needles->subject);
    free(needles->sender);
}

static char *
fold(const char *text)
{
    uint8_t *folded = NULL;
    return utf8proc_map((const utf8proc_uint8_t *)text, 0, &folded, FOLDING) < 0 ? NULL : (char *)folded;
}

static int
fold_needle(const char *text, char **out, struct error *err)
{
    if (text == NULL)
        return 0;
    if (text[0] == '\0' || strlen(text) > CATALOG_SEARCH_TEXT_MAX)
        return FAIL(err, ERROR_USAGE, 0, "a text to search for has 1 to %d bytes", CATALOG_SEARCH_TEXT_MAX);
    *out = fold(text);
    return *out != NULL ? 0 : FAIL(err, ERROR_USAGE, 0, "a text to search for is not UTF-8");
}

/* Folding what is ASCII only is making it small; nearly all texts are. Returns the length, or -1: another way. */
static ptrdiff_t
fold_ascii(const char *text, char *out)
{
    size_t n = 0;
    for (; text[n] != '\0'; n++) {
        unsigned char c = (unsigned char)text[n];
        if (c >= 0x80 || n == CATALOG_TEXT_MAX)
            return -1;
        out[n] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    return (ptrdiff_t)n;
}

static bool
contains(const char *text, const char *needle)
{
    char small[CATALOG_TEXT_MAX];
    if (text == NULL)
        return false;
    ptrdiff_t len = fold_ascii(text, small);
    if (len >= 0)
        return memmem(small, (size_t)len, needle, strlen(needle)) != NULL;
    char *folded = fold(text);
    bool found = folded != NULL && strstr(folded, needle) != NULL;
    free(folded);
    return found;
}

static bool
time_fits(const struct catalog_search_query *query, const struct catalog_item *item)
{
    int64_t at = catalog_kind_by_time(item->kind) ? item->received_ms : item->modified_ms;
    return (query->from_ms == 0 || at >= query->from_ms) && (query->until_ms == 0 || at < query->until_ms);
}

static bool
texts_fit(const struct needles *needles, const struct catalog_item *item)
{
    bool message = catalog_kind_by_time(item->kind);
    if ((needles->name != NULL && (message || !contains(item->name, needles->name))) ||
        (needles->subject != NULL && !(message && contains(item->subject, needles->subject))) ||
        (needles->sender != NULL && !(message && contains(item->from, needles->sender))))
        return false;
    return needles->text == NULL || contains(item->name, needles->text) || contains(item->subject, needles->text) ||
           (!catalog_kind_contains(item->kind) && contains(item->from, needles->text));
}

static int
walk(struct catalog *catalog, const struct catalog_search_query *query, const struct needles *needles,
     catalog_item_fn *found, void *ctx, struct error *err)
{
    struct tree_cursor *cursor = &catalog->children;
    struct catalog_item item;
    if (tree_cursor_seek(cursor, (struct tree_bytes){ (const uint8_t *)"", 0 }, err) != 0)
        return -1;
    for (const struct tree_entry *entry; (entry = tree_cursor_entry(cursor)) != NULL;) {
        if (catalog_item_child_decode(entry->key, entry->value, &item, err) != 0)
            return -1;
        int told = time_fits(query, &item) && texts_fit(needles, &item) ? found(ctx, &item, err) : 0;
        if (told != 0)
            return told < 0 ? -1 : 0;
        if (tree_cursor_next(cursor, err) != 0)
            return -1;
    }
    return 0;
}

int
catalog_search(struct catalog *catalog, const struct catalog_search_query *query, catalog_item_fn *found, void *ctx,
               struct error *err)
{
    struct needles needles = { .text = NULL };
    int result = -1;
    if (query->text == NULL && query->name == NULL && query->subject == NULL && query->sender == NULL &&
        query->from_ms == 0 && query->until_ms == 0)
        return FAIL(err, ERROR_USAGE, 0, "say what to search for: a text, name, subject, sender or time");
    if (fold_needle(query->text, &needles.text, err) == 0 && fold_needle(query->name, &needles.name, err) == 0 &&
        fold_needle(query->subject, &needles.subject, err) == 0 &&
        fold_needle(query->sender, &needles.sender, err) == 0)
        result = walk(catalog, query, &needles, found, ctx, err);
    needles_clear(&needles);
    return result;
}
