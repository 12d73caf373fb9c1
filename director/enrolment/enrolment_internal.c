#include "director/enrolment/enrolment_internal.h"

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/crypto/certificate.h"
#include "common/net/tls_context.h"
#include "director/enrolment/authority.h"
#include "director/enrolment/invite.h"
#include "director/enrolment/revocation.h"
#include "director/store/store_transporters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a request claims, checked as far as it can be without the store. */
struct claim {
    uint8_t key_sha256[32];
    uint8_t sealing_key[KEY_POINT_LEN];
    char software_version[STORE_VERSION_LEN];
};

static int
find_invite(struct store *store, const char *token, struct store_invite *invite, struct error *err)
{
    uint8_t hash[32];
    struct error reason = ERROR_INIT;
    if (invite_token_sha256(token, hash, err) != 0)
        return -1;
    if (store_invites_find_by_hash(store, hash, invite, &reason) == 0)
        return 0;
    if (reason.kind == ERROR_NOT_FOUND)
        return FAIL(err, ERROR_UNAUTHENTICATED, 0,
                    "this director does not know the enrolment token: was it made by another one, or taken back?");
    return FAIL(err, reason.kind, reason.native, "%s", reason.text);
}

static int
check_clock(int64_t theirs_ms, int64_t ours_ms, struct error *err)
{
    if (theirs_ms >= ours_ms - ENROLMENT_CLOCK_TOLERANCE_MS && theirs_ms <= ours_ms + ENROLMENT_CLOCK_TOLERANCE_MS)
        return 0;
    /* Four digits of year: what lies outside is off in any case. */
    static const int64_t latest_ms = INT64_C(253402300799000);
    char theirs[CLOCK_TEXT_LEN] = "an impossible time", ours[CLOCK_TEXT_LEN];
    if (theirs_ms >= 0 && theirs_ms <= latest_ms)
        clock_format_ms(theirs_ms, theirs);
    clock_format_ms(ours_ms, ours);
    return FAIL(err, ERROR_CONFIG, 0,
                "the clocks differ by more than 5 minutes: the transporter has %s, the director %s. Set them (NTP) and "
                "try again",
                theirs, ours);
}

static void
copy_version(const char *text, char out[STORE_VERSION_LEN])
{
    size_t n = 0;
    for (; text[n] != '\0' && n < STORE_VERSION_LEN - 1; n++)
        out[n] = text[n] > ' ' && text[n] < 127 ? text[n] : '?';
    out[n] = '\0';
}

static int
read_claim(const Longhaul__V1__EnrolRequest *request, struct claim *claim, struct error *err)
{
    if (certificate_request_check(request->csr_der.data, request->csr_der.len, claim->key_sha256, err) != 0)
        return -1;
    if (key_pair_check_point(request->sealing_key.data, request->sealing_key.len, err) != 0)
        return error_wrap(err, "sealing key");
    memcpy(claim->sealing_key, request->sealing_key.data, KEY_POINT_LEN);
    copy_version(request->software_version, claim->software_version);
    return 0;
}

static bool
has_keys(const struct store_transporter *node, const struct claim *claim)
{
    return node->revoked_ms == 0 && memcmp(node->key_sha256, claim->key_sha256, sizeof(node->key_sha256)) == 0 &&
           memcmp(node->sealing_key, claim->sealing_key, KEY_POINT_LEN) == 0;
}

/* The node that the claim is from already, if any; its id is "" otherwise. Either its reply got lost, or its
 * certificate ended while it was away and a new invite of the same name brings it back: it keeps its id and what is
 * sealed to it. */
static void
find_node(const struct enrolment_service_options *o, const struct store_invite *invite, const struct claim *claim,
          struct store_transporter *node)
{
    const char *who = invite->used_ms != 0 ? invite->used_by : invite->name;
    if (store_transporters_find(o->store, who, node, NULL) != 0 || !has_keys(node, claim))
        *node = (struct store_transporter){ .id = "" };
}

static int
check_invite(const struct enrolment_service_options *o, const struct store_invite *invite, const struct claim *claim,
             struct store_transporter *node, struct error *err)
{
    find_node(o, invite, claim, node);
    return invite_check(invite, clock_wall_ms(o->clock), claim->key_sha256, *node->id != '\0' ? node->key_sha256 : NULL,
                        err);
}

static int
remember(const struct enrolment_service_options *o, const struct store_invite *invite, const struct claim *claim,
         struct store_transporter *node, struct error *err)
{
    snprintf(node->name, sizeof(node->name), "%s", invite->name);
    memcpy(node->key_sha256, claim->key_sha256, sizeof(node->key_sha256));
    memcpy(node->sealing_key, claim->sealing_key, sizeof(node->sealing_key));
    memcpy(node->software_version, claim->software_version, sizeof(node->software_version));
    node->labels = invite->labels;
    struct error reason = ERROR_INIT;
    if (store_begin(o->store, err) != 0)
        return -1;
    if (store_transporters_add(o->store, node, &reason) == 0 &&
        store_invites_use(o->store, invite->id, node->id, &reason) == 0)
        return store_commit(o->store, err);
    store_rollback(o->store);
    if (reason.kind == ERROR_EXISTS)
        return FAIL(
            err, ERROR_EXISTS, 0,
            "a transporter named %s is enrolled already: make an invite for another name, the token was not used",
            node->name);
    return FAIL(err, reason.kind, reason.native, "%s", reason.text);
}

