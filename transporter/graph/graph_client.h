#ifndef LONGHAUL_TRANSPORTER_GRAPH_GRAPH_CLIENT_H
#define LONGHAUL_TRANSPORTER_GRAPH_GRAPH_CLIENT_H

/* Microsoft Graph for one tenant and one app registration: token, retries, throttling. One client per set of
 * credentials, shared by all threads and tasks of the process, so that pauses and the four request slots of a
 * mailbox are shared too. Calls block. Any thread. */

#include "common/base/buffer.h"
#include "common/net/http_client.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clock;
struct error;
struct graph_client;
struct graph_hold;
struct secret;

#define GRAPH_PAGE_CEILING  ((size_t)64 << 20)
#define GRAPH_MAILBOX_SLOTS 4

struct graph_client_options {
    /* The unsealed "microsoft365" bundle, borrowed for the call: {"tenant","client_id", "client_secret" or
     * "certificate_pem"+"private_key_pem", "login_url","graph_url"}. */
    const struct secret *credentials;
    struct http_client *http;  /* borrowed for the client's life */
    const struct clock *clock; /* borrowed for the client's life */
    /* How waiting is done; NULL: for real. Tests move their clock instead. Returns early when *cancel turns true. */
    void (*wait_ms)(void *ctx, uint64_t ms, const atomic_bool *cancel);
    void *wait_ctx;
    uint64_t patience_ms; /* with throttling, for requests of no share; 0: GRAPH_HOLD_PATIENCE_MS */
};

/* ERROR_CONFIG when the bundle is incomplete, a key does not fit its certificate, or a URL is not https. */
struct graph_client *graph_client_new(const struct graph_client_options *options, struct error *err);
/* The same client with counters and a hold of its own, for one piece of work. It is freed before the client that it was
 * made of; the hold is borrowed until then. */
struct graph_client *graph_client_share(struct graph_client *client, struct graph_hold *hold);
/* What it is a share of; a client that is no share: itself. */
struct graph_client *graph_client_base(struct graph_client *client);
/* No request may be running. */
void graph_client_free(struct graph_client *client);
void graph_client_free_p(struct graph_client **client);

/* Which throttling scope a request belongs to. */
enum graph_service { GRAPH_DIRECTORY, GRAPH_EXCHANGE, GRAPH_DRIVE };

struct graph_request {
    const char *method; /* NULL: "GET" */
    /* "/users/…": below <graph_url>/v1.0; or an absolute https URL that the service gave, used byte for byte. The
     * token is sent only to the origin of graph_url; another origin needs `preauthenticated`. */
    const char *url;
    enum graph_service service;
    const char *mailbox;   /* user id: takes one of its four slots; NULL: none */
    bool preauthenticated; /* download and upload URLs: no token is sent */
    bool expect_404;       /* own item just made: 404 may be replication lag, try a few times */
    unsigned max_attempts; /* 0: 6. Waits that the service asked for are not counted */
    const char *const *headers;
    size_t header_count;
    const char *content_type; /* with a body; NULL: application/json */
    const void *body;
    http_body_fn *body_fn;
    void *body_ctx;
    uint64_t body_len;
    http_sink_fn *sink; /* bytes of a 2xx answer; without sink they go to graph_response.http.body */
    http_head_fn *head; /* see http_client.h */
    void *sink_ctx;
    /* Called before an attempt that follows one which already gave bytes to sink. NULL: such a request is not
     * repeated but fails with ERROR_NETWORK. */
    int (*sink_restart)(void *ctx, struct error *err);
    size_t body_ceiling; /* 0: GRAPH_PAGE_CEILING */
    const atomic_bool *cancel;
};

struct graph_response {
    int status;     /* of the last attempt; 0 when none was answered */
    char code[64];  /* of the error body, outermost; "" */
    char inner[64]; /* deepest known code; equal to code when there is no other */
    struct http_response http;
};

/* 0 on 2xx, 302 and 304. Otherwise -1: the kind says what to do (see graph_error.h), native is the HTTP status, and
 * response->status, code and inner say why. The response is initialised here, cleared by the caller. */
int graph_client_request(struct graph_client *client, const struct graph_request *request,
                         struct graph_response *response, struct error *err);
void graph_response_clear(struct graph_response *response);

/* Request, then tolerant parsing (control characters inside strings are dropped). A 2xx answer that is not JSON
 * counts as a fault of transport and is repeated. NULL on failure; free with json_decref(). response may be NULL. */
json_t *graph_client_json(struct graph_client *client, const struct graph_request *request,
                          struct graph_response *response, struct error *err);

/* "https://graph.microsoft.com" */
const char *graph_client_origin(const struct graph_client *client);
const struct clock *graph_client_clock(const struct graph_client *client);

/* Asks for a token now: shows that the credentials work. missing gets the application roles of `wanted` (a NULL
 * ended list) that the token lacks, comma separated; it may be NULL. */
int graph_client_check(struct graph_client *client, const char *const *wanted, struct buffer *missing,
                       struct error *err);

/* No request to a drive or site of this tenant leaves before ms have passed: told by another transporter. */
void graph_client_pause(struct graph_client *client, uint32_t ms);
/* Called from the requesting thread whenever the service asks the whole tenant to wait; NULL removes it. */
void graph_client_on_pause(struct graph_client *client, void (*fn)(void *ctx, uint32_t ms), void *ctx);

struct graph_counters {
    uint64_t requests;     /* attempts that reached the service; those for tokens are the base's */
    uint64_t throttled;    /* answers 429, and 503 with Retry-After */
    uint64_t throttled_ms; /* time in which at least one request waited because of them */
    uint64_t retries, token_renewals;
    uint64_t received_bytes, sent_bytes;
};
void graph_client_counters(const struct graph_client *client, struct graph_counters *out);

#endif
