#include "common/vault/vault.h"

#include "common/base/buffer.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/reader.h"
#include "common/base/secret.h"
#include "common/crypto/digest.h"
#include "common/crypto/hkdf.h"
#include "common/crypto/key_slot.h"
#include "common/vault/vault_format.h"
#include "common/vault/vault_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_LEVEL 3
#define MAX_SLOTS     64

static struct secret *
subkey(const struct secret *master, const char *what, struct error *err)
{
    struct hkdf_input input = {
        .key = secret_bytes(master),
        .key_len = secret_len(master),
        .info = what,
        .info_len = strlen(what),
    };
    CLEANUP(secret_free_p) struct secret *key = secret_reserve(VAULT_KEY_LEN, err);
    if (key == NULL || hkdf_sha256(&input, secret_bytes_mutable(key), VAULT_KEY_LEN, err) != 0)
        return NULL;
    return MOVE(key);
}

void
vault_close(struct vault *vault)
{
    if (vault == NULL)
        return;
    secret_free(vault->naming);
    secret_free(vault->data);
    secret_free(vault->points);
    secret_free(vault->retire);
    secret_zero(vault->gear, sizeof(vault->gear));
    free(vault);
}

void
vault_close_p(struct vault **vault)
{
    vault_close(*vault);
    *vault = NULL;
}

struct vault *
vault_share(const struct vault *vault, struct vault_backend backend)
{
    struct vault *shared = MEMORY_NEW(struct vault);
    *shared = *vault;
    shared->backend = backend;
    shared->naming = secret_copy(vault->naming);
    shared->data = secret_copy(vault->data);
    shared->points = secret_copy(vault->points);
    shared->retire = secret_copy(vault->retire);
    if (shared->naming == NULL || shared->data == NULL || shared->points == NULL || shared->retire == NULL)
        abort();
    return shared;
}

int
vault_begin(struct vault *vault, uint64_t *epoch, struct error *err)
{
    return vault->backend.vtable->begin(vault->backend.ctx, epoch, err);
}

const char *
vault_id(const struct vault *vault)
{
    return vault->id;
}

struct vault_backend
vault_backend(const struct vault *vault)
{
    return vault->backend;
}

const struct clock *
vault_clock(const struct vault *vault)
{
    return vault->clock;
}

static int
derive_gear(const struct secret *master, uint64_t gear[CHUNKER_TABLE], struct error *err)
{
    static const char info[] = "longhaul vault 1 gear";
    uint8_t bytes[8 * CHUNKER_TABLE];
    struct hkdf_input input = {
        .key = secret_bytes(master),
        .key_len = secret_len(master),
        .info = info,
        .info_len = sizeof(info) - 1,
    };
    if (hkdf_sha256(&input, bytes, sizeof(bytes), err) != 0)
        return -1;
    struct reader in = READER_INIT(bytes, sizeof(bytes));
    for (int i = 0; i < CHUNKER_TABLE; i++)
        gear[i] = reader_u64(&in);
    secret_zero(bytes, sizeof(bytes));
    return 0;
}

static struct vault *
vault_from_master(struct vault_backend backend, const struct clock *clock, const struct vault_format *format,
                  const struct secret *master, struct error *err)
{
    CLEANUP(vault_close_p) struct vault *vault = MEMORY_NEW(struct vault);
    vault->backend = backend;
    vault->clock = clock;
    vault->compression_level = format->compression_level;
    vault->version = format->version;
    vault->sizes = format->sizes;
    snprintf(vault->id, sizeof(vault->id), "%s", format->vault_id);
    if ((vault->naming = subkey(master, "longhaul vault 1 naming", err)) == NULL ||
        (vault->data = subkey(master, "longhaul vault 1 data", err)) == NULL ||
        (vault->points = subkey(master, "longhaul vault 1 points", err)) == NULL ||
        (vault->retire = subkey(master, "longhaul vault 1 retire", err)) == NULL ||
        derive_gear(master, vault->gear, err) != 0)
        return NULL;
    return MOVE(vault);
}

/* The names of all key slots, so that the backend is not called from inside its own listing. */
struct slot_names {
    char name[MAX_SLOTS][OBJECT_NAME_LEN];
    size_t count;
};

static int
on_slot_found(void *ctx, const char *name, struct error *err)
{
    struct slot_names *slots = ctx;
    if (slots->count == MAX_SLOTS)
        return FAIL(err, ERROR_LIMIT, 0, "the vault has more than %d key slots", MAX_SLOTS);
    snprintf(slots->name[slots->count++], OBJECT_NAME_LEN, "%s", name);
    return 0;
}

static struct secret *
open_slot(struct vault_backend backend, const char *name, const struct vault_format *format,
          const struct secret *password, struct error *err)
{
    CLEANUP(memory_free_p) uint8_t *slot = NULL;
    size_t len;
    if (backend.vtable->get_object(backend.ctx, OBJECT_KEY_SLOT, name, &slot, &len, err) != 0)
        return NULL;
    struct secret *master = key_slot_unwrap(format->vault_id, password, slot, len, err);
    if (master == NULL)
        error_wrap(err, "key slot %s", name);
    return master;
}

/* The first slot that opens and fits the format object wins: a slot left behind by a creation that was killed before
 * its format object opens too, but with another master key. A damaged slot matters only when no other one opens. */
