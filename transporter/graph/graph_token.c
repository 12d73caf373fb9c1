#include "transporter/graph/graph_token.h"

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "transporter/graph/graph_credentials.h"
#include "transporter/graph/graph_retry.h"
#include "transporter/graph/graph_token_reply.h"
#include "transporter/graph/graph_url.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define RENEW_BEFORE_MS     (5u * 60 * 1000)
#define REMEMBER_REFUSAL_MS (60u * 1000)
#define ATTEMPTS            5u
#define HEADER_PREFIX       "Authorization: Bearer "

struct graph_token {
    struct graph_token_options options;
    pthread_mutex_t lock;
    pthread_cond_t renewed;
    bool renewing;
    struct secret *token; /* NULL: none, or rejected */
    uint64_t generation, renewals;
    uint64_t expires_ms; /* monotonic */
    uint64_t renew_ms;   /* from then on */
    char *claims;        /* to be sent with the next request; NULL */
    struct error refusal;
    uint64_t refusal_until_ms;
};

struct graph_token *
graph_token_new(const struct graph_token_options *options)
{
    struct graph_token *token = MEMORY_NEW(struct graph_token);

    token->options = *options;
    pthread_mutex_init(&token->lock, NULL);
    pthread_cond_init(&token->renewed, NULL);
    return token;
}

void
graph_token_free(struct graph_token *token)
{
    if (token == NULL)
        return;
    secret_free(token->token);
    free(token->claims);
    pthread_cond_destroy(&token->renewed);
    pthread_mutex_destroy(&token->lock);
    free(token);
}

/* The form lies in a struct secret: it may hold the client secret. */
static struct secret *
request_form(const struct graph_token_options *options, const char *claims, struct error *err)
{
    const struct graph_credentials *c = options->credentials;
    CLEANUP(memory_free_p) char *scope = memory_printf("%s/.default", c->graph_url);
    CLEANUP(memory_free_p) char *claims_part = claims != NULL ? graph_url("&claims=%s", claims) : memory_strdup("");
    CLEANUP(memory_free_p)
    char *common = graph_url("grant_type=client_credentials&client_id=%s&scope=%s", c->client_id, scope);
    char *proof;

    if (c->client_secret != NULL) {
        proof = graph_url("&client_secret=%s", secret_text(c->client_secret));
    } else {
        CLEANUP(memory_free_p) char *assertion = graph_credentials_assertion(c, options->clock, err);
        if (assertion == NULL)
            return NULL;
        proof = graph_url("&client_assertion_type=%s&client_assertion=%s",
                          "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", assertion);
    }
    size_t a = strlen(common), b = strlen(claims_part), p = strlen(proof);
    struct secret *form = secret_reserve(a + b + p, err);
    if (form != NULL) {
        uint8_t *out = secret_bytes_mutable(form);
        memcpy(out, common, a);
        memcpy(out + a, claims_part, b);
        memcpy(out + a + b, proof, p);
    }
    secret_zero(proof, p);
    free(proof);
    return form;
}

