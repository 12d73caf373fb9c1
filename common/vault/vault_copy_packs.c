#include "common/base/buffer.h"
#include "common/base/memory.h"
#include "common/crypto/aead.h"
#include "common/vault/catalog_item.h"
#include "common/vault/pack_format.h"
#include "common/vault/pack_set.h"
#include "common/vault/tree.h"
#include "common/vault/vault_copy_internal.h"
#include "common/vault/vault_damage.h"
#include "common/vault/vault_directory.h"
#include "common/vault/vault_probe.h"
#include "common/vault/vault_reader_internal.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define NAMES_KEPT 4096

/* A pack that this run has looked at. */
struct handled {
    char name[PACK_NAME_LEN];
    struct error damage; /* unset: it is good */
    UT_hash_handle hh;
};

struct copy_packs {
    struct vault_copy *copy;
    struct vault_backend from;
    struct vault *vault;         /* NULL: without a key */
    struct vault_reader *reader; /* with a key */
    struct pack_set *stored;     /* in the source */
    struct vault_backend to;
    struct pack_set *arrived; /* in the destination, before this run; none that is known to be cut off or damaged */
    struct pack_set *damaged; /* in the destination */
    struct handled *handled;
    struct copy_upload *upload;
    struct buffer pack, opened;
    struct aead *aead;
    char (*names)[PACK_NAME_LEN]; /* copied by this run, the last ones */
    size_t name_count, name_at;
};

static int
list_packs(struct copy_packs *packs, struct error *err)
{
    struct vault from = { .backend = packs->from }, to = { .backend = packs->to };
    packs->arrived = pack_set_list_whole(&to, err);
    packs->damaged = packs->arrived == NULL ? NULL : pack_set_list_damaged(&to, err);
    packs->stored = packs->damaged == NULL ? NULL : pack_set_list(&from, err);
    return packs->stored == NULL ? -1 : 0;
}

struct copy_packs *
vault_copy_packs_new(struct vault_copy *copy, const struct vault_copy_source *from, struct vault_backend to,
                     struct error *err)
{
    CLEANUP(vault_copy_packs_free_p) struct copy_packs *packs = MEMORY_NEW(struct copy_packs);
    packs->copy = copy;
    packs->from = from->backend;
    packs->to = to;
    packs->vault = from->vault;
    packs->names = memory_new(NAMES_KEPT * sizeof(packs->names[0]));
    buffer_init(&packs->pack, PACK_MAX_BYTES);
    buffer_init(&packs->opened, PACK_MAX_BYTES);
    if (list_packs(packs, err) != 0)
        return NULL;
    packs->upload = vault_copy_upload_open(to, err);
    if (packs->upload == NULL)
        return NULL;
    if (from->vault != NULL) {
        packs->reader = vault_reader_open(from->vault, copy->options->memory_bytes, err);
        if (packs->reader == NULL)
            return NULL;
        packs->reader->stored = packs->stored;
    }
    return MOVE(packs);
}

void
vault_copy_packs_free(struct copy_packs *packs)
{
    struct handled *handled, *next;
    if (packs == NULL)
        return;
    HASH_ITER (hh, packs->handled, handled, next) {
        HASH_DEL(packs->handled, handled);
        free(handled);
    }
    if (packs->upload != NULL) {
        (void)vault_copy_upload_wait(packs->upload, &(struct error)ERROR_INIT);
        vault_copy_upload_count(packs->upload, packs->copy->counts);
    }
    vault_copy_upload_close(packs->upload);
    vault_reader_close(packs->reader);
    pack_set_free(packs->stored);
    pack_set_free(packs->arrived);
    pack_set_free(packs->damaged);
    buffer_clear(&packs->pack);
    buffer_clear(&packs->opened);
    aead_free(packs->aead);
    free(packs->names);
    free(packs);
}

void
vault_copy_packs_free_p(struct copy_packs **packs)
{
    vault_copy_packs_free(*packs);
    *packs = NULL;
}