static struct vault *
open_slots(struct vault_backend backend, const struct clock *clock, const struct secret *password,
           const uint8_t *object, size_t object_len, struct error *err)
{
    struct vault_format format;
    struct slot_names slots = { .count = 0 };
    struct error last = ERROR_INIT;
    if (vault_format_decode(object, object_len, &format, err) != 0 ||
        backend.vtable->list_objects(backend.ctx, OBJECT_KEY_SLOT, on_slot_found, &slots, err) != 0)
        return NULL;
    for (size_t i = 0; i < slots.count; i++) {
        struct error one = ERROR_INIT;
        CLEANUP(secret_free_p) struct secret *master = open_slot(backend, slots.name[i], &format, password, &one);
        CLEANUP(secret_free_p) struct secret *mac_key = NULL;
        if (master != NULL && (mac_key = subkey(master, "longhaul vault 1 format", &one)) != NULL &&
            vault_format_check(object, object_len, secret_bytes(mac_key), &one) == 0)
            return vault_from_master(backend, clock, &format, master, err);
        if (error_kind_retry(one.kind) == RETRY_BACKOFF) {
            *err = one;
            return NULL;
        }
        if (!error_is_set(&last) || last.kind == ERROR_DENIED)
            last = one;
    }
    if (slots.count == 0)
        FAIL(err, ERROR_CORRUPT, 0, "vault %s has no key slot: it cannot be opened", format.vault_id);
    else if (err != NULL && !error_is_set(err))
        *err = last;
    return NULL;
}

struct vault *
vault_open(struct vault_backend backend, const struct clock *clock, const char *vault_id, const struct secret *password,
           struct error *err)
{
    CLEANUP(memory_free_p) uint8_t *object = NULL;
    size_t len;
    if (backend.vtable->get_object(backend.ctx, OBJECT_FORMAT, VAULT_FORMAT_NAME, &object, &len, err) != 0) {
        if (err != NULL && err->kind == ERROR_NOT_FOUND)
            error_wrap(err, "there is no vault %s", vault_id == NULL ? "here" : vault_id);
        return NULL;
    }
    CLEANUP(vault_close_p) struct vault *vault = open_slots(backend, clock, password, object, len, err);
    if (vault == NULL)
        return NULL;
    if (vault_id != NULL && strcmp(vault->id, vault_id) != 0) {
        FAIL(err, ERROR_CORRUPT, 0, "this is vault %s, not %s: the storage location holds something else", vault->id,
             vault_id);
        return NULL;
    }
    return MOVE(vault);
}

static int
write_slot_and_format(struct vault_backend backend, const struct clock *clock, const struct vault_format *format,
                      const struct secret *password, const struct key_slot_cost *cost, struct error *err)
{
    CLEANUP(secret_free_p) struct secret *master = secret_reserve(KEY_SLOT_MASTER_LEN, err);
    if (master == NULL)
        return -1;
    clock_random(clock, secret_bytes_mutable(master), KEY_SLOT_MASTER_LEN);
    CLEANUP(secret_free_p) struct secret *mac_key = subkey(master, "longhaul vault 1 format", err);
    CLEANUP(buffer_clear) struct buffer slot = BUFFER_INIT(KEY_SLOT_MAX);
    CLEANUP(buffer_clear) struct buffer object = BUFFER_INIT(VAULT_FORMAT_MAX);
    char slot_name[IDENTIFIER_LEN];
    identifier_new(clock, "slot", slot_name);
    if (mac_key == NULL || key_slot_wrap(clock, format->vault_id, master, password, cost, &slot, err) != 0 ||
        vault_format_encode(format, secret_bytes(mac_key), &object, err) != 0)
        return -1;
    if (backend.vtable->put_object(backend.ctx, OBJECT_KEY_SLOT, slot_name, slot.data, slot.len, err) != 0)
        return -1;
    return backend.vtable->put_object(backend.ctx, OBJECT_FORMAT, VAULT_FORMAT_NAME, object.data, object.len, err);
}

int
vault_create(struct vault_backend backend, const struct clock *clock, const char *vault_id,
             const struct secret *password, const struct vault_params *params, struct error *err)
{
    struct vault_format format = { .version = VAULT_FORMAT_NEWEST,
                                   .sizes = chunker_sizes_new,
                                   .created_ms = clock_wall_ms(clock) };
    int level = params == NULL || params->compression_level == 0 ? DEFAULT_LEVEL : params->compression_level;
    if (!identifier_valid(vault_id))
        return FAIL(err, ERROR_USAGE, 0, "the vault's id is not valid");
    if (level < 1 || level > 19)
        return FAIL(err, ERROR_USAGE, 0, "compression level %d: 1 to 19 are possible", level);
    format.compression_level = (uint8_t)level;
    snprintf(format.vault_id, sizeof(format.vault_id), "%s", vault_id);

    struct error first = ERROR_INIT;
    CLEANUP(vault_close_p) struct vault *there = vault_open(backend, clock, vault_id, password, &first);
    if (there != NULL)
        return 0;
    /* A format object that was cut off as it was written: the host knows whether it may be replaced. */
    if (first.kind == ERROR_NOT_FOUND || first.kind == ERROR_FORMAT) {
        struct error write = ERROR_INIT;
        const struct key_slot_cost *cost = params == NULL ? NULL : params->password_cost;
        if (write_slot_and_format(backend, clock, &format, password, cost, &write) == 0)
            return 0;
        if (write.kind != ERROR_EXISTS) {
            if (err != NULL)
                *err = write;
            return -1;
        }
        /* Somebody else was faster: fine when it is the same password. */
        there = vault_open(backend, clock, vault_id, password, err);
        return there == NULL ? -1 : 0;
    }
    if (err != NULL)
        *err = first;
    return -1;
}
