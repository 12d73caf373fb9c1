#include "transporter/link/enrol.h"

#include "common/base/arena.h"
#include "common/base/buffer.h"
#include "common/base/clock.h"
#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/crypto/certificate.h"
#include "common/loop/event_loop.h"
#include "common/net/tls_context.h"
#include "common/rpc/rpc_channel.h"
#include "proto/enrol.pb-c.h"
#include "transporter/link/node_identity.h"

#include <stdio.h>
#include <string.h>

#define CALL_TIMEOUT_MS 30000
#define ARENA_BUDGET    ((size_t)256 << 10)
#define DIRECTOR_PREFIX "director-"

/* What one enrolment works with. */
struct enrolment {
    const struct enrol_options *options;
    bool again; /* there is an identity to replace */
    uint8_t fingerprint[32];
    struct key_pair *key;
    struct sealing_key *sealing_key;
    struct arena *arena;
    char director_node_id[sizeof(((struct tls_peer *)NULL)->node_id)]; /* as its certificate says */
    const Longhaul__V1__EnrolReply *reply;                             /* in the arena */
};

static int
parse_fingerprint(const char *text, uint8_t out[32], struct error *err)
{
    char digits[65];
    size_t n = 0;
    for (; *text != '\0' && n < sizeof(digits); text++) {
        if (*text != ':' && *text != ' ')
            digits[n++] = *text;
    }
    if (n == sizeof(digits) - 1) {
        digits[n] = '\0';
        if (encoding_unhex(digits, out, 32) == 0)
            return 0;
    }
    return FAIL(err, ERROR_USAGE, 0,
                "the fingerprint must be 64 hex digits, as `longhaul transporter invite` printed them");
}

/* Fine when there is no identity, or one whose certificate has ended: *again says so. */
static int
check_not_enrolled(const struct enrol_options *o, bool *again, struct error *err)
{
    struct error reason = ERROR_INIT;
    struct node_identity *identity = node_identity_load(o->state_dir, o->clock, &reason);
    if (identity == NULL)
        return reason.kind == ERROR_NOT_FOUND ? 0 : FAIL(err, reason.kind, reason.native, "%s", reason.text);
    int64_t begins = 0, ends = 0;
    node_identity_validity(identity, &begins, &ends);
    *again = clock_wall_ms(o->clock) >= ends;
    if (!*again)
        FAIL(err, ERROR_EXISTS, 0,
             "this machine is enrolled already, as %s: to enrol it anew revoke that and remove %s/identity",
             node_identity_id(identity), o->state_dir);
    node_identity_free(identity);
    return *again ? 0 : -1;
}

/* The pinned root vouches for transporters too: only the director may have the token. */
static int
check_peer(struct enrolment *e, const struct rpc_call *call, struct error *err)
{
    const struct tls_peer *peer = rpc_call_peer(call);
    if (strncmp(peer->node_id, DIRECTOR_PREFIX, sizeof(DIRECTOR_PREFIX) - 1) != 0)
        return FAIL(err, ERROR_DENIED, 0, "what answers at %s:%u is not the director but node \"%s\"",
                    e->options->director_host, e->options->director_port, peer->node_id);
    memcpy(e->director_node_id, peer->node_id, sizeof(e->director_node_id));
    return 0;
}

static int
send_request(struct enrolment *e, struct rpc_call *call, struct error *err)
{
    CLEANUP(buffer_clear) struct buffer csr = BUFFER_INIT(CERTIFICATE_REQUEST_MAX);
    if (certificate_request_new(e->key, &csr, err) != 0)
        return -1;
    Longhaul__V1__EnrolRequest request;
    longhaul__v1__enrol_request__init(&request);
    /* protobuf-c has no pointers to const; the message is only serialised. */
    char version[] = LONGHAUL_VERSION;
    request.token = (char *)(uintptr_t)e->options->token;
    request.csr_der = (ProtobufCBinaryData){ .data = csr.data, .len = csr.len };
    request.sealing_key.data = (uint8_t *)(uintptr_t)sealing_key_point(e->sealing_key);
    request.sealing_key.len = KEY_POINT_LEN;
    request.software_version = version;
    request.clock_ms = clock_wall_ms(e->options->clock);
    return rpc_call_send(call, &request.base, err) == 0 ? rpc_call_close_send(call, err) : -1;
}

static int
receive_reply(struct enrolment *e, struct rpc_call *call, struct error *err)
{
    ProtobufCMessage *message = NULL;
    int rc = rpc_call_receive(call, &longhaul__v1__enrol_reply__descriptor, CALL_TIMEOUT_MS, e->arena, &message, err);
    if (rc < 0 || rpc_call_finish(call, err) != 0)
        return -1;
    if (rc == 0)
        return FAIL(err, ERROR_FORMAT, 0, "the director ended the call without a reply");
    e->reply = (const Longhaul__V1__EnrolReply *)message;
    return 0;
}

