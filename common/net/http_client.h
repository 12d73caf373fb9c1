#ifndef LONGHAUL_COMMON_NET_HTTP_CLIENT_H
#define LONGHAUL_COMMON_NET_HTTP_CLIENT_H

/* HTTPS requests that block the calling thread, over a pool of libcurl handles that keep their connections.
 * https only, TLS 1.2 or newer, certificates always verified, no redirect is followed. Any thread. */

#include "common/base/buffer.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct http_client;

struct http_client_options {
    const char *extra_ca;        /* path of a PEM bundle trusted beside the system's; NULL */
    const char *extra_ca_pem;    /* the same as text; NULL */
    const char *user_agent;      /* NULL: "longhaul/<version>" */
    uint32_t connect_timeout_ms; /* 0: 15 s */
    uint32_t stall_timeout_ms;   /* give up when no byte moved for so long; 0: 60 s */
    bool http2_allowed;          /* false: HTTP/1.1, which Microsoft Graph needs */
};

/* Whether the file can be an extra_ca. ERROR_CONFIG: it cannot be read, or holds no certificate in PEM. */
int http_client_check_ca(const char *path, struct error *err);

/* Options are borrowed for the call. */
struct http_client *http_client_new(const struct http_client_options *options, struct error *err);
/* No request may be running. */
void http_client_free(struct http_client *client);
void http_client_free_p(struct http_client **client);

/* Yields at most `capacity` bytes of the body from `offset` on; sets *len. May be called again from an earlier
 * offset when the request is repeated on a new connection. 0, or -1 with err. */
typedef int http_body_fn(void *ctx, uint64_t offset, void *out, size_t capacity, size_t *len, struct error *err);
/* Takes the next bytes of an answer. 0, or -1 with err: the transfer ends with that error. */
typedef int http_sink_fn(void *ctx, const void *data, size_t len, struct error *err);

struct http_response;
/* Called before the first byte goes to the sink, with status and headers: the place to check a 206. 0, or -1. */
typedef int http_head_fn(void *ctx, const struct http_response *response, struct error *err);

struct http_request {
    const char *method;         /* NULL: "GET" */
    const char *url;            /* used byte for byte */
    const char *const *headers; /* "Name: value" */
    size_t header_count;
    /* The body: bytes, or a function with the exact length. */
    const void *body;
    http_body_fn *body_fn;
    void *body_ctx;
    uint64_t body_len;
    /* Bytes of a 2xx answer go to sink when there is one; everything else to http_response.body. */
    http_sink_fn *sink;
    http_head_fn *head; /* may be NULL */
    void *sink_ctx;
    size_t body_ceiling;       /* of http_response.body; 0: 64 KiB */
    uint32_t timeout_ms;       /* of the whole request; 0: none beside the stall limit */
    bool compressed;           /* accept gzip */
    const atomic_bool *cancel; /* may be NULL; true ends the request with ERROR_CANCELLED within about a second */
};

struct http_response {
    int status;
    struct buffer headers; /* private: see http_response_header() */
    struct buffer body;
    uint64_t received; /* bytes of the answer after decompression, wherever they went */
};

#define HTTP_RESPONSE_INIT                                                                                             \
    {                                                                                                                  \
        .status = 0                                                                                                    \
    }

/* 0 when an answer came, whatever its status. Otherwise ERROR_NETWORK (resolve, connect, cut off, fewer bytes than
 * announced), ERROR_TIMEOUT, ERROR_CONFIG (the peer's certificate or TLS version is not acceptable, URL is not
 * https), ERROR_LIMIT, ERROR_CANCELLED, or what sink or body_fn reported. native is the CURLcode. Error texts name
 * the host, never the URL. The response is initialised by the call and cleared by the caller in either case. */
int http_client_perform(struct http_client *client, const struct http_request *request, struct http_response *response,
                        struct error *err);
void http_response_clear(struct http_response *response);
/* First value of a header, name without regard to case; NULL when absent. Valid until the response is cleared. */
const char *http_response_header(const struct http_response *response, const char *name);

#endif
