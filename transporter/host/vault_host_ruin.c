#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/crypto/key_slot.h"
#include "common/vault/point_format.h"
#include "common/vault/retire_journal.h"
#include "common/vault/vault_format.h"
#include "transporter/host/vault_host_internal.h"

#include <string.h>

struct ruin {
    struct vault_host *host;
    enum object_class class;
    const char *name;
    const uint8_t *data;
    size_t len;
};

static int
read_point(const struct ruin *ruin, struct error *why)
{
    struct point_header header;
    if (point_header_decode(ruin->data, ruin->len, &header, why) != 0)
        return -1;
    if (strcmp(header.id, ruin->name) != 0 || strcmp(header.vault_id, ruin->host->vault_id) != 0)
        return FAIL(why, ERROR_CORRUPT, 0, "it is of another name or vault");
    return 0;
}

static int
read_pack(const struct ruin *ruin, struct error *why)
{
    struct pack_header header;
    struct pack_trailer trailer;
    uint8_t binary[PACK_NAME_BYTES];
    if (ruin->len < PACK_HEADER_LEN + PACK_TRAILER_LEN)
        return FAIL(why, ERROR_FORMAT, 0, "a pack of %zu bytes is none", ruin->len);
    if (pack_header_decode(ruin->data, ruin->len, &header, why) != 0 ||
        pack_trailer_decode(ruin->data + ruin->len - PACK_TRAILER_LEN, ruin->len, &trailer, why) != 0)
        return -1;
    if (pack_name_parse(ruin->name, binary) != 0 || memcmp(binary, header.name, sizeof(binary)) != 0)
        return FAIL(why, ERROR_CORRUPT, 0, "its header carries another name");
    size_t tail = trailer.directory_len + (size_t)PACK_TRAILER_LEN;
    const struct pack_parts parts = { ruin->data, ruin->data + ruin->len - tail, tail, ruin->len };
    return pack_directory_walk(&parts, NULL, NULL, NULL, why);
}

static int
read_journal(const struct ruin *ruin, struct error *why)
{
    struct retire_object object = { .vault_id = "" };
    int failed = retire_object_decode(ruin->data, ruin->len, &object, why);
    retire_object_clear(&object);
    return failed;
}

/* Whoever has packs has had a format object that was whole: that is damage, and nothing new may take its name. */
static int
read_format(const struct ruin *ruin, struct error *why)
{
    struct vault_format format;
    struct vault_host_stats stats;
    vault_host_stats(ruin->host, &stats);
    return stats.packs > 0 ? 0 : vault_format_decode(ruin->data, ruin->len, &format, why);
}

static int
read(const struct ruin *ruin, struct error *why)
{
    struct key_slot_info slot;
    switch (ruin->class) {
    case OBJECT_FORMAT:
        return read_format(ruin, why);
    case OBJECT_KEY_SLOT:
        return key_slot_inspect(ruin->data, ruin->len, &slot, why);
    case OBJECT_POINT:
    case OBJECT_RETIRED_POINT:
        return read_point(ruin, why);
    case OBJECT_PACK:
    case OBJECT_RETIRED_PACK:
    case OBJECT_WHOLE_PACK:
    case OBJECT_DAMAGED_PACK:
        return read_pack(ruin, why);
    case OBJECT_RETIRE:
        return read_journal(ruin, why);
    case OBJECT_INDEX: /* a name of its own each time */
        return 0;
    }
    return 0;
}

/* Only what is whole itself may take its place. */
static bool
is_whole(const struct ruin *ruin)
{
    return read(ruin, &(struct error)ERROR_INIT) == 0;
}

/* What a newer program wrote is not ruined. */
static bool
is_ruined(struct ruin *ruin, const char *object, struct error *why)
{
    CLEANUP(memory_free_p) uint8_t *there = NULL;
    size_t ceiling = ruin->class == OBJECT_PACK ? PACK_MAX_BYTES : OBJECT_MAX_BYTES;
    if (storage_get(ruin->host->storage, object, ceiling, &there, &ruin->len, why) != 0)
        return false;
    ruin->data = there;
    return read(ruin, why) != 0 && (why->kind == ERROR_CORRUPT || why->kind == ERROR_FORMAT);
}

/* 1: it was, and is gone; 0: it is not. */
static int
make_room(struct ruin *ruin, const char *object, struct error *err)
{
    struct error why = ERROR_INIT;
    if (!is_ruined(ruin, object, &why))
        return 0;
    log_failure(LOG_WARN, "host", &why, "a ruined object is replaced object=%s", object);
    if (storage_remove(ruin->host->storage, object, err) != 0)
        return error_wrap(err, "taking the ruined %s away", object);
    return 1;
}

int
vault_host_put_whole(struct vault_host *host, const struct vault_host_owner *owner, enum object_class class,
                     const char *name, const uint8_t *data, size_t len, struct error *err)
{
    char object[STORAGE_NAME_LEN];
    struct error taken = ERROR_INIT;
    struct ruin ruin = { .host = host, .class = class, .name = name, .data = data, .len = len };
    if (vault_host_object_name(host, class, name, object, err) != 0)
        return -1;
    if (vault_host_put_once(host, owner, object, data, len, &taken) == 0)
        return 0;
    if (taken.kind != ERROR_EXISTS || !is_whole(&ruin)) {
        if (err != NULL)
            *err = taken;
        return -1;
    }
    /* One at a time, or the second would take away what the first has just put. */
    pthread_mutex_lock(&host->replacing);
    int replaced = make_room(&ruin, object, err);
    if (replaced >= 0 && vault_host_put_once(host, owner, object, data, len, err) != 0)
        replaced = -1;
    pthread_mutex_unlock(&host->replacing);
    return replaced;
}