static int
remember_again(const struct enrolment_service_options *o, const struct store_invite *invite,
               const struct store_transporter *node, struct error *err)
{
    if (store_begin(o->store, err) != 0)
        return -1;
    if ((invite->used_ms == 0 && store_invites_use(o->store, invite->id, node->id, err) != 0) ||
        store_transporters_set_certificate(o->store, node->id, node->certificate_expires_ms, err) != 0) {
        store_rollback(o->store);
        return -1;
    }
    return store_commit(o->store, err);
}

static char *
in_arena(struct arena *arena, char *text)
{
    char *copy = arena_strdup(arena, text);
    free(text);
    return copy;
}

static void
fill_reply(const struct enrolment_service_options *o, const struct store_transporter *node, char *certificate,
           struct arena *arena, Longhaul__V1__EnrolReply *reply)
{
    /* protobuf-c has no pointers to const; the message is only serialised. */
    reply->node_id = arena_strdup(arena, node->id);
    reply->name = arena_strdup(arena, node->name);
    reply->certificate_pem = certificate;
    reply->authority_pem = (char *)(uintptr_t)authority_root_pem(o->authority);
    reply->grant_key.data = (uint8_t *)(uintptr_t)authority_grant_key(o->authority);
    reply->grant_key.len = KEY_POINT_LEN;
    reply->director_node_id = (char *)(uintptr_t)authority_node_id(o->authority);
}

static char *
issue(const struct enrolment_service_options *o, const ProtobufCBinaryData *request, struct store_transporter *node,
      struct arena *arena, struct error *err)
{
    char *pem =
        authority_issue_node(o->authority, request->data, request->len, node->id, &node->certificate_expires_ms, err);
    if (pem == NULL)
        return NULL;
    char *kept = in_arena(arena, pem);
    if (kept == NULL)
        FAIL(err, ERROR_LIMIT, 0, "no room for a certificate in the reply");
    return kept;
}

int
enrolment_internal_enrol(const struct enrolment_service_options *o, const Longhaul__V1__EnrolRequest *request,
                         struct arena *arena, Longhaul__V1__EnrolReply *reply, struct error *err)
{
    struct store_invite invite;
    struct claim claim;
    struct store_transporter node = { .id = "" };
    if (find_invite(o->store, request->token, &invite, err) != 0 ||
        check_clock(request->clock_ms, clock_wall_ms(o->clock), err) != 0 || read_claim(request, &claim, err) != 0 ||
        check_invite(o, &invite, &claim, &node, err) != 0)
        return -1;
    bool again = *node.id != '\0';
    if (!again)
        identifier_new(o->clock, "transporter", node.id);
    char *certificate = issue(o, &request->csr_der, &node, arena, err);
    if (certificate == NULL)
        return -1;
    int rc = again ? remember_again(o, &invite, &node, err) : remember(o, &invite, &claim, &node, err);
    if (rc != 0)
        return -1;
    fill_reply(o, &node, certificate, arena, reply);
    return 0;
}

int
enrolment_internal_renew(const struct enrolment_service_options *o, const struct tls_peer *peer,
                         const Longhaul__V1__RenewRequest *request, struct arena *arena,
                         Longhaul__V1__RenewReply *reply, struct error *err)
{
    struct store_transporter node;
    uint8_t key_sha256[32];
    struct error reason = ERROR_INIT;
    if (store_transporters_find(o->store, peer->node_id, &node, &reason) != 0 || strcmp(node.id, peer->node_id) != 0) {
        if (error_is_set(&reason) && reason.kind != ERROR_NOT_FOUND)
            return FAIL(err, reason.kind, reason.native, "%s", reason.text);
        return FAIL(err, ERROR_DENIED, 0, "this director does not know node %s: enrol it anew", peer->node_id);
    }
    if (node.revoked_ms != 0 || revocation_set_contains(revocation_nodes(o->revocation), node.id))
        return FAIL(err, ERROR_DENIED, 0, "node %s is revoked", node.id);
    if (certificate_request_check(request->csr_der.data, request->csr_der.len, key_sha256, err) != 0)
        return -1;
    if (memcmp(key_sha256, node.key_sha256, sizeof(key_sha256)) != 0 ||
        memcmp(peer->key_sha256, node.key_sha256, sizeof(key_sha256)) != 0)
        return FAIL(err, ERROR_DENIED, 0, "a renewal keeps the key, but node %s came with another one", node.id);
    reply->certificate_pem = issue(o, &request->csr_der, &node, arena, err);
    if (reply->certificate_pem == NULL ||
        store_transporters_set_certificate(o->store, node.id, node.certificate_expires_ms, err) != 0)
        return -1;
    reply->authority_pem = (char *)(uintptr_t)authority_root_pem(o->authority);
    return 0;
}
