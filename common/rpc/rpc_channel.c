#include "common/rpc/rpc_channel.h"

#include "common/base/encoding.h"
#include "common/base/memory.h"
#include "common/loop/event_loop.h"
#include "common/net/h2_connection.h"
#include "common/net/net_pool.h"
#include "common/rpc/rpc_call_internal.h"
#include "common/rpc/rpc_status.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_MS   10000
#define KEEPALIVE_MS 20000
#define ADDRESSES    8 /* of one name that are tried */

struct channel_link {
    struct rpc_channel *channel;
    struct h2_connection *connection;
    struct channel_link *next;
};

struct rpc_channel {
    unsigned refs; /* the loop's: the handle, each connection, a name that is being looked up */
    struct event_loop *loop;
    struct net_pool *pool;
    struct tls_context *tls;
    char *host, *expected_node;
    uint16_t port;
    uint32_t connect_ms, keepalive_ms;
    bool closing;
    struct channel_link *links;   /* every connection, the old ones that still have calls too */
    struct channel_link *current; /* for new calls: connecting or ready */
    bool ready;                   /* current is */
    bool looking_up;
    uv_getaddrinfo_t lookup;
    struct sockaddr_storage addresses[ADDRESSES];
    size_t address_count, address_next;
    struct event_timer *timer; /* for the whole of a connection attempt */
    struct rpc_call *waiting, **waiting_tail;
};

static void try_next_address(struct rpc_channel *channel, const struct error *last);

static void
channel_release(struct rpc_channel *channel)
{
    if (--channel->refs > 0)
        return;
    net_pool_free(channel->pool);
    tls_context_free(channel->tls);
    free(channel->host);
    free(channel->expected_node);
    free(channel);
}

static void
call_opened(struct rpc_call *call, const struct error *err)
{
    pthread_mutex_lock(&call->lock);
    call->opened = true;
    if (err != NULL)
        rpc_call_loop_over(call, err, true);
    pthread_cond_broadcast(&call->changed);
    pthread_mutex_unlock(&call->lock);
    rpc_call_release(call);
}

static void
fail_waiting(struct rpc_channel *channel, const struct error *reason)
{
    struct error err = *reason;
    if (strchr(channel->host, ':') != NULL)
        error_wrap(&err, "[%s]:%u", channel->host, channel->port);
    else
        error_wrap(&err, "%s:%u", channel->host, channel->port);
    struct rpc_call *call = channel->waiting;
    channel->waiting = NULL;
    channel->waiting_tail = &channel->waiting;
    while (call != NULL) {
        struct rpc_call *next = call->next;
        call_opened(call, &err);
        call = next;
    }
}

static void
start_call(struct rpc_channel *channel, struct rpc_call *call)
{
    struct error err = ERROR_INIT;
    struct h2_connection *connection = channel->current->connection;
    pthread_mutex_lock(&call->lock);
    bool over = call->over;
    pthread_mutex_unlock(&call->lock);
    struct h2_stream *stream = NULL;
    if (!over)
        stream = h2_session_request(h2_connection_session(connection), &call->request, NULL, &err);
    if (stream != NULL) {
        rpc_call_loop_bind(call, connection, stream);
        h2_connection_flush(connection);
    }
    call_opened(call, stream == NULL ? &err : NULL);
}

static void
on_connection_ready(void *ctx)
{
    struct channel_link *link = ctx;
    struct rpc_channel *channel = link->channel;

    if (channel->current != link)
        return;
    channel->ready = true;
    event_timer_stop(channel->timer);
    struct rpc_call *call = channel->waiting;
    channel->waiting = NULL;
    channel->waiting_tail = &channel->waiting;
    while (call != NULL) {
        struct rpc_call *next = call->next;
        start_call(channel, call);
        call = next;
    }
}

static void
on_connection_goaway(void *ctx)
{
    struct channel_link *link = ctx;
    struct rpc_channel *channel = link->channel;

    if (channel->current == link && channel->ready) {
        channel->current = NULL;
        channel->ready = false;
    }
    h2_connection_close_when_idle(link->connection);
}

