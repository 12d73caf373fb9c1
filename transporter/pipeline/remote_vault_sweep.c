#include "transporter/pipeline/remote_vault_internal.h"

#include "common/base/arena.h"
#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/rpc/rpc_call.h"
#include "common/vault/pack_format.h"
#include "common/vault/vault_sweep_backend.h"
#include "transporter/host/vault_wire.h"

#include <stdlib.h>
#include <string.h>

/* A sweep's calls over RPC. All of them may be repeated after a lost connection: marks carry a sequence number by which
 * the host gives the same answer again. */

#define SHORT_MS      60000
#define BEGIN_MS      (10 * 60 * 1000)
#define PACK_MS       (10 * 60 * 1000)
#define REPLY_BUDGET  (4 * RPC_MESSAGE_LIMIT)
#define PACKS_CEILING ((size_t)256 << 20)

static ProtobufCBinaryData
bytes_of(const void *data, size_t len)
{
    return (ProtobufCBinaryData){ len, (uint8_t *)(uintptr_t)data };
}

/* One request, one reply; both lie in the arena or with the caller. */
struct talk {
    const ProtobufCMessage *request;
    const ProtobufCMessageDescriptor *reply_type;
    struct arena *arena;
    ProtobufCMessage *reply;
};

static int
talk(void *ctx, struct rpc_call *call, struct error *err)
{
    struct talk *talk = ctx;
    arena_reset(talk->arena);
    if (rpc_call_send(call, talk->request, err) != 0 || rpc_call_close_send(call, err) != 0)
        return -1;
    int n = rpc_call_receive(call, talk->reply_type, RPC_NO_TIMEOUT, talk->arena, &talk->reply, err);
    if (n == 0)
        return FAIL(err, ERROR_NETWORK, 0, "the host ended the call without an answer");
    return n < 0 ? -1 : 0;
}

static int
ask(void *backend, const char *path, int timeout_ms, struct talk *what, struct error *err)
{
    const struct remote_vault_exchange exchange = { path, timeout_ms, talk, what };
    return remote_vault_do(backend, &exchange, err);
}

static int
sweep_begin(void *backend, struct vault_sweep_session *session, struct error *err)
{
    CLEANUP(arena_free_p) struct arena *arena = arena_new(REPLY_BUDGET);
    const Longhaul__V1__SweepBeginRequest request = LONGHAUL__V1__SWEEP_BEGIN_REQUEST__INIT;
    struct talk what = { &request.base, &longhaul__v1__sweep_begin_reply__descriptor, arena, NULL };
    if (ask(backend, "/longhaul.v1.Vault/SweepBegin", BEGIN_MS, &what, err) != 0)
        return -1;
    const Longhaul__V1__SweepBeginReply *reply = (const Longhaul__V1__SweepBeginReply *)what.reply;
    if (reply->sweep.len != sizeof(session->id))
        return FAIL(err, ERROR_FORMAT, 0, "the host gives a sweep an id of %zu bytes", reply->sweep.len);
    *session = (struct vault_sweep_session){ .epoch = reply->epoch,
                                             .least_epoch = reply->least_epoch,
                                             .may_close = reply->may_close,
                                             .may_remove = reply->may_remove,
                                             .settle_ms = reply->settle_ms,
                                             .chunks = reply->chunks,
                                             .packs = reply->packs };
    memcpy(session->id, reply->sweep.data, sizeof(session->id));
    return 0;
}

/* The host ends the session by itself; this is only for others who wait for its end. */
static int
sweep_end(void *backend, const uint8_t *session, struct error *err)
{
    CLEANUP(arena_free_p) struct arena *arena = arena_new(REPLY_BUDGET);
    Longhaul__V1__SweepEndRequest request = LONGHAUL__V1__SWEEP_END_REQUEST__INIT;
    struct talk what = { &request.base, &longhaul__v1__sweep_end_reply__descriptor, arena, NULL };
    request.sweep = bytes_of(session, VAULT_SWEEP_ID_LEN);
    return ask(backend, "/longhaul.v1.Vault/SweepEnd", SHORT_MS, &what, err);
}