const char (*vault_copy_packs_names(const struct copy_packs *packs, size_t *count))[PACK_NAME_LEN]
{
    *count = packs->name_count;
    return (const char(*)[PACK_NAME_LEN])packs->names;
}

bool
vault_copy_packs_damaged(const struct copy_packs *packs)
{
    return pack_set_count(packs->damaged) > 0;
}

static int
append_block(void *ctx, size_t range, const uint8_t *data, size_t len, struct error *err)
{
    (void)range;
    return buffer_append(ctx, data, len, err);
}

static int
read_range(struct copy_packs *packs, const char *name, uint64_t offset, size_t len, struct error *err)
{
    struct pack_range range = { .offset = offset, .len = len };
    memcpy(range.pack, name, sizeof(range.pack));
    packs->pack.len = 0;
    if (packs->from.vtable->get_ranges(packs->from.ctx, &range, 1, append_block, &packs->pack, err) != 0)
        return -1;
    return packs->pack.len == len ? 0 : FAIL(err, ERROR_CORRUPT, 0, "it is shorter than it must be");
}

/* Nobody tells a pack's size but its own directory. */
static int
read_pack(struct copy_packs *packs, const char *name, struct pack_trailer *trailer, struct error *err)
{
    uint64_t size;
    if (read_range(packs, name, PACK_FROM_END(PACK_TRAILER_LEN), PACK_TRAILER_LEN, err) != 0 ||
        pack_trailer_decode(packs->pack.data, PACK_MAX_BYTES, trailer, err) != 0)
        return -1;
    size_t tail = trailer->directory_len + (size_t)PACK_TRAILER_LEN;
    if (read_range(packs, name, PACK_FROM_END(tail), tail, err) != 0 ||
        pack_directory_size(packs->pack.data, trailer, &size, err) != 0)
        return -1;
    return read_range(packs, name, 0, (size_t)size, err);
}

struct check {
    struct copy_packs *packs;
    uint8_t name[PACK_NAME_BYTES];
};

static int
on_group(void *ctx, const struct pack_group *group, struct error *err)
{
    const struct check *check = ctx;
    struct copy_packs *packs = check->packs;
    uint8_t bound[VAULT_BOUND_MAX], nonce[AEAD_NONCE_LEN];
    struct aead_bound to = { bound, vault_bound(packs->vault, "group", check->name, group->ordinal, bound) };
    packs->opened.len = 0;
    vault_nonce(group->ordinal, nonce);
    if (buffer_reserve(&packs->opened, group->stored, err) != 0 ||
        aead_open(packs->aead, nonce, to, packs->pack.data + group->offset, group->stored, packs->opened.data, err) !=
            0)
        return error_wrap(err, "group %u", group->ordinal);
    return 0;
}

static int
check_sealed(struct copy_packs *packs, const struct pack_header *header, const struct pack_parts *parts,
             const struct pack_trailer *trailer, struct error *err)
{
    struct check check = { .packs = packs };
    uint8_t tag[PACK_DIRECTORY_TAG];
    memcpy(check.name, header->name, sizeof(check.name));
    if (vault_pack_key(packs->vault, header->name, header->salt, &packs->aead, err) != 0 ||
        vault_directory_tag(packs->vault, packs->aead, parts->header, parts->directory, trailer, tag, err) != 0)
        return -1;
    if (CRYPTO_memcmp(tag, trailer->tag, sizeof(tag)) != 0)
        return FAIL(err, ERROR_CORRUPT, 0, "its directory was not written by a holder of the vault's key");
    return pack_directory_walk(parts, on_group, NULL, &check, err);
}

