#include "common/vault/catalog_kind.h"

#include <stddef.h>

static const struct catalog_kind_facts facts[CATALOG_KIND_LAST + 1] = {
    [CATALOG_FOLDER] = { .name = "folder", .parent = CATALOG_FOLDER, .contains = true },
    [CATALOG_MESSAGE] = { .name = "message", .parent = CATALOG_FOLDER, .by_time = true, .mime = true },
    [CATALOG_FILE] = { .name = "file", .parent = CATALOG_FOLDER },
    [CATALOG_CALENDAR] = { .name = "calendar", .contains = true },
    [CATALOG_EVENT] = { .name = "event",
                        .structured = true,
                        .parent = CATALOG_CALENDAR,
                        .by_time = true,
                        .mime = true },
    [CATALOG_CONTACT_FOLDER] = { .name = "contact_folder", .parent = CATALOG_CONTACT_FOLDER, .contains = true },
    [CATALOG_CONTACT] = { .name = "contact", .structured = true, .parent = CATALOG_CONTACT_FOLDER },
    [CATALOG_TASK_LIST] = { .name = "task_list", .contains = true },
    [CATALOG_TASK] = { .name = "task", .structured = true, .parent = CATALOG_TASK_LIST, .mime = true },
    [CATALOG_SETTING] = { .name = "setting", .structured = true },
};

const struct catalog_kind_facts *
catalog_kind_facts(unsigned kind)
{
    return kind <= CATALOG_KIND_LAST && facts[kind].name != NULL ? &facts[kind] : NULL;
}

const char *
catalog_kind_name(enum catalog_kind kind)
{
    return facts[kind].name;
}

bool
catalog_kind_contains(enum catalog_kind kind)
{
    return facts[kind].contains;
}

bool
catalog_kind_by_time(enum catalog_kind kind)
{
    return facts[kind].by_time;
}

bool
catalog_kind_is_mime(enum catalog_kind kind)
{
    return facts[kind].mime;
}

bool
catalog_kind_is_structured(enum catalog_kind kind)
{
    return facts[kind].structured;
}
