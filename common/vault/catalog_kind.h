#ifndef LONGHAUL_COMMON_VAULT_CATALOG_KIND_H
#define LONGHAUL_COMMON_VAULT_CATALOG_KIND_H

/* The kinds of items a catalog holds. A number is stored with each item (proto/FORMAT.md, "Catalog") and never gets
 * another meaning; what else a kind implies stands in one table. A new kind is a line here and a line there. */

#include <stdbool.h>

enum catalog_kind {
    CATALOG_FOLDER = 1, /* of mail or of a drive */
    CATALOG_MESSAGE = 2,
    CATALOG_FILE = 3,
    CATALOG_CALENDAR = 4,
    CATALOG_EVENT = 5,
    CATALOG_CONTACT_FOLDER = 6,
    CATALOG_CONTACT = 7,
    CATALOG_TASK_LIST = 8,
    CATALOG_TASK = 9,
    CATALOG_SETTING = 10 /* of a mailbox: a rule, a category, the settings themselves */
};
#define CATALOG_KIND_LAST CATALOG_SETTING

/* One bit a kind, for sets of them. */
#define CATALOG_KIND_BIT(kind) (1U << (unsigned)(kind))

struct catalog_kind_facts {
    const char *name;         /* "message": as people and JSON have it */
    enum catalog_kind parent; /* what contains it; 0: it stands at the top only */
    bool contains;            /* other items may have it as their parent */
    bool by_time;             /* titled by `subject`, listed newest first by `received_ms`; else by `name` */
    bool structured;          /* what it is stands in its metadata; its content, if any, only adds to that */
    bool mime;                /* its content is an internet message: vault_stream takes it apart */
};

/* NULL when no kind has this number: bytes from outside may be asked for. */
const struct catalog_kind_facts *catalog_kind_facts(unsigned kind);

/* Of a kind that is one. */
const char *catalog_kind_name(enum catalog_kind kind);
bool catalog_kind_contains(enum catalog_kind kind);
bool catalog_kind_by_time(enum catalog_kind kind);
bool catalog_kind_is_structured(enum catalog_kind kind);
bool catalog_kind_is_mime(enum catalog_kind kind);

#endif
