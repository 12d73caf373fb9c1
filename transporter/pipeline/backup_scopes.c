#include "transporter/pipeline/backup_scopes.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/vault_reader.h"
#include "transporter/pipeline/backup_fetch.h"
#include "transporter/pipeline/item_record.h"

#include <stdlib.h>
#include <string.h>

#define SCOPES_MAX   16
#define READER_CACHE ((size_t)1 << 20)
#define GONE_MAX     1000000 /* folders */
/* Up to so many records are looked up one by one; for more the whole catalog is read once, in its order. */
#define LOOKUPS_FEW 2000

static const struct catalog_slice all_of_it = { .offset = 0, .limit = UINT64_MAX };

struct scope {
    struct catalog_key_buffer parent;
    unsigned kinds;
    uint64_t began; /* sequence of its LISTING */
};

struct backup_scopes {
    struct backup_scopes_options options;
    struct vault_reader *reader;
    struct scope open[SCOPES_MAX];
    size_t open_count;
    struct known_items *known;   /* NULL until a listing meets records of before */
    unsigned loaded;             /* kinds whose records are in `known` */
    struct known_items *parents; /* folders that got something since the last checkpoint */
    unsigned put_kinds;          /* kinds that were put since */
    struct catalog_key_buffer *gone;
    size_t gone_count, gone_room;
};

struct backup_scopes *
backup_scopes_new(const struct backup_scopes_options *options, struct error *err)
{
    struct backup_scopes *scopes = MEMORY_NEW(struct backup_scopes);
    scopes->options = *options;
    scopes->reader = vault_reader_open(options->vault, READER_CACHE, err);
    scopes->parents = scopes->reader != NULL ? known_items_new(options->scratch, err) : NULL;
    if (scopes->parents == NULL) {
        backup_scopes_free(scopes);
        return NULL;
    }
    return scopes;
}

void
backup_scopes_free(struct backup_scopes *scopes)
{
    if (scopes == NULL)
        return;
    known_items_free(scopes->known);
    known_items_free(scopes->parents);
    vault_reader_close(scopes->reader);
    free(scopes->gone);
    free(scopes);
}

/* Parents at the top have no key; this stands for it. */
static struct catalog_key
parent_key(struct catalog_key key)
{
    static const uint8_t top[1] = { 0 };
    return key.len > 0 ? key : (struct catalog_key){ .bytes = top, .len = 1 };
}

int
backup_scopes_named(struct backup_scopes *scopes, const struct source_item *item, struct catalog_key key,
                    struct error *err)
{
    struct catalog_key_buffer parent = { .len = 0 };
    if (item->parent_id[0] != '\0' &&
        item_record_key(catalog_kind_facts(item->kind)->parent, item->parent_id, &parent, err) != 0)
        return -1;
    scopes->put_kinds |= CATALOG_KIND_BIT(item->kind);
    if (known_items_name(scopes->parents, parent_key(catalog_key_of(&parent)), item->sequence, err) != 0)
        return -1;
    return scopes->known != NULL ? known_items_name(scopes->known, key, item->sequence, err) : 0;
}

static int
scope_key(const struct source_item *event, struct catalog_key_buffer *parent, struct error *err)
{
    enum catalog_kind kind = CATALOG_FOLDER;
    parent->len = 0;
    if (event->parent_id[0] == '\0')
        return 0;
    while (kind < CATALOG_KIND_LAST && (event->kinds & CATALOG_KIND_BIT(kind)) == 0)
        kind++;
    return item_record_key(catalog_kind_facts(kind)->parent, event->parent_id, parent, err);
}

/* Whether something put since the last checkpoint may lie in the scope: the listing would not see it in the base. */
static bool
has_pending(struct backup_scopes *scopes, struct catalog_key parent, unsigned kinds)
{
    struct known_item ignored;
    if ((scopes->put_kinds & kinds) == 0)
        return false;
    return parent.len == 0 || known_items_get(scopes->parents, parent_key(parent), &ignored);
}

static int
checkpoint(struct backup_scopes *scopes, struct error *err)
{
    if (backup_fetch_drain(scopes->options.fetch, err) != 0 ||
        backup_ledger_checkpoint(scopes->options.ledger, err) != 0)
        return -1;
    known_items_free(scopes->parents);
    scopes->put_kinds = 0;
    scopes->loaded = 0;
    scopes->parents = known_items_new(scopes->options.scratch, err);
    return scopes->parents != NULL ? 0 : -1;
}

static int
stop_at_first(void *ctx, const struct catalog_item *item, struct error *err)
{
    (void)item;
    (void)err;
    *(bool *)ctx = true;
    return 1;
}

/* How many records of before may be gone: exact for a folder, else 0 or more than LOOKUPS_FEW. */
static int
count_candidates(struct backup_scopes *scopes, struct catalog_key parent, uint64_t *count, struct error *err)
{
    struct catalog_root base;
    backup_ledger_base(scopes->options.ledger, &base);
    *count = 0;
    if (catalog_count(&base) == 0)
        return 0;
    if (parent.len == 0) {
        *count = UINT64_MAX;
        return 0;
    }
    bool any = false;
    const struct catalog_slice none = { .offset = 0 };
    CLEANUP(catalog_close_p) struct catalog *catalog = catalog_open(scopes->reader, &base);
    return catalog_list(catalog, parent, none, stop_at_first, &any, count, err);
}