static int
sweep_journal(void *backend, const uint8_t *session, const uint8_t *data, size_t len, uint64_t *epoch,
              struct error *err)
{
    CLEANUP(arena_free_p) struct arena *arena = arena_new(REPLY_BUDGET);
    Longhaul__V1__SweepJournalRequest request = LONGHAUL__V1__SWEEP_JOURNAL_REQUEST__INIT;
    struct talk what = { &request.base, &longhaul__v1__sweep_journal_reply__descriptor, arena, NULL };
    request.sweep = bytes_of(session, VAULT_SWEEP_ID_LEN);
    request.content = bytes_of(data, len);
    if (ask(backend, "/longhaul.v1.Vault/SweepJournal", BEGIN_MS, &what, err) != 0)
        return -1;
    *epoch = ((const Longhaul__V1__SweepJournalReply *)what.reply)->epoch;
    return 0;
}

static Longhaul__V1__SweepRole
role_out(enum vault_mark_role role)
{
    switch (role) {
    case VAULT_MARK_DATA:
        return LONGHAUL__V1__SWEEP_ROLE__SWEEP_ROLE_DATA;
    case VAULT_MARK_STRUCTURE:
        return LONGHAUL__V1__SWEEP_ROLE__SWEEP_ROLE_STRUCTURE;
    case VAULT_MARK_RECIPE:
        return LONGHAUL__V1__SWEEP_ROLE__SWEEP_ROLE_RECIPE;
    }
    return LONGHAUL__V1__SWEEP_ROLE__SWEEP_ROLE_RECIPE;
}

static int
sweep_mark(void *backend, const uint8_t *session, const struct vault_marks *marks, uint8_t *states, struct error *err)
{
    CLEANUP(arena_free_p) struct arena *arena = arena_new(REPLY_BUDGET);
    Longhaul__V1__SweepMarkRequest request = LONGHAUL__V1__SWEEP_MARK_REQUEST__INIT;
    struct talk what = { &request.base, &longhaul__v1__sweep_mark_reply__descriptor, arena, NULL };
    request.sweep = bytes_of(session, VAULT_SWEEP_ID_LEN);
    request.sequence = marks->sequence;
    request.role = role_out(marks->role);
    request.ids = bytes_of(marks->ids, marks->count * CHUNK_ID_LEN);
    if (ask(backend, "/longhaul.v1.Vault/SweepMark", SHORT_MS, &what, err) != 0)
        return -1;
    const ProtobufCBinaryData *given = &((const Longhaul__V1__SweepMarkReply *)what.reply)->states;
    if (given->len != marks->count)
        return FAIL(err, ERROR_FORMAT, 0, "the host answers %zu of %zu marks", given->len, marks->count);
    if (given->len > 0)
        memcpy(states, given->data, given->len);
    return 0;
}

/* Handed out when the list is whole: a repetition must not tell a pack twice. */
struct packs {
    const Longhaul__V1__SweepPacksRequest *request;
    struct buffer all; /* struct vault_pack_live */
};

static int
take_pack(struct packs *packs, const Longhaul__V1__SweepPack *from, struct error *err)
{
    struct vault_pack_live pack = { .stored = from->stored,
                                    .live = from->live,
                                    .retired = from->retired,
                                    .marked = from->marked,
                                    .modified_ms = from->modified_ms,
                                    .size = from->size };
    if (vault_wire_check_pack(from->pack, err) != 0)
        return -1;
    if (pack.live > pack.stored || pack.stored > ((uint64_t)PACK_MAX_BYTES << 4) || pack.size > PACK_MAX_BYTES)
        return FAIL(err, ERROR_FORMAT, 0, "the host tells of an impossible pack");
    memcpy(pack.pack, from->pack, sizeof(pack.pack));
    return buffer_append(&packs->all, &pack, sizeof(pack), err);
}

