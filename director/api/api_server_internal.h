#ifndef LONGHAUL_DIRECTOR_API_API_SERVER_INTERNAL_H
#define LONGHAUL_DIRECTOR_API_API_SERVER_INTERNAL_H

/* What the server and its exchanges share. */

#include "common/base/buffer.h"
#include "director/api/api_call.h"

#include <libwebsockets.h>

#define EXCHANGE_PATH          1024
#define EXCHANGE_AUTHORIZATION 256
#define EXCHANGE_DEADLINE_S    60 /* for each step of a request: body, waiting, reply */
#define SERVER_CONNECTIONS     512

struct api_exchange;

struct api_server {
    struct event_loop *loop;
    struct api_service service;
    struct lws_context *context; /* set to NULL by the library when its last handle is closed */
    struct lws_vhost *vhost;
    struct ssl_ctx_st *tls; /* the vhost's; borrowed */
    char *chain_pem;
    struct secret *key_pem;
    struct event_timer *renewal;
    char address[256], host_name[256];
    unsigned port;
    unsigned connections, max_connections;
    struct api_exchange *waiting; /* handlers that want to be asked again */
};

/* One request on one stream, from its headers to the last byte of its reply. */
struct api_exchange {
    struct api_server *server;
    struct lws *wsi;
    struct api_exchange *next; /* in server->waiting */
    struct api_request request;
    char path[EXCHANGE_PATH];
    char authorization[EXCHANGE_AUTHORIZATION];
    size_t announced; /* Content-Length */
    struct buffer body;
    struct api_call call;
    bool called, waits, close_after, head_only, head_sent;
    uint8_t *out; /* LWS_PRE bytes of room, then the reply */
    size_t out_len, out_at;
};

/* All return what a libwebsockets callback returns: nonzero closes the connection. */

/* A request's headers are there. */
int api_exchange_begin(struct api_server *server, struct lws *wsi, struct api_exchange **exchange);
int api_exchange_body(struct api_exchange *exchange, const void *data, size_t len);
/* The request is complete: call the handler. */
int api_exchange_call(struct api_exchange *exchange);
/* The socket takes bytes. Frees the exchange after its last one. */
int api_exchange_write(struct api_exchange **exchange);
/* At any time. NULL is fine. */
void api_exchange_free(struct api_exchange *exchange);
/* Something happened that a waiting handler may wait for. */
void api_exchange_wake_all(struct api_server *server);

#endif