static void
on_connection_closed(void *ctx, const struct error *reason)
{
    struct channel_link *link = ctx;
    struct rpc_channel *channel = link->channel;
    struct error err = ERROR_INIT;

    if (channel->current != link)
        return;
    bool was_ready = channel->ready;
    channel->current = NULL;
    channel->ready = false;
    if (was_ready || channel->closing)
        return;
    if (reason != NULL)
        err = *reason;
    else
        FAIL(&err, ERROR_NETWORK, 0, "the peer closed the connection");
    try_next_address(channel, &err);
}

static void
on_connection_freed(void *ctx)
{
    struct channel_link *link = ctx;
    struct channel_link **at = &link->channel->links;

    while (*at != link)
        at = &(*at)->next;
    *at = link->next;
    channel_release(link->channel);
    free(link);
}

static const struct h2_connection_events connection_events = {
    .on_ready = on_connection_ready,
    .on_goaway = on_connection_goaway,
    .on_closed = on_connection_closed,
    .on_freed = on_connection_freed,
};

static int
connect_to(struct rpc_channel *channel, const struct sockaddr *address, struct error *err)
{
    struct channel_link *link = MEMORY_NEW(struct channel_link);
    struct h2_connection_options options = { .loop = channel->loop,
                                             .pool = channel->pool,
                                             .tls = channel->tls,
                                             .host = channel->host,
                                             .expected_node = channel->expected_node,
                                             .handshake_ms = channel->connect_ms,
                                             .keepalive_ms = channel->keepalive_ms,
                                             .events = &connection_events,
                                             .stream_events = &rpc_call_loop_events,
                                             .ctx = link };
    link->channel = channel;
    link->next = channel->links;
    channel->links = link;
    channel->refs++;
    link->connection = h2_connection_connect(&options, address, err);
    if (link->connection == NULL)
        return -1;
    channel->current = link;
    channel->ready = false;
    return 0;
}

/* Only what another address may do better is tried again. */
static void
try_next_address(struct rpc_channel *channel, const struct error *last)
{
    struct error err = ERROR_INIT;
    if (last != NULL)
        err = *last;
    bool again = last == NULL || last->kind == ERROR_NETWORK || last->kind == ERROR_TIMEOUT;
    while (again && channel->waiting != NULL && channel->address_next < channel->address_count) {
        struct sockaddr_storage *address = &channel->addresses[channel->address_next++];
        error_clear(&err);
        if (connect_to(channel, (const struct sockaddr *)address, &err) == 0)
            return;
    }
    event_timer_stop(channel->timer);
    if (channel->waiting != NULL)
        fail_waiting(channel, &err);
}

static void
on_looked_up(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct rpc_channel *channel = request->data;
    struct error err = ERROR_INIT;

    channel->looking_up = false;
    channel->address_count = channel->address_next = 0;
    for (struct addrinfo *a = found; status == 0 && a != NULL && channel->address_count < ADDRESSES; a = a->ai_next) {
        if (a->ai_addrlen <= sizeof(channel->addresses[0]))
            memcpy(&channel->addresses[channel->address_count++], a->ai_addr, a->ai_addrlen);
    }
    uv_freeaddrinfo(found);
    if (channel->address_count == 0)
        FAIL(&err, ERROR_NETWORK, status, "no address for this name: %s",
             status != 0 ? uv_strerror(status) : "none found");
    if (!channel->closing)
        try_next_address(channel, error_is_set(&err) ? &err : NULL);
    channel_release(channel);
}

static void
on_connect_timer(void *ctx)
{
    struct rpc_channel *channel = ctx;
    struct error err = ERROR_INIT;

    FAIL(&err, ERROR_TIMEOUT, 0, "no connection after %u ms", channel->connect_ms);
    channel->address_next = channel->address_count;
    struct channel_link *link = channel->current;
    if (link != NULL && !channel->ready)
        h2_connection_abort(link->connection, &err);
    if (channel->waiting != NULL)
        fail_waiting(channel, &err);
}

