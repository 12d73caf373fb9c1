#include "common/net/h2_connection_internal.h"
#include "common/net/net_pool.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* 1: plaintext can be read; 0: not yet, or over. */
static int
finish_handshake(struct h2_connection *c)
{
    struct error err = ERROR_INIT;
    int rc = tls_stream_handshake(c->tls, &err);
    if (rc == 0) {
        h2_connection_write(c);
        return 0;
    }
    if (rc > 0) {
        char address[sizeof(c->peer.address)];
        memcpy(address, c->peer.address, sizeof(address));
        c->peer = *tls_stream_peer(c->tls);
        memcpy(c->peer.address, address, sizeof(address));
        rc = h2_connection_session_start(c, &err) == 0 ? 1 : -1;
    }
    if (rc < 0) {
        h2_connection_fail(c, &err, true);
        return 0;
    }
    if (c->options.events->on_peer != NULL && c->options.events->on_peer(c->options.ctx, &c->peer, &err) != 0) {
        h2_connection_close(c, H2_INADEQUATE_SECURITY, &err);
        return 0;
    }
    return 1;
}

static const char *
closed_when(const struct h2_connection *c)
{
    if (c->state == CONNECTION_HANDSHAKE)
        return " during the TLS handshake";
    if (c->state == CONNECTION_OPENING && !c->options.server)
        return " right after the TLS handshake: it may not accept our certificate";
    return "";
}

/* As many records as there are and as fit: what is above works in large pieces. Bytes in plain; -1 or *ended may
 * come with some all the same. */
static int
read_records(struct h2_connection *c, uint8_t *plain, size_t *len, bool *ended, struct error *err)
{
    size_t size = *len;
    int n = 1;
    *len = 0;
    *ended = false;
    while (n > 0 && size - *len >= TLS_STREAM_RECORD) {
        n = tls_stream_read(c->tls, plain + *len, size - *len, ended, err);
        if (n > 0)
            *len += (size_t)n;
    }
    return n;
}

static void
connection_receive(struct h2_connection *c, const uint8_t *data, size_t len)
{
    struct error err = ERROR_INIT;
    int n = 1;
    c->heard = true;
    tls_stream_feed(c->tls, data, len);
    if (c->state == CONNECTION_HANDSHAKE && finish_handshake(c) != 1)
        return;
    while (n > 0 && c->state < CONNECTION_LINGERING && !c->close_wanted) {
        bool ended;
        size_t plain_len;
        uint8_t *plain = net_pool_plain_buffer(c->options.pool, &plain_len);
        n = read_records(c, plain, &plain_len, &ended, &err);
        c->in_event = true;
        if (plain_len > 0 && h2_session_receive(c->session, plain, plain_len, &err) != 0)
            n = -1;
        c->in_event = false;
        if (ended && n == 0)
            n = FAIL(&err, ERROR_NETWORK, 0, "the peer closed the connection%s", closed_when(c));
        if (n < 0) {
            h2_connection_fail(c, c->close_wanted && error_is_set(&c->close_reason) ? &c->close_reason : &err, true);
            return;
        }
    }
    if (c->state < CONNECTION_LINGERING)
        h2_connection_pump(c);
}

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    const struct h2_connection *c = handle->data;
    size_t len;

    (void)suggested;
    uint8_t *buffer = net_pool_read_buffer(c->options.pool, &len);
    *buf = uv_buf_init((char *)buffer, (unsigned)len);
}

static void
on_read(uv_stream_t *tcp, ssize_t n, const uv_buf_t *buf)
{
    struct h2_connection *c = tcp->data;

    if (c->state == CONNECTION_CLOSING || n == 0)
        return;
    if (n > 0) {
        if (c->state != CONNECTION_LINGERING)
            connection_receive(c, (const uint8_t *)buf->base, (size_t)n);
        return;
    }
    struct error err = ERROR_INIT;
    if (n == UV_EOF)
        FAIL(&err, ERROR_NETWORK, 0, "the peer closed the connection%s", closed_when(c));
    else
        FAIL(&err, ERROR_NETWORK, (int)n, "the connection broke: %s", uv_strerror((int)n));
    h2_connection_fail(c, &err, false);
    h2_connection_destroy(c);
}

static void
read_address(struct h2_connection *c)
{
    struct sockaddr_storage address;
    int len = sizeof(address);
    char text[INET6_ADDRSTRLEN] = "";
    if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&address, &len) != 0)
        return;
    unsigned port = 0;
    if (address.ss_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, &address, sizeof(in6));
        uv_ip6_name(&in6, text, sizeof(text));
        port = ntohs(in6.sin6_port);
        snprintf(c->peer.address, sizeof(c->peer.address), "[%s]:%u", text, port);
    } else {
        struct sockaddr_in in4;
        memcpy(&in4, &address, sizeof(in4));
        uv_ip4_name(&in4, text, sizeof(text));
        port = ntohs(in4.sin_port);
        snprintf(c->peer.address, sizeof(c->peer.address), "%s:%u", text, port);
    }
}

int
h2_connection_input_start(struct h2_connection *c, struct error *err)
{
    struct tls_stream_options options = {
        .context = c->tls_context, .pool = c->options.pool, .host = c->host, .expected_node = c->expected_node
    };
    uv_tcp_nodelay(&c->tcp, 1);
    read_address(c);
    c->tls = tls_stream_new(&options, err);
    if (c->tls == NULL)
        return -1;
    c->state = CONNECTION_HANDSHAKE;
    int rc = uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
    if (rc != 0)
        return FAIL(err, ERROR_NETWORK, rc, "cannot read from the socket: %s", uv_strerror(rc));
    if (!c->options.server && tls_stream_handshake(c->tls, err) < 0)
        return -1;
    h2_connection_write(c);
    return 0;
}
