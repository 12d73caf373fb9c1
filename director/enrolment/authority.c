#include "director/enrolment/authority.h"

#include "common/base/buffer.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/identifier.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/grant.h"
#include "common/crypto/private_file.h"
#include "common/loop/event_loop.h"
#include "common/net/tls_context.h"
#include "director/enrolment/authority_internal.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_LIFETIME_MS ((int64_t)30 * 24 * 3600 * 1000)
#define WATCH_MS            ((uint64_t)5 * 60 * 1000)

struct authority {
    const struct clock *clock;
    int64_t lifetime_ms;
    struct authority_files files;
    char node_id[IDENTIFIER_LEN];
    char fingerprint[CERTIFICATE_FINGERPRINT_LEN];
    struct tls_context *tls;
    struct event_timer *timer;
};

/* Leaf first, then the root: a client that enrols has only the root's fingerprint to go by. */
static char *
own_chain(const struct authority *authority)
{
    return memory_printf("%s%s", authority->files.node_pem, authority->files.root_pem);
}

static int
make_tls(struct authority *authority, struct error *err)
{
    CLEANUP(memory_free_p) char *chain = own_chain(authority);
    CLEANUP(secret_free_p) struct secret *key_pem = key_pair_to_pem(authority->files.node_key, err);
    struct tls_options options = { .server = true,
                                   .certificate_pem = chain,
                                   .key_pem = key_pem,
                                   .trust_pem = authority->files.root_pem,
                                   .anonymous_allowed = true };
    authority->tls = key_pem != NULL ? tls_context_new(&options, err) : NULL;
    return authority->tls != NULL ? 0 : -1;
}

static int
open_into(struct authority *authority, const char *state_dir, struct error *err)
{
    struct certificate_info info;
    CLEANUP(memory_free_p) char *folder = memory_printf("%s/authority", state_dir);
    if (authority_files_open(&authority->files, folder, authority->clock, authority->lifetime_ms, err) != 0 ||
        certificate_inspect(authority->files.node_pem, &info, err) != 0 ||
        certificate_fingerprint(authority->files.root_pem, authority->fingerprint, err) != 0)
        return -1;
    memcpy(authority->node_id, info.node_id, sizeof(authority->node_id));
    return make_tls(authority, err) == 0 && authority_renew_if_due(authority, err) >= 0 ? 0 : -1;
}

struct authority *
authority_open(const struct authority_options *options, struct error *err)
{
    struct authority *authority = MEMORY_NEW(struct authority);
    authority->clock = options->clock;
    authority->lifetime_ms =
        options->certificate_lifetime_ms > 0 ? options->certificate_lifetime_ms : DEFAULT_LIFETIME_MS;
    if (open_into(authority, options->state_dir, err) == 0)
        return authority;
    error_wrap(err, "the director's authority");
    authority_free(authority);
    return NULL;
}

void
authority_free(struct authority *authority)
{
    if (authority == NULL)
        return;
    tls_context_free(authority->tls);
    authority_files_clear(&authority->files);
    free(authority);
}

const char *
authority_node_id(const struct authority *authority)
{
    return authority->node_id;
}

const char *
authority_root_pem(const struct authority *authority)
{
    return authority->files.root_pem;
}

const char *
authority_fingerprint(const struct authority *authority)
{
    return authority->fingerprint;
}

const uint8_t *
authority_grant_key(const struct authority *authority)
{
    return key_pair_point(authority->files.grant_key);
}

struct tls_context *
authority_tls(struct authority *authority)
{
    return authority->tls;
}

int
authority_sign_grant(struct authority *authority, const struct grant *grant, struct buffer *out, struct error *err)
{
    return grant_sign(authority->files.grant_key, grant, out, err);
}

char *
authority_issue_node(struct authority *authority, const void *request_der, size_t len, const char *node_id,
                     int64_t *not_after_ms, struct error *err)
{
    struct certificate_issue issue = { .clock = authority->clock,
                                       .authority_pem = authority->files.root_pem,
                                       .authority_key = authority->files.root_key,
                                       .request_der = request_der,
                                       .request_len = len,
                                       .node_id = node_id,
                                       .lifetime_ms = authority->lifetime_ms };
    struct certificate_info info;
    CLEANUP(memory_free_p) char *pem = certificate_issue(&issue, err);
    if (pem == NULL || certificate_inspect(pem, &info, err) != 0)
        return NULL;
    *not_after_ms = info.not_after_ms;
    return MOVE(pem);
}

int
authority_issue_server(struct authority *authority, const char *const *host_names, size_t count, char **chain_pem,
                       struct secret **key_pem, struct error *err)
{
    CLEANUP(key_pair_free_p) struct key_pair *key = key_pair_new(err);
    CLEANUP(buffer_clear) struct buffer request = BUFFER_INIT(CERTIFICATE_REQUEST_MAX);
    if (key == NULL || certificate_request_new(key, &request, err) != 0)
        return -1;
    struct certificate_issue issue = { .clock = authority->clock,
                                       .authority_pem = authority->files.root_pem,
                                       .authority_key = authority->files.root_key,
                                       .request_der = request.data,
                                       .request_len = request.len,
                                       .node_id = authority->node_id,
                                       .host_names = host_names,
                                       .host_name_count = count,
                                       .lifetime_ms = authority->lifetime_ms };
    CLEANUP(memory_free_p) char *leaf = certificate_issue(&issue, err);
    struct secret *pem = leaf != NULL ? key_pair_to_pem(key, err) : NULL;
    if (pem == NULL)
        return -1;
    *chain_pem = memory_printf("%s%s", leaf, authority->files.root_pem);
    *key_pem = pem;
    return 0;
}

static int
renew(struct authority *authority, struct error *err)
{
    CLEANUP(secret_free_p) struct secret *key_pem = key_pair_to_pem(authority->files.node_key, err);
    if (key_pem == NULL || authority_files_renew(&authority->files, authority->node_id, authority->clock,
                                                 authority->lifetime_ms, err) != 0)
        return -1;
    CLEANUP(memory_free_p) char *chain = own_chain(authority);
    return tls_context_replace(authority->tls, chain, key_pem, err);
}

int
authority_renew_if_due(struct authority *authority, struct error *err)
{
    struct certificate_info info;
    if (certificate_inspect(authority->files.node_pem, &info, err) != 0)
        return -1;
    int64_t due = info.not_before_ms + (info.not_after_ms - info.not_before_ms) / 3 * 2;
    int64_t now = clock_wall_ms(authority->clock);
    if (now < due && now >= info.not_before_ms)
        return 0;
    if (renew(authority, err) != 0)
        return error_wrap(err, "renew the director's own certificate");
    log_info("authority", "renewed the director's certificate node=%s", authority->node_id);
    return 1;
}

static void
on_timer_watch(void *ctx)
{
    struct error err = ERROR_INIT;
    if (authority_renew_if_due(ctx, &err) < 0)
        log_failure(LOG_ERROR, "authority", &err, "cannot keep the certificate fresh");
}

void
authority_watch(struct authority *authority, struct event_loop *loop)
{
    authority->timer = event_timer_new(loop, on_timer_watch, authority);
    event_timer_start(authority->timer, WATCH_MS, WATCH_MS);
}

void
authority_unwatch(struct authority *authority)
{
    if (authority == NULL || authority->timer == NULL)
        return;
    event_timer_free(authority->timer);
    authority->timer = NULL;
}