static void
begin_connect(struct rpc_channel *channel)
{
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
    struct error err = ERROR_INIT;
    if (channel->timer == NULL)
        channel->timer = event_timer_new(channel->loop, on_connect_timer, channel);
    event_timer_start(channel->timer, channel->connect_ms, 0);
    if (channel->looking_up)
        return;
    channel->address_next = 0;
    channel->address_count = 1;
    if (uv_ip4_addr(channel->host, channel->port, &in4) == 0) {
        memcpy(&channel->addresses[0], &in4, sizeof(in4));
    } else if (uv_ip6_addr(channel->host, channel->port, &in6) == 0) {
        memcpy(&channel->addresses[0], &in6, sizeof(in6));
    } else {
        char service[8];
        struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG };
        snprintf(service, sizeof(service), "%u", channel->port);
        channel->lookup.data = channel;
        int rc = uv_getaddrinfo(event_loop_uv(channel->loop), &channel->lookup, on_looked_up, channel->host, service,
                                &hints);
        if (rc != 0) {
            FAIL(&err, ERROR_NETWORK, rc, "cannot look the name up: %s", uv_strerror(rc));
            fail_waiting(channel, &err);
            return;
        }
        channel->looking_up = true;
        channel->refs++;
        return;
    }
    try_next_address(channel, NULL);
}

struct open_request {
    struct rpc_channel *channel;
    struct rpc_call *call;
};

static void
on_open_posted(void *ctx)
{
    struct open_request *request = ctx;
    struct rpc_channel *channel = request->channel;
    struct rpc_call *call = request->call;

    free(request);
    if (channel->ready) {
        start_call(channel, call);
        return;
    }
    call->next = NULL;
    *channel->waiting_tail = call;
    channel->waiting_tail = &call->next;
    if (channel->current == NULL)
        begin_connect(channel);
}

struct rpc_channel *
rpc_channel_new(struct event_loop *loop, const struct rpc_channel_options *options, struct error *err)
{
    if (options->host == NULL || options->host[0] == '\0' || options->port == 0 || options->tls == NULL) {
        FAIL(err, ERROR_USAGE, 0, "a channel needs a host, a port and TLS");
        return NULL;
    }
    struct rpc_channel *channel = MEMORY_NEW(struct rpc_channel);
    channel->refs = 1;
    channel->loop = loop;
    channel->pool = net_pool_new();
    channel->tls = tls_context_retain(options->tls);
    channel->host = memory_strdup(options->host);
    channel->port = options->port;
    if (options->expected_node != NULL)
        channel->expected_node = memory_strdup(options->expected_node);
    channel->connect_ms = options->connect_timeout_ms != 0 ? options->connect_timeout_ms : CONNECT_MS;
    channel->keepalive_ms = options->keepalive_ms != 0 ? options->keepalive_ms : KEEPALIVE_MS;
    channel->waiting_tail = &channel->waiting;
    return channel;
}

static void
on_channel_shutdown(void *ctx)
{
    struct rpc_channel *channel = ctx;
    struct error err = ERROR_INIT;

    FAIL(&err, ERROR_CANCELLED, 0, "the channel was closed");
    channel->closing = true;
    event_timer_free(channel->timer);
    fail_waiting(channel, &err);
    for (struct channel_link *link = channel->links; link != NULL; link = link->next) {
        if (link->connection != NULL)
            h2_connection_abort(link->connection, &err);
    }
    channel_release(channel);
}

void
rpc_channel_free(struct rpc_channel *channel)
{
    if (channel != NULL)
        event_loop_call(channel->loop, on_channel_shutdown, channel);
}

static int
add_metadata(struct h2_headers *headers, const struct rpc_metadata *item, struct error *err)
{
    size_t key_len = strlen(item->key);
    if (key_len < 4 || strcmp(item->key + key_len - 4, "-bin") != 0)
        return h2_headers_add(headers, item->key, key_len, item->value, item->len, err);
    if (item->len > H2_HEADERS_BYTES / 2)
        return FAIL(err, ERROR_LIMIT, 0, "the metadata %s is too long", item->key);
    char *text = memory_new(ENCODING_BASE64_LEN(item->len));
    size_t len = encoding_base64(item->value, item->len, text);
    int rc = h2_headers_add(headers, item->key, key_len, text, len, err);
    free(text);
    return rc;
}

