#include "director/api/api_server.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/loop/event_loop.h"
#include "director/api/api_queries.h"
#include "director/api/api_routes.h"
#include "director/api/api_server_internal.h"
#include "director/director.h"
#include "director/enrolment/authority.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#define RENEWAL_CHECK_MS ((uint64_t)3600 * 1000)
/* More than the largest TLS record (RFC 8446, 5.1: 16 KiB): the library reads a record at once, so that no rest of it
 * stays inside OpenSSL, where no poll on the socket would find it. */
#define RECORD_ROOM (20U << 10)

struct session {
    struct api_exchange *exchange;
};

static void
on_library_log(int level, const char *line)
{
    int len = (int)strcspn(line, "\n");

    log_write(level == LLL_ERR ? LOG_WARN : LOG_DEBUG, "api", "%.*s", len, line);
}

static int
use_chain(SSL_CTX *tls, const char *chain_pem)
{
    BIO *bio = BIO_new_mem_buf(chain_pem, -1);
    X509 *certificate;
    int count = 0, good = 1;

    SSL_CTX_clear_chain_certs(tls);
    while (good && (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        good =
            count++ == 0 ? SSL_CTX_use_certificate(tls, certificate) : (int)SSL_CTX_add1_chain_cert(tls, certificate);
        X509_free(certificate);
    }
    ERR_clear_error(); /* the end of the text is reported as an error */
    BIO_free(bio);
    return good && count > 0 ? 0 : -1;
}

static int
use_key(SSL_CTX *tls, const struct secret *key_pem)
{
    BIO *bio = BIO_new_mem_buf(secret_bytes(key_pem), (int)secret_len(key_pem));
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    int good = key != NULL && SSL_CTX_use_PrivateKey(tls, key) == 1;

    EVP_PKEY_free(key);
    BIO_free(bio);
    return good ? 0 : -1;
}

/* Running connections keep what they began with. */
static int
certificate_issue_own(struct api_server *server, struct error *err)
{
    const char *names[] = { "localhost", "127.0.0.1", "::1", server->host_name };
    size_t count = ARRAY_LEN(names) - (server->host_name[0] == '\0');
    char *chain_pem = NULL;
    struct secret *key_pem = NULL;

    if (authority_issue_server(director_authority(server->service.director), names, count, &chain_pem, &key_pem, err) !=
        0)
        return error_wrap(err, "certificate of the API");
    free(server->chain_pem);
    secret_free(server->key_pem);
    server->chain_pem = chain_pem;
    server->key_pem = key_pem;
    return 0;
}

static int
certificate_use(struct api_server *server, struct error *err)
{
    if (use_chain(server->tls, server->chain_pem) != 0 || use_key(server->tls, server->key_pem) != 0)
        return FAIL(err, ERROR_INTERNAL, (int)ERR_get_error(), "the API's certificate and key do not fit");
    return 0;
}

static void
on_timer_renewal(void *ctx)
{
    struct api_server *server = ctx;
    struct certificate_info info;
    struct error err = ERROR_INIT;
    int64_t now = clock_wall_ms(server->service.clock);

    if (certificate_inspect(server->chain_pem, &info, &err) == 0 &&
        now < info.not_before_ms + (info.not_after_ms - info.not_before_ms) / 3 * 2)
        return;
    error_clear(&err);
    if (certificate_issue_own(server, &err) != 0 || certificate_use(server, &err) != 0)
        log_failure(LOG_ERROR, "api", &err, "the API's certificate could not be renewed");
    else
        log_info("api", "renewed the API's certificate");
}

static int
on_tls_setup(struct lws *wsi, SSL_CTX *tls)
{
    struct api_server *server = lws_context_user(lws_get_context(wsi));
    struct error err = ERROR_INIT;

    server->tls = tls;
    SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(tls, 0);
    SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_cipher_list(tls, "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL");
    if (certificate_use(server, &err) != 0) {
        log_failure(LOG_ERROR, "api", &err, "TLS set-up");
        return -1;
    }
    return 0;
}

static int
on_connection(const struct api_server *server)
{
    if (server->connections < server->max_connections)
        return 0;
    log_warn("api", "connection refused limit=%u", server->max_connections);
    return -1;
}

static void
log_tls(struct lws *wsi)
{
    SSL *ssl = lws_get_ssl(lws_get_network_wsi(wsi));

    if (ssl != NULL)
        log_debug("api", "request over version=%s suite=%s", SSL_get_version(ssl), SSL_get_cipher_name(ssl));
}

static void
session_end(struct session *session)
{
    if (session == NULL)
        return;
    api_exchange_free(session->exchange);
    session->exchange = NULL;
}

static int
on_request(struct lws *wsi, struct api_server *server, struct session *session)
{
    session_end(session);
    log_tls(wsi);
    return api_exchange_begin(server, wsi, &session->exchange);
}

static int
on_library_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct session *session = user;
    struct lws_context *context = wsi == NULL ? NULL : lws_get_context(wsi);
    struct api_server *server = context == NULL ? NULL : lws_context_user(context);
    struct api_exchange *exchange = session == NULL ? NULL : session->exchange;

    switch (reason) { /* a library's enum: the many other reasons are not ours */
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
        return on_tls_setup(wsi, user);
    case LWS_CALLBACK_FILTER_NETWORK_CONNECTION:
        return server == NULL ? 0 : on_connection(server);
    case LWS_CALLBACK_WSI_CREATE: /* for accepted sockets only, while DESTROY comes for streams too */
        lws_set_opaque_parent_data(wsi, server);
        if (server != NULL)
            server->connections++;
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        if (server != NULL && lws_get_opaque_parent_data(wsi) == server)
            server->connections--;
        return 0;
    case LWS_CALLBACK_HTTP:
        return on_request(wsi, server, session);
    case LWS_CALLBACK_HTTP_BODY:
        return exchange == NULL ? 0 : api_exchange_body(exchange, in, len);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return exchange == NULL || exchange->called ? 0 : api_exchange_call(exchange);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return exchange == NULL ? 0 : api_exchange_write(&session->exchange);
    case LWS_CALLBACK_TIMER:
        return exchange == NULL || !exchange->waits ? 0 : api_exchange_call(exchange);
    case LWS_CALLBACK_CLOSED_HTTP:
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
        session_end(session);
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    { .name = "http", .callback = on_library_event, .per_session_data_size = sizeof(struct session) },
    { .name = NULL },
};

static void
on_queries_changed(void *ctx)
{
    api_exchange_wake_all(ctx);
}

/* "host:port", "[address]:port". */
static int
split_address(const char *text, char host[256], unsigned *port, struct error *err)
{
    const char *colon = strrchr(text, ':');
    char *end;

    if (colon == NULL || colon == text || colon - text > 255)
        return FAIL(err, ERROR_CONFIG, 0, "\"%s\" is not host:port", text);
    unsigned long number = strtoul(colon + 1, &end, 10);
    if (colon[1] < '0' || colon[1] > '9' || *end != '\0' || number > 65535)
        return FAIL(err, ERROR_CONFIG, 0, "\"%s\" is not host:port", text);
    size_t len = (size_t)(colon - text);
    bool bracketed = text[0] == '[' && text[len - 1] == ']';
    if (bracketed) {
        text++;
        len -= 2;
    }
    memcpy(host, text, len);
    host[len] = '\0';
    *port = (unsigned)number;
    return 0;
}

static int
listen_open(struct api_server *server, struct error *err)
{
    void *loops[] = { event_loop_uv(server->loop) };
    bool any = strcmp(server->address, "0.0.0.0") == 0 || strcmp(server->address, "::") == 0;
    struct lws_context_creation_info info = {
        .port = (int)server->port,
        .iface = any ? NULL : server->address,
        .protocols = protocols,
        .user = server,
        .foreign_loops = loops,
        .pcontext = &server->context,
        .server_string = "longhaul",
        .alpn = "http/1.1", /* uploads over its HTTP/2 stall now and then (libwebsockets 4.1.6) */
        .pt_serv_buf_size = RECORD_ROOM,
        .max_http_header_data = 8192,
        .max_http_header_pool = (unsigned short)server->max_connections,
        .timeout_secs = 20,
        .keepalive_timeout = 75,
        .gid = -1,
        .uid = -1,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
                   LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND,
    };

    if (strchr(server->address, ':') == NULL)
        info.options |= LWS_SERVER_OPTION_DISABLE_IPV6;
    lws_set_log_level(LLL_ERR | LLL_WARN, on_library_log);
    server->context = lws_create_context(&info);
    if (server->context == NULL)
        return FAIL(err, ERROR_INTERNAL, 0, "the HTTP library does not start; is libwebsockets-evlib-uv installed?");
    server->vhost = lws_create_vhost(server->context, &info);
    if (server->vhost == NULL)
        return FAIL(err, ERROR_CONFIG, 0, "the API cannot listen on %s port %u (api.listen); is it in use?",
                    server->address, server->port);
    server->port = (unsigned)lws_get_vhost_listen_port(server->vhost);
    return 0;
}

struct api_server *
api_server_new(struct event_loop *loop, struct director *director, const struct api_server_options *options,
               struct error *err)
{
    struct api_server *server = MEMORY_NEW(struct api_server);
    unsigned unused;

    server->loop = loop;
    server->max_connections = options->max_connections != 0 ? options->max_connections : SERVER_CONNECTIONS;
    server->service.director = director;
    server->service.store = director_store(director);
    server->service.clock = director_clock(director);
    server->service.routes = api_routes;
    server->service.route_count = api_route_count;
    server->service.queries = api_queries_new(director, on_queries_changed, server);
    bool advertised = options->advertise != NULL && options->advertise[0] != '\0';
    if (split_address(options->listen, server->address, &server->port, err) != 0 ||
        (advertised && split_address(options->advertise, server->host_name, &unused, err) != 0) ||
        certificate_issue_own(server, err) != 0 || listen_open(server, err) != 0) {
        api_server_free(server);
        return NULL;
    }
    server->renewal = event_timer_new(loop, on_timer_renewal, server);
    event_timer_start(server->renewal, RENEWAL_CHECK_MS, RENEWAL_CHECK_MS);
    log_info("api", "listening address=%s port=%u ca_fingerprint=%s", server->address, server->port,
             authority_fingerprint(director_authority(director)));
    return server;
}

uint16_t
api_server_port(const struct api_server *server)
{
    return (uint16_t)server->port;
}

static void
on_walk_closing(uv_handle_t *handle, void *ctx)
{
    if (uv_is_closing(handle))
        *(bool *)ctx = true;
}

/* On a loop that is not its own the library takes two calls: the first closes its handles, the second, when the loop
 * has seen them closed, frees the rest and sets server->context to NULL. */
static void
library_close(struct api_server *server)
{
    uv_loop_t *loop = event_loop_uv(server->loop);

    lws_context_destroy(server->context);
    while (server->context != NULL) {
        bool closing = false;
        uv_run(loop, UV_RUN_NOWAIT);
        uv_walk(loop, on_walk_closing, &closing);
        if (!closing && server->context != NULL)
            lws_context_destroy(server->context);
    }
}

void
api_server_free(struct api_server *server)
{
    if (server == NULL)
        return;
    if (server->renewal != NULL)
        event_timer_free(server->renewal);
    if (server->context != NULL)
        library_close(server);
    api_queries_free(server->service.queries);
    free(server->chain_pem);
    secret_free(server->key_pem);
    free(server);
}