static int
call_director(struct enrolment *e, struct rpc_channel *channel, struct error *err)
{
    struct rpc_call_options options = { .timeout_ms = CALL_TIMEOUT_MS };
    struct rpc_call *call = rpc_channel_open(channel, "/longhaul.v1.Enrolment/Enrol", &options, err);
    if (call == NULL)
        return -1;
    int rc = check_peer(e, call, err) == 0 && send_request(e, call, err) == 0 ? receive_reply(e, call, err) : -1;
    rpc_call_free(call);
    return rc;
}

static int
connect_and_call(struct enrolment *e, struct event_loop *loop, struct error *err)
{
    struct tls_options tls_options = { .pinned_root = e->fingerprint };
    struct tls_context *tls = tls_context_new(&tls_options, err);
    if (tls == NULL)
        return -1;
    struct rpc_channel_options options = { .host = e->options->director_host,
                                           .port = e->options->director_port,
                                           .tls = tls };
    struct rpc_channel *channel = rpc_channel_new(loop, &options, err);
    int rc = channel != NULL ? call_director(e, channel, err) : -1;
    rpc_channel_free(channel);
    tls_context_free(tls);
    return rc;
}

static int
on_own_loop(struct enrolment *e, struct error *err)
{
    struct event_loop *loop = event_loop_new(err);
    if (loop == NULL)
        return -1;
    int rc = event_loop_start_thread(loop, err);
    if (rc == 0) {
        rc = connect_and_call(e, loop, err);
        event_loop_stop(loop);
        event_loop_join(loop);
    }
    event_loop_free(loop);
    return rc == 0 ? 0 : error_wrap(err, "director %s:%u", e->options->director_host, e->options->director_port);
}

/* The director is authenticated by now, so a wrong reply is a defect: nothing of it is kept. */
static int
check_reply(const struct enrolment *e, struct error *err)
{
    const Longhaul__V1__EnrolReply *reply = e->reply;
    struct certificate_info authority;
    if (!identifier_valid(reply->node_id) || strcmp(reply->director_node_id, e->director_node_id) != 0)
        return FAIL(err, ERROR_FORMAT, 0, "the director's reply names no node, or another director");
    if (key_pair_check_point(reply->grant_key.data, reply->grant_key.len, err) != 0)
        return error_wrap(err, "grant key");
    if (certificate_inspect(reply->authority_pem, &authority, err) != 0)
        return error_wrap(err, "authority");
    if (memcmp(authority.fingerprint, e->fingerprint, sizeof(e->fingerprint)) != 0)
        return FAIL(err, ERROR_DENIED, 0, "the director sent another authority than the pinned one");
    return certificate_check_issued(reply->certificate_pem, reply->authority_pem, e->key, reply->node_id,
                                    clock_wall_ms(e->options->clock), err);
}

static int
keep(const struct enrolment *e, struct enrol_result *result, struct error *err)
{
    const Longhaul__V1__EnrolReply *reply = e->reply;
    struct node_identity_facts facts = { .node_id = reply->node_id,
                                         .name = reply->name,
                                         .director_node_id = reply->director_node_id,
                                         .director_host = e->options->director_host,
                                         .director_port = e->options->director_port,
                                         .certificate_pem = reply->certificate_pem,
                                         .authority_pem = reply->authority_pem,
                                         .grant_key = reply->grant_key.data };
    int rc = e->again ? node_identity_recreate(e->options->state_dir, &facts, err)
                      : node_identity_create(e->options->state_dir, &facts, err);
    if (rc != 0)
        return -1;
    snprintf(result->node_id, sizeof(result->node_id), "%s", reply->node_id);
    snprintf(result->name, sizeof(result->name), "%s", reply->name);
    sealing_key_fingerprint(sealing_key_point(e->sealing_key), result->sealing_fingerprint);
    return 0;
}

int
enrol_run(const struct enrol_options *options, struct enrol_result *result, struct error *err)
{
    struct enrolment e = { .options = options, .arena = arena_new(ARENA_BUDGET) };
    int rc = -1;
    if (parse_fingerprint(options->fingerprint, e.fingerprint, err) == 0 &&
        check_not_enrolled(options, &e.again, err) == 0 &&
        node_identity_keys(options->state_dir, &e.key, &e.sealing_key, err) == 0 && on_own_loop(&e, err) == 0 &&
        check_reply(&e, err) == 0)
        rc = keep(&e, result, err);
    key_pair_free(e.key);
    sealing_key_free(e.sealing_key);
    arena_free(e.arena);
    return rc;
}