static int
packs_talk(void *ctx, struct rpc_call *call, struct error *err)
{
    struct packs *packs = ctx;
    CLEANUP(arena_free_p) struct arena *arena = arena_new(64 << 10);
    packs->all.len = 0;
    if (rpc_call_send(call, &packs->request->base, err) != 0 || rpc_call_close_send(call, err) != 0)
        return -1;
    for (;;) {
        arena_reset(arena);
        ProtobufCMessage *message = NULL;
        int n =
            rpc_call_receive(call, &longhaul__v1__sweep_pack__descriptor, REMOTE_VAULT_STALL_MS, arena, &message, err);
        if (n <= 0)
            return n;
        if (take_pack(packs, (const Longhaul__V1__SweepPack *)message, err) != 0)
            return -1;
    }
}

static int
sweep_packs(void *backend, const uint8_t *session, uint32_t most_live_permille, vault_pack_live_fn *found, void *ctx,
            struct error *err)
{
    Longhaul__V1__SweepPacksRequest request = LONGHAUL__V1__SWEEP_PACKS_REQUEST__INIT;
    struct packs packs = { .request = &request, .all = BUFFER_INIT(PACKS_CEILING) };
    const struct remote_vault_exchange exchange = { "/longhaul.v1.Vault/SweepPacks", RPC_NO_TIMEOUT, packs_talk,
                                                    &packs };
    request.sweep = bytes_of(session, VAULT_SWEEP_ID_LEN);
    request.most_live = most_live_permille;
    int failed = remote_vault_do(backend, &exchange, err);
    for (size_t at = 0; failed == 0 && at < packs.all.len; at += sizeof(struct vault_pack_live)) {
        struct vault_pack_live pack;
        memcpy(&pack, packs.all.data + at, sizeof(pack));
        failed = found(ctx, &pack, err);
    }
    buffer_clear(&packs.all);
    return failed;
}

static int
sweep_pack_live(void *backend, const uint8_t *session, const char *pack, uint8_t **live, size_t *count,
                struct error *err)
{
    CLEANUP(arena_free_p) struct arena *arena = arena_new(REPLY_BUDGET);
    Longhaul__V1__SweepPackLiveRequest request = LONGHAUL__V1__SWEEP_PACK_LIVE_REQUEST__INIT;
    struct talk what = { &request.base, &longhaul__v1__sweep_pack_live_reply__descriptor, arena, NULL };
    request.sweep = bytes_of(session, VAULT_SWEEP_ID_LEN);
    request.pack = (char *)(uintptr_t)pack;
    if (ask(backend, "/longhaul.v1.Vault/SweepPackLive", SHORT_MS, &what, err) != 0)
        return -1;
    const ProtobufCBinaryData *given = &((const Longhaul__V1__SweepPackLiveReply *)what.reply)->live;
    *live = memory_array(given->len, 1, PACK_MAX_CHUNKS, err);
    if (*live == NULL)
        return -1;
    if (given->len > 0)
        memcpy(*live, given->data, given->len);
    *count = given->len;
    return 0;
}

struct put_pack {
    const uint8_t *session;
    const char *name;
    const uint8_t *data;
    size_t len;
};

static int
put_pack_talk(void *ctx, struct rpc_call *call, struct error *err)
{
    const struct put_pack *put = ctx;
    for (size_t at = 0; at < put->len;) {
        Longhaul__V1__SweepPutPackRequest request = LONGHAUL__V1__SWEEP_PUT_PACK_REQUEST__INIT;
        Longhaul__V1__PutPackRequest block = LONGHAUL__V1__PUT_PACK_REQUEST__INIT;
        size_t n = put->len - at < VAULT_WIRE_BLOCK ? put->len - at : VAULT_WIRE_BLOCK;
        if (at == 0) {
            request.sweep = bytes_of(put->session, VAULT_SWEEP_ID_LEN);
            block.pack = (char *)(uintptr_t)put->name;
            block.size = put->len;
        }
        block.block = bytes_of(put->data + at, n);
        request.pack = &block;
        if (rpc_call_send(call, &request.base, err) != 0)
            return -1;
        at += n;
    }
    CLEANUP(arena_free_p) struct arena *arena = arena_new(4096);
    ProtobufCMessage *reply = NULL;
    if (rpc_call_close_send(call, err) != 0)
        return -1;
    int n = rpc_call_receive(call, &longhaul__v1__put_pack_reply__descriptor, RPC_NO_TIMEOUT, arena, &reply, err);
    return n == 0 ? FAIL(err, ERROR_NETWORK, 0, "the host ended the call without an answer") : n < 0 ? -1 : 0;
}

