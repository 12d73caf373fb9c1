#include "tests/m365sim/http_server.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/m365sim/files.h"
#include "tests/m365sim/reply.h"
#include "tests/m365sim/request.h"
#include "tests/m365sim/service.h"
#include "tests/m365sim/sim.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS     2000
#define CONNECTION_POOL (64u << 10)
#define THREAD_STACK    (512u << 10)
#define IDLE_SECONDS    120u
#define BODY_BLOCK      (128u << 10)
#define SMALL_FILE      (64u << 10)
#define PEM_CEILING     (1u << 20)

struct http_server {
    struct sim *sim;
    struct MHD_Daemon *daemon;
    uint16_t port;
    char *certificate, *key;
};

/* One request on its way, made by the URI callback. */
struct exchange {
    char *url;
    struct request request;
    struct error bad;
    bool started;
};

/* A body handed out piece by piece. */
struct source {
    int fd;
    char *data;
    uint64_t offset, length, cut_after;
    bool spoil;
};

static void *on_uri(void *ctx, const char *uri, struct MHD_Connection *connection);
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *data, size_t *data_size, void **state);
static void on_completed(void *ctx, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode why);
static enum MHD_Result on_header(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value);
static ssize_t on_body_wanted(void *ctx, uint64_t at, char *out, size_t max);
static void on_source_done(void *ctx);

static void *
on_uri(void *ctx, const char *uri, struct MHD_Connection *connection)
{
    (void)ctx;
    (void)connection;
    struct exchange *e = MEMORY_NEW(struct exchange);
    e->url = memory_strdup(uri);
    return e;
}

static enum MHD_Result
on_header(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct request *r = ctx;
    (void)kind;
    if (r->header_count < REQUEST_HEADERS)
        r->headers[r->header_count++] = (struct request_pair){ name, value != NULL ? value : "" };
    return MHD_YES;
}

static ssize_t
on_body_wanted(void *ctx, uint64_t at, char *out, size_t max)
{
    struct source *s = ctx;
    if (at >= s->cut_after)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    uint64_t left = (s->length < s->cut_after ? s->length : s->cut_after) - at;
    size_t want = left < max ? (size_t)left : max;
    ssize_t n = (ssize_t)want;
    if (s->data != NULL)
        memcpy(out, s->data + at, want);
    else
        n = pread(s->fd, out, want, (off_t)(s->offset + at));
    if (n <= 0)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (s->spoil && at == 0)
        out[0] = (char)(out[0] ^ 0x55);
    return n;
}

static void
on_source_done(void *ctx)
{
    struct source *s = ctx;
    if (s->fd >= 0)
        close(s->fd);
    free(s->data);
    free(s);
}

static struct MHD_Response *
streamed_response(struct reply *reply)
{
    struct source *s = MEMORY_NEW(struct source);
    s->fd = reply->fd;
    s->data = reply->data;
    s->offset = reply->offset;
    s->length = reply->fd >= 0 ? reply->length : reply->len;
    s->cut_after = reply->cut_after;
    s->spoil = reply->spoil;
    reply->fd = -1;
    reply->data = NULL;
    return MHD_create_response_from_callback(s->length, BODY_BLOCK, on_body_wanted, s, on_source_done);
}

