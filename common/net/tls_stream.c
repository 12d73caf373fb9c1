#include "common/net/tls_stream.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/net/net_pool.h"
#include "common/net/tls_context_internal.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tls_stream {
    struct tls_context *context;
    struct net_pool *pool;
    SSL *ssl;
    char *expected_node;
    int offered; /* the highest version that the peer offered */
    bool done, failed;
    struct tls_peer peer;
    const uint8_t *input;
    size_t input_len;
    struct net_chunk *out, *out_last;
    size_t pending;
    uint8_t *stage; /* plaintext that does not fill a record yet */
    size_t staged;
};

static void
append_output(struct tls_stream *stream, const uint8_t *data, size_t len)
{
    stream->pending += len;
    while (len > 0) {
        struct net_chunk *last = stream->out_last;
        if (last == NULL || last->len == last->capacity) {
            struct net_chunk *chunk = net_pool_take(stream->pool, last != NULL || len > 1024);
            if (last == NULL)
                stream->out = chunk;
            else
                last->next = chunk;
            stream->out_last = last = chunk;
        }
        size_t room = last->capacity - last->len;
        size_t n = len < room ? len : room;
        memcpy(last->bytes + last->len, data, n);
        last->len += n;
        data += n;
        len -= n;
    }
}

static int
on_bio_write(BIO *bio, const char *data, int len)
{
    if (len <= 0)
        return 0;
    append_output(BIO_get_data(bio), (const uint8_t *)data, (size_t)len);
    return len;
}

static int
on_bio_read(BIO *bio, char *out, int size)
{
    struct tls_stream *stream = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    if (size <= 0)
        return 0;
    if (stream->input_len == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t n = (size_t)size < stream->input_len ? (size_t)size : stream->input_len;
    memcpy(out, stream->input, n);
    stream->input += n;
    stream->input_len -= n;
    return (int)n;
}

static long
on_bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *bio_method;

static void
make_bio_method(void)
{
    bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "longhaul bytes");
    if (bio_method == NULL)
        abort();
    BIO_meth_set_write(bio_method, on_bio_write);
    BIO_meth_set_read(bio_method, on_bio_read);
    BIO_meth_set_ctrl(bio_method, on_bio_ctrl);
}

static BIO *
bio_new(struct tls_stream *stream)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_bio_method);
    BIO *bio = BIO_new(bio_method);
    if (bio == NULL)
        abort();
    BIO_set_data(bio, stream);
    BIO_set_init(bio, 1);
    return bio;
}

/* Remember what the peer offers, for the text when that is too old. RFC 8446, sections 4.1.2, 4.1.3 and 4.2.1. */
static void
on_message(int outgoing, int version, int content_type, const void *data, size_t len, SSL *ssl, void *ctx)
{
    struct tls_stream *stream = ctx;
    const uint8_t *p = data;

    (void)version;
    (void)ssl;
    if (outgoing || content_type != SSL3_RT_HANDSHAKE || len < 6)
        return;
    if (p[0] == SSL3_MT_SERVER_HELLO || p[0] == SSL3_MT_CLIENT_HELLO)
        stream->offered = p[4] << 8 | p[5];
}

static int
set_client_names(struct tls_stream *stream, const char *host, struct error *err)
{
    uint8_t address[sizeof(struct in6_addr)];
    bool literal = inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
    int ok = 1;
    if (!literal)
        ok = (int)SSL_ctrl(stream->ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                           (void *)(uintptr_t)host);
    if (ok == 1 && stream->context->check_host_name) {
        X509_VERIFY_PARAM *param = SSL_get0_param(stream->ssl);
        ok = literal ? X509_VERIFY_PARAM_set1_ip_asc(param, host) : SSL_set1_host(stream->ssl, host);
    }
    if (ok != 1)
        return FAIL(err, ERROR_CONFIG, 0, "\"%s\" is not usable as a host name: %s", host, tls_failure_reason());
    return 0;
}

struct tls_stream *
tls_stream_new(const struct tls_stream_options *options, struct error *err)
{
    struct tls_stream *stream = MEMORY_NEW(struct tls_stream);
    stream->context = tls_context_retain(options->context);
    stream->pool = options->pool;
    SSL_CTX *ctx = tls_context_ssl(options->context);
    stream->ssl = SSL_new(ctx);
    SSL_CTX_free(ctx);
    if (stream->ssl == NULL)
        abort();
    BIO *bio = bio_new(stream);
    SSL_set_bio(stream->ssl, bio, bio);
    SSL_set_msg_callback(stream->ssl, on_message);
    SSL_set_msg_callback_arg(stream->ssl, stream);
    if (options->expected_node != NULL)
        stream->expected_node = memory_strdup(options->expected_node);
    if (stream->context->server) {
        SSL_set_accept_state(stream->ssl);
    } else {
        SSL_set_connect_state(stream->ssl);
        if (options->host != NULL && set_client_names(stream, options->host, err) != 0) {
            tls_stream_free(stream);
            return NULL;
        }
    }
    return stream;
}

void
tls_stream_free(struct tls_stream *stream)
{
    if (stream == NULL)
        return;
    SSL_free(stream->ssl);
    for (struct net_chunk *chunk = tls_stream_take(stream), *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        net_pool_give(stream->pool, chunk);
    }
    tls_context_free(stream->context);
    free(stream->expected_node);
    free(stream->stage);
    free(stream);
}

void
tls_stream_feed(struct tls_stream *stream, const uint8_t *data, size_t len)
{
    stream->input = data;
    stream->input_len = len;
}