struct load {
    struct known_items *known;
    unsigned kinds;
};

static int
on_base_record(void *ctx, const struct catalog_item *item, struct error *err)
{
    struct load *load = ctx;
    unsigned kind = CATALOG_KIND_BIT(item->kind);
    if ((load->kinds & kind) == 0)
        return load->kinds < kind ? 1 : 0; /* the walk goes kind by kind: nothing more of interest */
    struct known_item known = { .has_record = true,
                                .gap = (item->flags & CATALOG_FLAG_NO_CONTENT) != 0,
                                .tag = known_items_tag(item->tag != NULL ? item->tag : ""),
                                .content = item->content };
    struct known_item old;
    if (known_items_get(load->known, item->key, &old))
        known.named = old.named;
    return known_items_put(load->known, item->key, &known, err);
}

/* Brings all records of these kinds into `known`. */
static int
load_known(struct backup_scopes *scopes, unsigned kinds, struct error *err)
{
    struct catalog_root base;
    struct load load = { .known = scopes->known, .kinds = kinds & ~scopes->loaded };
    if (load.kinds == 0)
        return 0;
    backup_ledger_base(scopes->options.ledger, &base);
    CLEANUP(catalog_close_p) struct catalog *catalog = catalog_open(scopes->reader, &base);
    const struct catalog_key start = { .len = 0 };
    if (catalog_walk(catalog, start, on_base_record, &load, err) != 0)
        return -1;
    scopes->loaded |= load.kinds;
    return 0;
}

static struct scope *
find_scope(struct backup_scopes *scopes, struct catalog_key parent, unsigned kinds)
{
    for (size_t i = 0; i < scopes->open_count; i++)
        if (scopes->open[i].kinds == kinds && catalog_key_equal(catalog_key_of(&scopes->open[i].parent), parent))
            return &scopes->open[i];
    return NULL;
}

int
backup_scopes_listing(struct backup_scopes *scopes, const struct source_item *event, struct error *err)
{
    struct catalog_key_buffer parent_buffer;
    uint64_t candidates = 0;
    if (scope_key(event, &parent_buffer, err) != 0)
        return -1;
    struct catalog_key parent = catalog_key_of(&parent_buffer);
    struct scope *scope = find_scope(scopes, parent, event->kinds);
    if (scope == NULL && scopes->open_count == SCOPES_MAX)
        return FAIL(err, ERROR_INTERNAL, 0, "more than %d listings at a time", SCOPES_MAX);
    /* A second one before the first has ended starts over. */
    if (scope == NULL)
        scope = &scopes->open[scopes->open_count++];
    scope->parent = parent_buffer;
    scope->kinds = event->kinds;
    scope->began = event->sequence;
    if (has_pending(scopes, parent, event->kinds) && checkpoint(scopes, err) != 0)
        return -1;
    if (count_candidates(scopes, parent, &candidates, err) != 0)
        return -1;
    if (candidates > 0 && scopes->known == NULL) {
        scopes->known = known_items_new(scopes->options.scratch, err);
        if (scopes->known == NULL)
            return -1;
    }
    return candidates > LOOKUPS_FEW ? load_known(scopes, event->kinds, err) : 0;
}

/* What a listing has not named, as the base's records are gone through. */
struct sweep {
    struct backup_scopes *scopes;
    const struct scope *scope;
};

/* A record that may be gone: unless the round has moved it elsewhere. */
static int
remove_if_there(struct sweep *sweep, const struct catalog_item *item, struct error *err)
{
    struct backup_ledger_record now;
    struct backup_ledger *ledger = sweep->scopes->options.ledger;
    struct catalog_key parent = catalog_key_of(&sweep->scope->parent);
    int found = backup_ledger_get(ledger, item->key, &now, err);
    if (found <= 0)
        return found;
    if (parent.len > 0 && !catalog_key_equal(catalog_key_of(&now.parent), parent))
        return 0;
    if (catalog_kind_contains(item->kind) && backup_scopes_folder_gone(sweep->scopes, item->key, err) != 0)
        return -1;
    return backup_ledger_remove(ledger, item->key, err);
}

/* 1 when nothing of the scope comes any more: a walk and a list go kind by kind. */
static int
is_past(const struct scope *scope, unsigned kind)
{
    return scope->kinds < kind ? 1 : 0;
}

static int
on_candidate(void *ctx, const struct catalog_item *item, struct error *err)
{
    struct sweep *sweep = ctx;
    struct known_item known;
    unsigned kind = CATALOG_KIND_BIT(item->kind);
    if ((sweep->scope->kinds & kind) == 0)
        return is_past(sweep->scope, kind);
    if (known_items_get(sweep->scopes->known, item->key, &known) && known.named > sweep->scope->began)
        return 0;
    return remove_if_there(sweep, item, err);
}