static int
ask_once(const struct graph_token_options *options, const char *claims, const atomic_bool *cancel,
         struct graph_token_reply *reply, struct error *err)
{
    static const char *const headers[] = { "Content-Type: application/x-www-form-urlencoded",
                                           "Accept: application/json" };
    *reply = (struct graph_token_reply){ .token = NULL };
    CLEANUP(secret_free_p) struct secret *form = request_form(options, claims, err);
    if (form == NULL)
        return -1;
    CLEANUP(memory_free_p) char *url = graph_credentials_token_url(options->credentials);
    CLEANUP(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
    const struct http_request request = { .method = "POST",
                                          .url = url,
                                          .headers = headers,
                                          .header_count = ARRAY_LEN(headers),
                                          .body = secret_bytes(form),
                                          .body_len = secret_len(form),
                                          .timeout_ms = 60000,
                                          .cancel = cancel };
    atomic_fetch_add(options->requests, 1);
    if (http_client_perform(options->http, &request, &response, err) != 0) {
        reply->passing = err->kind == ERROR_NETWORK || err->kind == ERROR_TIMEOUT;
        return error_wrap(err, "Microsoft sign-in");
    }
    return graph_token_reply_parse(response.status, (char *)response.body.data, response.body.len, reply, err);
}

static int
ask(const struct graph_token_options *options, const char *claims, const atomic_bool *cancel,
    struct graph_token_reply *reply, struct error *err)
{
    for (unsigned attempt = 1;; attempt++) {
        struct error failure = ERROR_INIT;
        if (ask_once(options, claims, cancel, reply, &failure) == 0)
            return 0;
        if (!reply->passing || attempt == ATTEMPTS) {
            if (err != NULL && !error_is_set(err))
                *err = failure;
            return -1;
        }
        uint32_t random;
        clock_random(options->clock, &random, sizeof(random));
        log_failure(LOG_WARN, "graph", &failure, "token request fails attempt=%u", attempt);
        options->wait_ms(options->wait_ctx, graph_retry_backoff_ms(attempt, random), cancel);
        if (cancel != NULL && atomic_load(cancel))
            return FAIL(err, ERROR_CANCELLED, 0, "cancelled");
    }
}

/* Lock held; released while the endpoint is asked. */
static int
renew(struct graph_token *token, const atomic_bool *cancel, struct error *err)
{
    const struct clock *clock = token->options.clock;
    struct graph_token_reply reply;
    struct error failure = ERROR_INIT;
    CLEANUP(memory_free_p) char *claims = MOVE(token->claims);

    token->renewing = true;
    pthread_mutex_unlock(&token->lock);
    int status = ask(&token->options, claims, cancel, &reply, &failure);
    pthread_mutex_lock(&token->lock);
    token->renewing = false;
    if (status == 0) {
        secret_free(token->token);
        token->token = reply.token;
        token->generation++;
        token->renewals++;
        uint64_t lifetime = (uint64_t)reply.expires_in_s * 1000;
        token->expires_ms = clock_monotonic_ms(clock) + lifetime;
        token->renew_ms = token->expires_ms - (lifetime / 2 < RENEW_BEFORE_MS ? lifetime / 2 : RENEW_BEFORE_MS);
    } else {
        if (failure.kind != ERROR_CANCELLED) {
            token->refusal = failure;
            token->refusal_until_ms = clock_monotonic_ms(clock) + REMEMBER_REFUSAL_MS;
        }
        if (err != NULL && !error_is_set(err))
            *err = failure;
    }
    pthread_cond_broadcast(&token->renewed);
    return status;
}

/* Lock held. */
static int
make_valid(struct graph_token *token, const atomic_bool *cancel, struct error *err)
{
    for (;;) {
        uint64_t now = clock_monotonic_ms(token->options.clock);
        bool valid = token->token != NULL && now < token->expires_ms;
        if (valid && now < token->renew_ms)
            return 0;
        /* Still valid: one thread renews, the others go on with what there is. A failed early renewal is no harm. */
        if (valid) {
            if (!token->renewing && now >= token->refusal_until_ms)
                renew(token, cancel, NULL);
            if (token->token != NULL)
                return 0;
            continue;
        }
        if (token->renewing) {
            pthread_cond_wait(&token->renewed, &token->lock);
            continue;
        }
        if (now < token->refusal_until_ms) {
            if (err != NULL && !error_is_set(err))
                *err = token->refusal;
            return -1;
        }
        return renew(token, cancel, err);
    }
}

int
graph_token_header(struct graph_token *token, const atomic_bool *cancel, struct secret **out, uint64_t *generation,
                   struct error *err)
{
    pthread_mutex_lock(&token->lock);
    int status = make_valid(token, cancel, err);
    if (status == 0) {
        size_t len = secret_len(token->token), prefix = strlen(HEADER_PREFIX);
        *out = secret_reserve(prefix + len, err);
        if (*out != NULL) {
            memcpy(secret_bytes_mutable(*out), HEADER_PREFIX, prefix);
            memcpy(secret_bytes_mutable(*out) + prefix, secret_bytes(token->token), len);
        }
        *generation = token->generation;
        status = *out != NULL ? 0 : -1;
    }
    pthread_mutex_unlock(&token->lock);
    return status;
}

void
graph_token_reject(struct graph_token *token, uint64_t generation, const char *claims)
{
    pthread_mutex_lock(&token->lock);
    if (token->generation == generation) {
        secret_free(token->token);
        token->token = NULL;
        free(token->claims);
        token->claims = claims != NULL ? memory_strdup(claims) : NULL;
    }
    pthread_mutex_unlock(&token->lock);
}

uint64_t
graph_token_renewals(struct graph_token *token)
{
    pthread_mutex_lock(&token->lock);
    uint64_t n = token->renewals;
    pthread_mutex_unlock(&token->lock);
    return n;
}