static int
check_node(struct tls_stream *stream, struct error *err)
{
    const struct tls_peer *peer = &stream->peer;
    if (stream->expected_node != NULL && strcmp(peer->node_id, stream->expected_node) != 0)
        return FAIL(err, ERROR_UNAUTHENTICATED, 0, "the peer is node \"%s\", expected was \"%s\"",
                    peer->node_id[0] != '\0' ? peer->node_id : "(none)", stream->expected_node);
    return 0;
}

static int
read_peer(struct tls_stream *stream, struct error *err)
{
    SSL *ssl = stream->ssl;
    struct tls_peer *peer = &stream->peer;
    const unsigned char *alpn = NULL;
    unsigned alpn_len = 0;
    SSL_get0_alpn_selected(ssl, &alpn, &alpn_len);
    if (alpn_len != 2 || memcmp(alpn, "h2", 2) != 0)
        return FAIL(err, ERROR_UNSUPPORTED, 0, "the peer does not speak HTTP/2 on this port");
    snprintf(peer->version, sizeof(peer->version), "%s", SSL_get_version(ssl));
    snprintf(peer->suite, sizeof(peer->suite), "%s", SSL_CIPHER_get_name(SSL_get_current_cipher(ssl)));
    const char *group = SSL_group_to_name(ssl, (int)SSL_get_negotiated_group(ssl));
    snprintf(peer->group, sizeof(peer->group), "%s", group != NULL ? group : "");
    X509 *certificate = SSL_get0_peer_certificate(ssl);
    if (certificate != NULL) {
        if (tls_identity_read(certificate, peer, err) != 0)
            return -1;
        if (stream->context->server && peer->node_id[0] == '\0')
            return FAIL(err, ERROR_UNAUTHENTICATED, 0, "the peer's certificate names no node");
    }
    return check_node(stream, err);
}

int
tls_stream_handshake(struct tls_stream *stream, struct error *err)
{
    if (stream->done)
        return 1;
    if (stream->failed)
        return FAIL(err, ERROR_NETWORK, 0, "the TLS handshake has failed");
    ERR_clear_error();
    int rc = SSL_do_handshake(stream->ssl);
    if (rc != 1 && SSL_get_error(stream->ssl, rc) == SSL_ERROR_WANT_READ)
        return 0;
    if (rc != 1) {
        stream->failed = true;
        return tls_failure_set(stream->ssl, stream->context, stream->offered, err);
    }
    if (read_peer(stream, err) != 0) {
        stream->failed = true;
        return -1;
    }
    SSL_set_msg_callback(stream->ssl, NULL);
    stream->done = true;
    return 1;
}

int
tls_stream_read(struct tls_stream *stream, uint8_t *out, size_t size, bool *ended, struct error *err)
{
    *ended = false;
    ERR_clear_error();
    int n = SSL_read(stream->ssl, out, (int)size);
    if (n > 0)
        return n;
    switch (SSL_get_error(stream->ssl, n)) {
    case SSL_ERROR_WANT_READ:
        return 0;
    case SSL_ERROR_ZERO_RETURN:
        *ended = true;
        return 0;
    default:
        stream->failed = true;
        return tls_failure_set(stream->ssl, stream->context, stream->offered, err);
    }
}

static int
write_records(struct tls_stream *stream, const uint8_t *data, size_t len, struct error *err)
{
    ERR_clear_error();
    size_t written = 0;
    if (SSL_write_ex(stream->ssl, data, len, &written) != 1 || written != len) {
        stream->failed = true;
        return tls_failure_set(stream->ssl, stream->context, stream->offered, err);
    }
    return 0;
}

int
tls_stream_write(struct tls_stream *stream, const uint8_t *data, size_t len, struct error *err)
{
    if (stream->failed)
        return FAIL(err, ERROR_NETWORK, 0, "the TLS connection has failed");
    while (len > 0) {
        if (stream->staged == 0 && len >= TLS_STREAM_RECORD) {
            size_t whole = len - len % TLS_STREAM_RECORD;
            if (write_records(stream, data, whole, err) != 0)
                return -1;
            data += whole;
            len -= whole;
            continue;
        }
        if (stream->stage == NULL)
            stream->stage = memory_new(TLS_STREAM_RECORD);
        size_t n = TLS_STREAM_RECORD - stream->staged < len ? TLS_STREAM_RECORD - stream->staged : len;
        memcpy(stream->stage + stream->staged, data, n);
        stream->staged += n;
        data += n;
        len -= n;
        if (stream->staged == TLS_STREAM_RECORD && tls_stream_flush(stream, err) != 0)
            return -1;
    }
    return 0;
}

int
tls_stream_flush(struct tls_stream *stream, struct error *err)
{
    if (stream->staged == 0)
        return 0;
    size_t len = stream->staged;
    stream->staged = 0;
    return write_records(stream, stream->stage, len, err);
}

void
tls_stream_end(struct tls_stream *stream)
{
    if (!stream->done || stream->failed)
        return;
    ERR_clear_error();
    (void)SSL_shutdown(stream->ssl);
    ERR_clear_error();
}

size_t
tls_stream_pending(const struct tls_stream *stream)
{
    return stream->pending;
}

struct net_chunk *
tls_stream_take(struct tls_stream *stream)
{
    struct net_chunk *list = stream->out;
    stream->out = stream->out_last = NULL;
    stream->pending = 0;
    return list;
}

const struct tls_peer *
tls_stream_peer(const struct tls_stream *stream)
{
    return &stream->peer;
}
