#include "tests/m365sim/select.h"

#include "common/base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void
select_init(struct select *s, const char *list)
{
    memset(s, 0, sizeof(*s));
    if (list == NULL || list[0] == '\0' || strcmp(list, "*") == 0)
        return;
    s->text = memory_strdup(list);
    for (char *p = s->text, *name; s->count < SELECT_LIMIT && (name = strsep(&p, ",")) != NULL;) {
        name += strspn(name, " ");
        name[strcspn(name, " ")] = '\0';
        if (strncmp(name, "microsoft.graph.", 16) == 0 && strchr(name, '/') != NULL)
            name = strchr(name, '/') + 1; /* a property of a derived type */
        if (name[0] != '\0')
            s->names[s->count++] = name;
    }
}

void
select_clear(struct select *s)
{
    free(s->text);
    memset(s, 0, sizeof(*s));
}

bool
select_names(const struct select *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcasecmp(s->names[i], name) == 0)
            return true;
    return false;
}

bool
select_wants(const struct select *s, const char *name)
{
    return s->count == 0 || select_names(s, name);
}

void
select_apply(const struct select *s, json_t *entity)
{
    const char *name;
    json_t *value;
    void *next;
    if (s->count == 0)
        return;
    json_object_foreach_safe(entity, next, name, value)
    {
        bool stays = strcmp(name, "id") == 0 || strchr(name, '@') != NULL || strcmp(name, "parentReference") == 0 ||
                     strcmp(name, "singleValueExtendedProperties") == 0 || strcmp(name, "attachments") == 0;
        if (!stays && !select_names(s, name))
            json_object_del(entity, name);
    }
}
