#include "common/crypto/grant.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/reader.h"

#include <inttypes.h>
#include <string.h>

#define MAGIC   "LHGR"
#define VERSION 2
/* The NUL separates the purpose of the signature from what is signed. */
#define SIGNED_PREFIX "longhaul grant"

static int
append_text(struct buffer *out, const char *text, bool may_be_empty, struct error *err)
{
    if (!identifier_valid(text) && !(may_be_empty && *text == '\0'))
        return FAIL(err, ERROR_USAGE, 0, "a grant cannot hold this id");
    return buffer_append_u8(out, (uint8_t)strlen(text), err) == 0 ? buffer_append_text(out, text, err) : -1;
}

static int
encode(const struct grant *grant, struct buffer *out, struct error *err)
{
    if (grant->operations == 0 || (grant->operations & ~(uint32_t)GRANT_ALL_OPERATIONS) != 0 ||
        grant->expires_ms <= grant->not_before_ms || grant->lock_days > GRANT_LOCK_DAYS_MAX)
        return FAIL(err, ERROR_USAGE, 0, "a grant without operations, that ends before it begins, or locks too long");
    /* One after the other: operands of | may be evaluated in any order. */
    if (buffer_append(out, MAGIC, 4, err) != 0 || buffer_append_u8(out, VERSION, err) != 0 ||
        append_text(out, grant->vault_id, false, err) != 0 || append_text(out, grant->repository_id, false, err) != 0 ||
        append_text(out, grant->host_node_id, false, err) != 0 || buffer_append_u32(out, grant->operations, err) != 0 ||
        append_text(out, grant->task_id, false, err) != 0 || append_text(out, grant->scope, true, err) != 0 ||
        buffer_append_u64(out, grant->fence, err) != 0 || buffer_append_u32(out, grant->lock_days, err) != 0 ||
        append_text(out, grant->holder_node_id, false, err) != 0 ||
        buffer_append(out, grant->holder_key_sha256, sizeof(grant->holder_key_sha256), err) != 0 ||
        buffer_append_u64(out, (uint64_t)grant->not_before_ms, err) != 0)
        return -1;
    return buffer_append_u64(out, (uint64_t)grant->expires_ms, err);
}

/* The bytes the signature is over: prefix, NUL, encoding. */
static int
signed_bytes(const void *encoding, size_t len, struct buffer *out, struct error *err)
{
    return buffer_append(out, SIGNED_PREFIX, sizeof(SIGNED_PREFIX), err) == 0 ? buffer_append(out, encoding, len, err)
                                                                              : -1;
}

int
grant_sign(const struct key_pair *signer, const struct grant *grant, struct buffer *out, struct error *err)
{
    CLEANUP(buffer_clear) struct buffer encoding = BUFFER_INIT(GRANT_MAX - KEY_SIGNATURE_LEN);
    CLEANUP(buffer_clear) struct buffer message = BUFFER_INIT(GRANT_MAX);
    uint8_t signature[KEY_SIGNATURE_LEN];
    if (encode(grant, &encoding, err) != 0 || signed_bytes(encoding.data, encoding.len, &message, err) != 0 ||
        key_pair_sign(signer, message.data, message.len, signature, err) != 0)
        return -1;
    if (buffer_reserve(out, encoding.len + sizeof(signature), err) != 0)
        return -1;
    return buffer_append(out, encoding.data, encoding.len, err) == 0
               ? buffer_append(out, signature, sizeof(signature), err)
               : -1;
}

static void
read_text(struct reader *r, char out[IDENTIFIER_LEN], bool may_be_empty)
{
    size_t len = reader_u8(r);
    const uint8_t *p = len < IDENTIFIER_LEN ? reader_bytes(r, len) : NULL;
    if (p == NULL) {
        r->failed = true;
        return;
    }
    memcpy(out, p, len);
    out[len] = '\0';
    if (!(len == 0 ? may_be_empty : identifier_valid(out) && strlen(out) == len))
        r->failed = true;
}