static int
sweep_scope(struct backup_scopes *scopes, const struct scope *scope, struct error *err)
{
    struct catalog_root base;
    struct catalog_key parent = catalog_key_of(&scope->parent);
    struct sweep sweep = { .scopes = scopes, .scope = scope };
    if (backup_fetch_drain(scopes->options.fetch, err) != 0)
        return -1;
    backup_ledger_base(scopes->options.ledger, &base);
    CLEANUP(catalog_close_p) struct catalog *catalog = catalog_open(scopes->reader, &base);
    if (parent.len > 0)
        return catalog_list(catalog, parent, all_of_it, on_candidate, &sweep, NULL, err);
    const struct catalog_key start = { .len = 0 };
    return catalog_walk(catalog, start, on_candidate, &sweep, err);
}

/* Takes the scope that ends out of the open ones. */
static int
take_scope(struct backup_scopes *scopes, const struct source_item *event, struct scope *scope, struct error *err)
{
    struct catalog_key_buffer parent;
    if (scope_key(event, &parent, err) != 0)
        return -1;
    struct scope *found = find_scope(scopes, catalog_key_of(&parent), event->kinds);
    if (found == NULL)
        return FAIL(err, ERROR_INTERNAL, 0, "a listing ends that has not begun");
    *scope = *found;
    *found = scopes->open[--scopes->open_count];
    return 0;
}

int
backup_scopes_unlisted(struct backup_scopes *scopes, const struct source_item *event, struct error *err)
{
    struct scope ignored;
    return take_scope(scopes, event, &ignored, err);
}

int
backup_scopes_listed(struct backup_scopes *scopes, const struct source_item *event, struct error *err)
{
    struct scope scope;
    uint64_t candidates = 0;
    if (take_scope(scopes, event, &scope, err) != 0 ||
        count_candidates(scopes, catalog_key_of(&scope.parent), &candidates, err) != 0)
        return -1;
    /* Nothing was there before this listing: nothing can be gone. */
    if (candidates == 0 || scopes->known == NULL)
        return 0;
    return sweep_scope(scopes, &scope, err);
}

int
backup_scopes_folder_gone(struct backup_scopes *scopes, struct catalog_key key, struct error *err)
{
    if (scopes->gone_count == scopes->gone_room) {
        size_t room = scopes->gone_room == 0 ? 16 : scopes->gone_room * 2;
        struct catalog_key_buffer *grown = memory_array(room, sizeof(*grown), GONE_MAX * sizeof(*grown), err);
        if (grown == NULL)
            return error_wrap(err, "deleted folders");
        if (scopes->gone_count > 0)
            memcpy(grown, scopes->gone, scopes->gone_count * sizeof(*grown));
        free(scopes->gone);
        scopes->gone = grown;
        scopes->gone_room = room;
    }
    struct catalog_key_buffer *gone = &scopes->gone[scopes->gone_count++];
    memcpy(gone->bytes, key.bytes, key.len);
    gone->len = key.len;
    return 0;
}

static int
on_orphan(void *ctx, const struct catalog_item *item, struct error *err)
{
    struct backup_scopes *scopes = ctx;
    if (catalog_kind_contains(item->kind) && backup_scopes_folder_gone(scopes, item->key, err) != 0)
        return -1;
    return backup_ledger_remove(scopes->options.ledger, item->key, err);
}

int
backup_scopes_finish(struct backup_scopes *scopes, struct error *err)
{
    if (scopes->open_count > 0)
        return FAIL(err, ERROR_INTERNAL, 0, "the round ended in the middle of a listing");
    if (scopes->gone_count == 0)
        return 0;
    /* Only a catalog with all of the round's moves in it shows what is left in the folders. */
    struct catalog_root base;
    if (checkpoint(scopes, err) != 0)
        return -1;
    backup_ledger_base(scopes->options.ledger, &base);
    CLEANUP(catalog_close_p) struct catalog *catalog = catalog_open(scopes->reader, &base);
    while (scopes->gone_count > 0) {
        struct catalog_key_buffer folder = scopes->gone[--scopes->gone_count];
        struct backup_ledger_record record;
        int found = backup_ledger_get(scopes->options.ledger, catalog_key_of(&folder), &record, err);
        if (found < 0)
            return -1;
        /* It has come back later in the round. */
        if (found == 1)
            continue;
        if (catalog_list(catalog, catalog_key_of(&folder), all_of_it, on_orphan, scopes, NULL, err) != 0)
            return -1;
    }
    return 0;
}

int
backup_scopes_look_up(struct backup_scopes *scopes, struct catalog_key key, struct known_item *known, struct error *err)
{
    if (scopes->known != NULL && known_items_get(scopes->known, key, known) && known->has_record)
        return 1;
    struct catalog_root base;
    struct backup_ledger_record record;
    backup_ledger_base(scopes->options.ledger, &base);
    if (catalog_count(&base) == 0 || (scopes->loaded & CATALOG_KIND_BIT(key.bytes[0])) != 0)
        return 0;
    int found = backup_ledger_get(scopes->options.ledger, key, &record, err);
    if (found == 1)
        *known =
            (struct known_item){ .has_record = true, .gap = record.gap, .tag = record.tag, .content = record.content };
    return found;
}