static struct MHD_Response *
make_response(struct reply *reply)
{
    if (reply->json != NULL) {
        reply->data = json_dumps(reply->json, JSON_COMPACT);
        reply->len = reply->data != NULL ? strlen(reply->data) : 0;
    }
    if (reply->cut_after != UINT64_MAX || reply->spoil || (reply->fd >= 0 && reply->length > SMALL_FILE))
        return streamed_response(reply);
    if (reply->fd >= 0) {
        reply->data = memory_new(SMALL_FILE + 1);
        ssize_t n = pread(reply->fd, reply->data, reply->length, (off_t)reply->offset);
        reply->len = n > 0 ? (size_t)n : 0;
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer(reply->len, reply->data != NULL ? reply->data : (void *)(uintptr_t) "",
                                        reply->data != NULL ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    reply->data = NULL;
    return response;
}

static enum MHD_Result
send_reply(struct MHD_Connection *connection, struct reply *reply)
{
    struct MHD_Response *response = make_response(reply);
    if (response == NULL)
        return MHD_NO;
    for (size_t i = 0; i < reply->header_count; i++)
        MHD_add_response_header(response, reply->headers[i].name, reply->headers[i].value);
    MHD_add_response_header(response, "request-id", reply->request_id);
    MHD_add_response_header(response, "client-request-id", reply->client_request_id);
    enum MHD_Result result = MHD_queue_response(connection, reply->status, response);
    MHD_destroy_response(response);
    return result;
}

static void
begin_request(struct http_server *server, struct exchange *e, struct MHD_Connection *connection, const char *method)
{
    e->started = true;
    request_init(&e->request, server->sim, method, e->url, &e->bad);
    MHD_get_connection_values(connection, MHD_HEADER_KIND, on_header, &e->request);
    request_set_base(&e->request, request_header(&e->request, "Host"));
}

static enum MHD_Result
on_request(void *ctx, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
           const char *data, size_t *data_size, void **state)
{
    struct http_server *server = ctx;
    struct exchange *e = *state;
    struct reply reply;
    (void)url;
    (void)version;
    if (!e->started) {
        begin_request(server, e, connection, method);
        return MHD_YES;
    }
    if (*data_size > 0) {
        if (!error_is_set(&e->bad))
            body_append(&e->request.body, data, *data_size, &e->bad);
        *data_size = 0;
        return MHD_YES;
    }
    reply_init(&reply, server->sim->clock, request_header(&e->request, "client-request-id"));
    if (error_is_set(&e->bad))
        reply_error(&reply, e->bad.kind == ERROR_LIMIT ? 413 : 400, "BadRequest", e->bad.text, NULL);
    else
        service_handle(&e->request, &reply);
    enum MHD_Result result = send_reply(connection, &reply);
    reply_clear(&reply);
    return result;
}

static void
on_completed(void *ctx, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode why)
{
    struct exchange *e = *state;
    (void)ctx;
    (void)connection;
    (void)why;
    if (e == NULL)
        return;
    if (e->started)
        request_clear(&e->request);
    free(e->url);
    free(e);
    *state = NULL;
}

static int
listen_on(const char *where, uint16_t *port, struct error *err)
{
    const char *colon = strrchr(where, ':');
    if (colon == NULL)
        return FAIL(err, ERROR_USAGE, 0, "--listen %s: wants HOST:PORT", where);
    CLEANUP(memory_free_p) char *host = memory_printf("%.*s", (int)(colon - where), where);
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *found = NULL;
    int gai = getaddrinfo(host, colon + 1, &hints, &found);
    if (gai != 0)
        return FAIL(err, ERROR_USAGE, 0, "--listen %s: %s", where, gai_strerror(gai));
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_storage bound;
    socklen_t len = sizeof(bound);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, 512) != 0 ||
        getsockname(fd, (struct sockaddr *)&bound, &len) != 0) {
        FAIL(err, ERROR_CONFIG, errno, "listen on %s: %s", where, strerror(errno));
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    if (fd >= 0)
        *port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                                  : ((struct sockaddr_in *)&bound)->sin_port);
    return fd;
}

struct http_server *
http_server_open(struct sim *sim, struct error *err)
{
    struct http_server *server = MEMORY_NEW(struct http_server);
    size_t len;
    server->sim = sim;
    server->certificate = files_read(sim->options.certificate, PEM_CEILING, &len, err);
    server->key = server->certificate == NULL ? NULL : files_read(sim->options.key, PEM_CEILING, &len, err);
    int fd = server->key == NULL ? -1 : listen_on(sim->options.listen, &server->port, err);
    if (fd < 0) {
        http_server_close(server);
        return NULL;
    }
    server->daemon = MHD_start_daemon(
        MHD_USE_TLS | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL, 0, NULL, NULL,
        on_request, server, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_HTTPS_MEM_CERT, server->certificate,
        MHD_OPTION_HTTPS_MEM_KEY, server->key, MHD_OPTION_HTTPS_PRIORITIES, "NORMAL:-VERS-TLS1.0:-VERS-TLS1.1",
        MHD_OPTION_URI_LOG_CALLBACK, on_uri, server, MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_POOL,
        MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS, MHD_OPTION_THREAD_STACK_SIZE, (size_t)THREAD_STACK,
        MHD_OPTION_END);
    if (server->daemon == NULL) {
        FAIL(err, ERROR_CONFIG, 0, "the HTTPS server does not start: check %s and %s", sim->options.certificate,
             sim->options.key);
        close(fd);
        http_server_close(server);
        return NULL;
    }
    return server;
}

void
http_server_close(struct http_server *server)
{
    if (server == NULL)
        return;
    if (server->daemon != NULL)
        MHD_stop_daemon(server->daemon);
    free(server->certificate);
    free(server->key);
    free(server);
}

uint16_t
http_server_port(const struct http_server *server)
{
    return server->port;
}