static int
check_pack(struct copy_packs *packs, const char *name, const struct pack_trailer *trailer, struct error *err)
{
    struct pack_header header;
    uint8_t expected[PACK_NAME_BYTES];
    size_t tail = trailer->directory_len + (size_t)PACK_TRAILER_LEN;
    const struct buffer *pack = &packs->pack;
    const struct pack_parts parts = { pack->data, pack->data + pack->len - tail, tail, pack->len };
    if (pack_header_decode(pack->data, pack->len, &header, err) != 0)
        return -1;
    if (pack_name_parse(name, expected) != 0 || memcmp(expected, header.name, sizeof(expected)) != 0)
        return FAIL(err, ERROR_CORRUPT, 0, "its header carries another name");
    if (packs->vault != NULL)
        return check_sealed(packs, &header, &parts, trailer, err);
    return pack_directory_walk(&parts, NULL, NULL, NULL, err);
}

static void
keep_name(struct copy_packs *packs, const char *name)
{
    memcpy(packs->names[packs->name_at], name, PACK_NAME_LEN);
    packs->name_at = (packs->name_at + 1) % NAMES_KEPT;
    packs->name_count += packs->name_count < NAMES_KEPT;
}

struct elsewhere {
    struct copy_packs *packs;
    struct chunk_id *ids;
    size_t count;
    bool all;
};

static int
ask(struct elsewhere *elsewhere, struct error *err)
{
    struct vault_backend to = elsewhere->packs->to;
    CLEANUP(memory_free_p)
    struct chunk_place *places = memory_new((elsewhere->count + 1) * sizeof(*places));
    if (to.vtable->find_chunks(to.ctx, elsewhere->ids, elsewhere->count, places, err) != 0)
        return -1;
    for (size_t i = 0; i < elsewhere->count; i++)
        elsewhere->all = elsewhere->all && places[i].known;
    elsewhere->count = 0;
    return 0;
}

static int
on_chunk(void *ctx, const struct pack_group *group, const struct pack_chunk *chunk, uint32_t offset, struct error *err)
{
    struct elsewhere *elsewhere = ctx;
    (void)group;
    (void)offset;
    elsewhere->ids[elsewhere->count++] = chunk->id;
    return elsewhere->count == FIND_MAX_CHUNKS ? ask(elsewhere, err) : 0;
}

/* Of a pack that the destination has damaged: whether all it held stands in whole packs there, as after a heal. 1, 0,
 * -1. */
static int
is_elsewhere(struct copy_packs *packs, const char *name, const struct pack_trailer *trailer, struct error *err)
{
    size_t tail = trailer->directory_len + (size_t)PACK_TRAILER_LEN;
    const struct buffer *pack = &packs->pack;
    const struct pack_parts parts = { pack->data, pack->data + pack->len - tail, tail, pack->len };
    if (!pack_set_has(packs->damaged, name))
        return 0;
    struct elsewhere elsewhere = { .packs = packs, .all = true };
    elsewhere.ids = memory_new(FIND_MAX_CHUNKS * sizeof(struct chunk_id));
    int failed = pack_directory_walk(&parts, NULL, on_chunk, &elsewhere, err);
    if (failed == 0)
        failed = ask(&elsewhere, err);
    free(elsewhere.ids);
    return failed != 0 ? -1 : elsewhere.all;
}

/* 1: it is on its way, or needed no more; 0: it is damaged, *damage says how; -1. */
static int
fetch(struct copy_packs *packs, const char *name, struct error *damage, struct error *err)
{
    struct error failure = ERROR_INIT;
    struct pack_trailer trailer;
    struct vault_copy_counts *counts = packs->copy->counts;
    if (read_pack(packs, name, &trailer, &failure) != 0 || check_pack(packs, name, &trailer, &failure) != 0) {
        if (!vault_damage_is(&failure)) {
            *err = failure;
            return error_wrap(err, "pack %s", name);
        }
        error_wrap(&failure, "pack %s", name);
        *damage = failure;
        counts->packs_damaged++;
        return vault_copy_tell(packs->copy, (struct catalog_key){ NULL, 0 },
                               "a pack is damaged in the source and is not copied. Heal the source; `verify --data` "
                               "names the items",
                               &failure, err);
    }
    counts->bytes_read += packs->pack.len;
    int elsewhere = is_elsewhere(packs, name, &trailer, err);
    if (elsewhere != 0)
        return elsewhere;
    if (vault_copy_upload_put(packs->upload, name, &packs->pack, err) != 0)
        return -1;
    vault_copy_upload_count(packs->upload, counts);
    keep_name(packs, name);
    vault_copy_progress(packs->copy);
    return 1;
}