static int
write_request(struct rpc_call *call, const struct rpc_channel *channel, const char *path,
              const struct rpc_call_options *options, struct error *err)
{
    struct h2_headers *headers = &call->request;
    char authority[300], timeout[16];
    snprintf(authority, sizeof(authority), strchr(channel->host, ':') != NULL ? "[%s]:%u" : "%s:%u", channel->host,
             channel->port);
    if (h2_headers_add_text(headers, ":method", "POST", err) != 0 ||
        h2_headers_add_text(headers, ":scheme", "https", err) != 0 ||
        h2_headers_add_text(headers, ":path", path, err) != 0 ||
        h2_headers_add_text(headers, ":authority", authority, err) != 0 ||
        h2_headers_add_text(headers, "te", "trailers", err) != 0 ||
        h2_headers_add_text(headers, "content-type", "application/grpc", err) != 0 ||
        h2_headers_add_text(headers, "user-agent", "longhaul/" LONGHAUL_VERSION, err) != 0)
        return -1;
    if (call->deadline_ms != 0) {
        rpc_status_format_timeout(call->timeout_ms, timeout);
        if (h2_headers_add_text(headers, "grpc-timeout", timeout, err) != 0)
            return -1;
    }
    for (size_t i = 0; i < options->metadata_count; i++) {
        if (add_metadata(headers, &options->metadata[i], err) != 0)
            return -1;
    }
    return 0;
}

struct rpc_call *
rpc_channel_open(struct rpc_channel *channel, const char *path, const struct rpc_call_options *options,
                 struct error *err)
{
    static const struct rpc_call_options defaults;
    if (options == NULL)
        options = &defaults;
    if (event_loop_on_thread(channel->loop)) {
        FAIL(err, ERROR_USAGE, 0, "the loop thread must not wait for a connection");
        return NULL;
    }
    struct rpc_call *call = rpc_call_new(channel->loop, false, options->message_limit);
    if (options->timeout_ms > 0)
        rpc_call_set_deadline(call, (uint64_t)options->timeout_ms);
    if (write_request(call, channel, path, options, err) != 0) {
        rpc_call_release(call);
        return NULL;
    }
    struct open_request *request = MEMORY_NEW(struct open_request);
    *request = (struct open_request){ channel, rpc_call_retain(call) };
    event_loop_post(channel->loop, on_open_posted, request);
    pthread_mutex_lock(&call->lock);
    while (!call->opened && !call->over)
        rpc_call_wait(call, 0);
    bool failed = call->abandoned;
    if (failed && err != NULL && !error_is_set(err))
        *err = call->result;
    pthread_mutex_unlock(&call->lock);
    if (failed) {
        rpc_call_release(call);
        return NULL;
    }
    return call;
}

int
rpc_channel_unary(struct rpc_channel *channel, const char *path, const struct rpc_call_options *options,
                  const ProtobufCMessage *request, const ProtobufCMessageDescriptor *reply_type, struct arena *arena,
                  ProtobufCMessage **reply, struct error *err)
{
    CLEANUP(rpc_call_free_p) struct rpc_call *call = rpc_channel_open(channel, path, options, err);
    if (call == NULL)
        return -1;
    struct error ignored = ERROR_INIT;
    /* A peer that has answered before it read all is asked for its answer all the same. */
    if (rpc_call_send(call, request, &ignored) != 0 && ignored.kind == ERROR_LIMIT) {
        if (err != NULL)
            *err = ignored;
        return -1;
    }
    rpc_call_close_send(call, NULL);
    int rc = rpc_call_receive(call, reply_type, RPC_NO_TIMEOUT, arena, reply, err);
    if (rc < 0)
        return -1;
    if (rpc_call_finish(call, err) != 0)
        return -1;
    if (rc == 0)
        return FAIL(err, ERROR_FORMAT, 0, "the peer ended %s well but without a reply", path);
    return 0;
}