static int
sweep_put_pack(void *backend, const uint8_t *session, const char *name, const uint8_t *data, size_t len,
               struct error *err)
{
    struct put_pack put = { session, name, data, len };
    const struct remote_vault_exchange exchange = { "/longhaul.v1.Vault/SweepPutPack", PACK_MS, put_pack_talk, &put };
    return remote_vault_do(backend, &exchange, err);
}

static int
remove_names(void *backend, Longhaul__V1__SweepRemoveRequest *request, struct vault_removal *removal, struct error *err)
{
    CLEANUP(arena_free_p) struct arena *arena = arena_new(REPLY_BUDGET);
    struct talk what = { &request->base, &longhaul__v1__sweep_remove_reply__descriptor, arena, NULL };
    if (ask(backend, "/longhaul.v1.Vault/SweepRemove", RPC_NO_TIMEOUT, &what, err) != 0)
        return -1;
    const Longhaul__V1__SweepRemoveReply *reply = (const Longhaul__V1__SweepRemoveReply *)what.reply;
    *removal = (struct vault_removal){ reply->removed, reply->bytes, reply->held, reply->held_until_ms };
    return 0;
}

static int
sweep_remove_points(void *backend, const uint8_t *session, uint64_t epoch, const char *const *names, size_t n,
                    struct vault_removal *removal, struct error *err)
{
    Longhaul__V1__SweepRemoveRequest request = LONGHAUL__V1__SWEEP_REMOVE_REQUEST__INIT;
    CLEANUP(memory_free_p)
    char **points = memory_array(n, sizeof(*points), VAULT_SWEEP_POINTS_MAX * sizeof(*points), err);
    if (points == NULL)
        return -1;
    for (size_t i = 0; i < n; i++)
        points[i] = (char *)(uintptr_t)names[i];
    request.sweep = bytes_of(session, VAULT_SWEEP_ID_LEN);
    request.epoch = epoch;
    request.points = points;
    request.n_points = n;
    return remove_names(backend, &request, removal, err);
}

static int
sweep_remove_packs(void *backend, const uint8_t *session, uint64_t epoch, const char (*names)[PACK_NAME_LEN], size_t n,
                   struct vault_removal *removal, struct error *err)
{
    Longhaul__V1__SweepRemoveRequest request = LONGHAUL__V1__SWEEP_REMOVE_REQUEST__INIT;
    CLEANUP(memory_free_p) char **packs = memory_array(n, sizeof(*packs), VAULT_SWEEP_PACKS_MAX * sizeof(*packs), err);
    if (packs == NULL)
        return -1;
    for (size_t i = 0; i < n; i++)
        packs[i] = (char *)(uintptr_t)names[i];
    request.sweep = bytes_of(session, VAULT_SWEEP_ID_LEN);
    request.epoch = epoch;
    request.packs = packs;
    request.n_packs = n;
    return remove_names(backend, &request, removal, err);
}

const struct vault_sweep_vtable remote_vault_sweep_vtable = {
    .begin = sweep_begin,
    .end = sweep_end,
    .journal = sweep_journal,
    .mark = sweep_mark,
    .packs = sweep_packs,
    .pack_live = sweep_pack_live,
    .put_pack = sweep_put_pack,
    .remove_points = sweep_remove_points,
    .remove_packs = sweep_remove_packs,
};