static int
bring(struct copy_packs *packs, const char *name, struct error *why, struct error *err)
{
    struct handled *handled;
    HASH_FIND_STR(packs->handled, name, handled);
    if (handled == NULL && pack_set_use(packs->arrived, name))
        return 1;
    if (handled == NULL) {
        struct error damage = ERROR_INIT;
        if (vault_copy_check(packs->copy, err) != 0 || fetch(packs, name, &damage, err) < 0)
            return -1;
        handled = MEMORY_NEW(struct handled);
        memcpy(handled->name, name, sizeof(handled->name));
        handled->damage = damage;
        HASH_ADD_STR(packs->handled, name, handled);
    }
    if (!error_is_set(&handled->damage))
        return 1;
    *why = handled->damage;
    return 0;
}

static int
bring_used(struct copy_packs *packs, struct error *why, struct error *err)
{
    char name[PACK_NAME_LEN];
    int all = 1;
    while (pack_set_next_used(packs->stored, name)) {
        int got = bring(packs, name, why, err);
        if (got < 0)
            return -1;
        all = got == 0 ? 0 : all;
    }
    if (vault_copy_upload_wait(packs->upload, err) != 0)
        return -1;
    vault_copy_upload_count(packs->upload, packs->copy->counts);
    return all;
}

static int
on_item_changed(void *ctx, struct tree_bytes key, const struct tree_bytes *before, const struct tree_bytes *after,
                struct error *err)
{
    struct copy_packs *packs = ctx;
    struct catalog_item item;
    uint64_t chunks = 0;
    (void)before;
    if (after == NULL)
        return 0;
    if (vault_copy_check(packs->copy, err) != 0 || catalog_item_decode(key, *after, &item, err) != 0)
        return -1;
    packs->copy->counts->items_done++;
    if (vault_probe(packs->reader, &item.content, &chunks, err) != 0)
        return -1;
    return vault_probe(packs->reader, &item.metadata_ref, &chunks, err);
}

static int
on_child_changed(void *ctx, struct tree_bytes key, const struct tree_bytes *before, const struct tree_bytes *after,
                 struct error *err)
{
    (void)ctx;
    (void)key;
    (void)before;
    (void)after;
    (void)err;
    return 0;
}

int
vault_copy_packs_for(struct copy_packs *packs, const struct point *point, const struct point *base, struct error *why,
                     struct error *err)
{
    static const struct catalog_root nothing = { .items = { .height = 0 } };
    const struct catalog_root *before = base == NULL ? &nothing : &base->catalog;
    struct error failure = ERROR_INIT;
    uint64_t chunks = 0;
    pack_set_forget(packs->stored);
    if (tree_diff(packs->reader, &before->items, &point->catalog.items, on_item_changed, packs, &failure) != 0 ||
        tree_diff(packs->reader, &before->children, &point->catalog.children, on_child_changed, NULL, &failure) != 0 ||
        vault_probe(packs->reader, &point->cursor, &chunks, &failure) != 0 ||
        vault_probe(packs->reader, &point->outcomes, &chunks, &failure) != 0) {
        if (vault_damage_is(&failure)) {
            *why = failure;
            return 0;
        }
        *err = failure;
        return -1;
    }
    return bring_used(packs, why, err);
}

static int
on_pack_listed(void *ctx, const char *name, struct error *err)
{
    (void)err;
    pack_set_use(ctx, name);
    return 0;
}

int
vault_copy_packs_all(struct copy_packs *packs, struct error *why, struct error *err)
{
    if (packs->from.vtable->list_objects(packs->from.ctx, OBJECT_PACK, on_pack_listed, packs->stored, err) != 0)
        return -1;
    return bring_used(packs, why, err);
}
