#include "tests/m365sim/page.h"

#include "common/base/memory.h"
#include "tests/m365sim/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

__attribute__((format(printf, 2, 0))) static json_t *
context_text(const struct request *r, const char *fmt, va_list args)
{
    char *tail = NULL;
    if (vasprintf(&tail, fmt, args) < 0)
        return json_string("");
    json_t *text = json_sprintf("%s/v1.0/$metadata#%s", r->base, tail);
    free(tail);
    return text != NULL ? text : json_string("");
}

json_t *
page_new(const struct request *r, json_t *values, const char *context, ...)
{
    va_list args;
    json_t *page = json_object();
    va_start(args, context);
    json_object_set_new(page, "@odata.context", context_text(r, context, args));
    va_end(args);
    json_object_set_new(page, "value", values);
    return page;
}

void
page_context(json_t *entity, const struct request *r, const char *context, ...)
{
    va_list args;
    json_t *copy = json_copy(entity);
    json_object_clear(entity);
    va_start(args, context);
    json_object_set_new(entity, "@odata.context", context_text(r, context, args));
    va_end(args);
    json_object_update(entity, copy);
    json_decref(copy);
}

void
page_next_skip(json_t *page, const struct request *r, unsigned long skip)
{
    CLEANUP(memory_free_p) char *path = memory_printf("%.*s", (int)strcspn(r->url, "?"), r->url);
    char *query = memory_printf("$skip=%lu", skip);
    for (size_t i = 0; i < r->parameter_count; i++) {
        const struct request_pair *p = &r->parameters[i];
        if (strcasecmp(p->name, "$skip") == 0 || strcasecmp(p->name, "skip") == 0)
            continue;
        CLEANUP(memory_free_p) char *value = memory_new(3 * strlen(p->value) + 1);
        request_encode(p->value, value);
        char *longer = memory_printf("%s&%s=%s", query, p->name, value);
        free(query);
        query = longer;
    }
    json_object_set_new(page, "@odata.nextLink", json_sprintf("%s%s?%s", r->base, path, query));
    free(query);
}

void
page_token(json_t *page, const struct request *r, const char *path, bool last, const char *delta_name,
           const char *next_name, const char *token)
{
    json_object_set_new(page, last ? "@odata.deltaLink" : "@odata.nextLink",
                        json_sprintf("%s%s?%s=%s", r->base, path, last ? delta_name : next_name, token));
}

unsigned long
page_size(const struct request *r, unsigned long of_token, unsigned long fallback, unsigned long ceiling)
{
    char text[20];
    unsigned long preferred = 0, top = request_number(r, "$top", 0, 1, ceiling);
    if (request_prefers(r, "odata.maxpagesize", text, sizeof(text)))
        preferred = strtoul(text, NULL, 10);
    unsigned long size = of_token > 0 ? of_token : fallback;
    if (top > 0)
        size = preferred > 0 && preferred < top ? preferred : top;
    else if (preferred > 0)
        size = preferred;
    return size > ceiling ? ceiling : size;
}