int
grant_decode(const void *data, size_t len, struct grant *grant, struct error *err)
{
    struct reader r = READER_INIT(data, len);
    struct grant g = { .vault_id = "" };
    const uint8_t *magic = reader_bytes(&r, 4);
    if (len > GRANT_MAX || magic == NULL || memcmp(magic, MAGIC, 4) != 0)
        return FAIL(err, ERROR_FORMAT, 0, "not a grant");
    uint8_t version = reader_u8(&r);
    if (!r.failed && version != VERSION)
        return FAIL(err, ERROR_FORMAT, 0, "a grant of version %u: this program knows version %d", version, VERSION);
    read_text(&r, g.vault_id, false);
    read_text(&r, g.repository_id, false);
    read_text(&r, g.host_node_id, false);
    g.operations = reader_u32(&r);
    read_text(&r, g.task_id, false);
    read_text(&r, g.scope, true);
    g.fence = reader_u64(&r);
    g.lock_days = reader_u32(&r);
    read_text(&r, g.holder_node_id, false);
    const uint8_t *key = reader_bytes(&r, sizeof(g.holder_key_sha256));
    if (key != NULL)
        memcpy(g.holder_key_sha256, key, sizeof(g.holder_key_sha256));
    g.not_before_ms = (int64_t)reader_u64(&r);
    g.expires_ms = (int64_t)reader_u64(&r);
    reader_bytes(&r, KEY_SIGNATURE_LEN);
    if (r.failed || reader_left(&r) != 0)
        return FAIL(err, ERROR_FORMAT, 0, "a grant of %zu bytes is malformed", len);
    if (g.operations == 0 || (g.operations & ~(uint32_t)GRANT_ALL_OPERATIONS) != 0 || g.expires_ms <= g.not_before_ms ||
        g.lock_days > GRANT_LOCK_DAYS_MAX)
        return FAIL(err, ERROR_FORMAT, 0, "a grant with operations 0x%" PRIx32 ", a life or locks that make no sense",
                    g.operations);
    *grant = g;
    return 0;
}

static int
check_signature(const uint8_t *data, size_t len, const uint8_t *grant_key, struct error *err)
{
    CLEANUP(buffer_clear) struct buffer message = BUFFER_INIT(GRANT_MAX);
    size_t signed_len = len - KEY_SIGNATURE_LEN;
    if (signed_bytes(data, signed_len, &message, err) != 0)
        return -1;
    if (key_pair_verify(grant_key, message.data, message.len, data + signed_len, err) != 0)
        return error_wrap(err, "the grant is not from our director");
    return 0;
}

static int
check_parties(const struct grant *g, const struct grant_check *check, struct error *err)
{
    if (strcmp(g->host_node_id, check->host_node_id) != 0)
        return FAIL(err, ERROR_DENIED, 0, "the grant is for host %s, this is %s", g->host_node_id, check->host_node_id);
    if (strcmp(g->holder_node_id, check->holder_node_id) != 0)
        return FAIL(err, ERROR_DENIED, 0, "the grant is held by %s, the caller is %s", g->holder_node_id,
                    *check->holder_node_id != '\0' ? check->holder_node_id : "anonymous");
    if (memcmp(g->holder_key_sha256, check->holder_key_sha256, sizeof(g->holder_key_sha256)) != 0)
        return FAIL(err, ERROR_DENIED, 0, "the grant of %s is bound to another key than the caller's",
                    g->holder_node_id);
    return 0;
}

int
grant_verify(const void *data, size_t len, const struct grant_check *check, struct grant *grant, struct error *err)
{
    struct grant g;
    if (grant_decode(data, len, &g, err) != 0 || check_signature(data, len, check->grant_key, err) != 0 ||
        check_parties(&g, check, err) != 0)
        return -1;
    if (check->now_ms < g.not_before_ms)
        return FAIL(err, ERROR_DENIED, 0, "the grant is not valid yet, for another %" PRId64 " s: is a clock off?",
                    (g.not_before_ms - check->now_ms + 999) / 1000);
    if (check->now_ms >= g.expires_ms)
        return FAIL(err, ERROR_UNAUTHENTICATED, 0, "the grant expired %" PRId64 " s ago",
                    (check->now_ms - g.expires_ms) / 1000);
    *grant = g;
    return 0;
}

int
grant_require(const struct grant *grant, uint32_t operations, struct error *err)
{
    uint32_t missing = operations & ~grant->operations;
    if (missing == 0)
        return 0;
    return FAIL(err, ERROR_DENIED, 0, "the grant of task %s does not allow:%s%s%s%s", grant->task_id,
                (missing & GRANT_READ) != 0 ? " read" : "", (missing & GRANT_APPEND) != 0 ? " append" : "",
                (missing & GRANT_CREATE) != 0 ? " create" : "", (missing & GRANT_RETIRE) != 0 ? " retire" : "");
}
