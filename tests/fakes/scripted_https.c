#include "tests/fakes/scripted_https.h"

#include "common/base/buffer.h"
#include "common/base/memory.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define STEPS_MAX       256
#define REQUESTS_MAX    1024
#define CONNECTIONS_MAX 256
#define REQUEST_CEILING ((size_t)80 << 20)

struct step {
    char *fit, *headers, *body;
    int status;
    size_t sent;
    bool used;
};

struct connection {
    struct scripted_https *server;
    pthread_t thread;
    int fd;
};

struct scripted_https {
    SSL_CTX *tls;
    int fd;
    char origin[64], ca[64];
    pthread_t thread;
    pthread_mutex_t lock;
    bool closing;
    struct step steps[STEPS_MAX];
    size_t step_count;
    char *requests[REQUESTS_MAX];
    size_t request_count;
    struct connection connections[CONNECTIONS_MAX];
    size_t connection_count;
    unsigned running, peak, delay_ms;
};

static void
make_certificate(struct scripted_https *server)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");

    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600 * 24);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"scripted", -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_set_pubkey(certificate, key);
    X509_add_ext(certificate, san, -1);
    X509_sign(certificate, key, EVP_sha256());
    assert_int_equal(SSL_CTX_use_certificate(server->tls, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(server->tls, key), 1);
    snprintf(server->ca, sizeof(server->ca), "/tmp/scripted-ca-XXXXXX");
    int fd = mkstemp(server->ca);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    PEM_write_X509(file, certificate);
    fclose(file);
    X509_EXTENSION_free(san);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static char *
expand(const struct scripted_https *server, const char *text)
{
    char *out = memory_strdup(text);
    char *at;

    while ((at = strstr(out, "{origin}")) != NULL) {
        char *next = memory_printf("%.*s%s%s", (int)(at - out), out, server->origin, at + 8);
        free(out);
        out = next;
    }
    return out;
}

/* Whole request into `in`, from its first byte. Yields its length, or 0 when the peer is gone. */
static size_t
read_request(SSL *tls, struct buffer *in)
{
    for (;;) {
        const char *text = buffer_text(in, NULL);
        const char *end = in->len > 0 ? strstr(text, "\r\n\r\n") : NULL;
        if (end != NULL) {
            size_t head = (size_t)(end - text) + 4;
            const char *length = strcasestr(text, "\r\nContent-Length:");
            size_t body = length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0;
            if (in->len >= head + body)
                return head + body;
        }
        char block[16384];
        int n = SSL_read(tls, block, sizeof(block));
        if (n <= 0)
            return 0;
        buffer_append(in, block, (size_t)n, NULL);
    }
}

static const struct step *
match(struct scripted_https *server, const char *request, size_t len)
{
    const struct step *found = NULL;

    pthread_mutex_lock(&server->lock);
    server->running++;
    server->peak = server->running > server->peak ? server->running : server->peak;
    if (server->request_count < REQUESTS_MAX)
        server->requests[server->request_count++] = strndup(request, len);
    for (size_t i = 0; i < server->step_count && found == NULL; i++) {
        struct step *step = &server->steps[i];
        if (!step->used && strncmp(request, step->fit, strlen(step->fit)) == 0) {
            step->used = true;
            found = step;
        }
    }
    pthread_mutex_unlock(&server->lock);
    return found;
}

/* false when the connection is to be cut. */
static bool
answer(struct scripted_https *server, SSL *tls, const struct step *step, bool head_only)
{
    const char *body = step != NULL ? step->body : "unexpected request";
    size_t len = strlen(body), sent = step != NULL && step->sent < len ? step->sent : len;
    CLEANUP(memory_free_p)
    char *head = memory_printf("HTTP/1.1 %d X\r\n%sContent-Length: %zu\r\n\r\n", step != NULL ? step->status : 599,
                               step != NULL ? step->headers : "", len);
    if (server->delay_ms > 0) {
        struct timespec t = { .tv_nsec = (long)server->delay_ms * 1000000 };
        nanosleep(&t, NULL);
    }
    pthread_mutex_lock(&server->lock);
    server->running--;
    pthread_mutex_unlock(&server->lock);
    if (SSL_write(tls, head, (int)strlen(head)) <= 0)
        return false;
    if (!head_only && sent > 0 && SSL_write(tls, body, (int)sent) <= 0)
        return false;
    return sent == len;
}

static void *
serve(void *ctx)
{
    struct connection *connection = ctx;
    struct scripted_https *server = connection->server;
    SSL *tls = SSL_new(server->tls);
    struct buffer in = BUFFER_INIT(REQUEST_CEILING);
    size_t len;

    SSL_set_fd(tls, connection->fd);
    if (SSL_accept(tls) == 1) {
        while ((len = read_request(tls, &in)) > 0) {
            const char *text = (const char *)in.data;
            const struct step *step = match(server, text, len);
            bool head_only = strncmp(text, "HEAD", 4) == 0;
            buffer_consume(&in, len);
            if (!answer(server, tls, step, head_only))
                break;
        }
    }
    buffer_clear(&in);
    shutdown(connection->fd, SHUT_RDWR);
    SSL_free(tls);
    return NULL;
}

static void *
accept_all(void *ctx)
{
    struct scripted_https *server = ctx;

    for (;;) {
        int fd = accept(server->fd, NULL, NULL);
        pthread_mutex_lock(&server->lock);
        bool stop = fd < 0 || server->closing || server->connection_count == CONNECTIONS_MAX;
        if (!stop) {
            struct connection *connection = &server->connections[server->connection_count++];
            *connection = (struct connection){ .server = server, .fd = fd };
            pthread_create(&connection->thread, NULL, serve, connection);
        }
        pthread_mutex_unlock(&server->lock);
        if (stop) {
            if (fd >= 0)
                close(fd);
            return NULL;
        }
    }
}

struct scripted_https *
scripted_https_new(void)
{
    struct scripted_https *server = MEMORY_NEW(struct scripted_https);
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(address);

    server->tls = SSL_CTX_new(TLS_server_method());
    make_certificate(server);
    pthread_mutex_init(&server->lock, NULL);
    server->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(server->fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(server->fd, 64), 0);
    assert_int_equal(getsockname(server->fd, (struct sockaddr *)&address, &len), 0);
    snprintf(server->origin, sizeof(server->origin), "https://localhost:%u", ntohs(address.sin_port));
    assert_int_equal(pthread_create(&server->thread, NULL, accept_all, server), 0);
    return server;
}

void
scripted_https_free(struct scripted_https *server)
{
    size_t unused = 0;

    pthread_mutex_lock(&server->lock);
    server->closing = true;
    pthread_mutex_unlock(&server->lock);
    shutdown(server->fd, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    for (size_t i = 0; i < server->connection_count; i++)
        shutdown(server->connections[i].fd, SHUT_RDWR);
    for (size_t i = 0; i < server->connection_count; i++) {
        pthread_join(server->connections[i].thread, NULL);
        close(server->connections[i].fd);
    }
    close(server->fd);
    unlink(server->ca);
    for (size_t i = 0; i < server->step_count; i++) {
        struct step *step = &server->steps[i];
        if (!step->used) {
            print_message("step never asked for: %s\n", step->fit);
            unused++;
        }
        free(step->fit);
        free(step->headers);
        free(step->body);
    }
    for (size_t i = 0; i < server->request_count; i++)
        free(server->requests[i]);
    SSL_CTX_free(server->tls);
    pthread_mutex_destroy(&server->lock);
    free(server);
    assert_int_equal(unused, 0);
}

const char *
scripted_https_origin(const struct scripted_https *server)
{
    return server->origin;
}

const char *
scripted_https_ca(const struct scripted_https *server)
{
    return server->ca;
}

void
scripted_https_cut(struct scripted_https *server, const char *fit, int status, const char *headers, const char *body,
                   size_t sent)
{
    pthread_mutex_lock(&server->lock);
    assert_true(server->step_count < STEPS_MAX);
    server->steps[server->step_count++] = (struct step){ .fit = memory_strdup(fit),
                                                         .headers = expand(server, headers),
                                                         .body = expand(server, body),
                                                         .status = status,
                                                         .sent = sent };
    pthread_mutex_unlock(&server->lock);
}

void
scripted_https_reply(struct scripted_https *server, const char *fit, int status, const char *headers, const char *body)
{
    scripted_https_cut(server, fit, status, headers, body, SIZE_MAX);
}

const char *
scripted_https_request(struct scripted_https *server, size_t n)
{
    pthread_mutex_lock(&server->lock);
    const char *request = n < server->request_count ? server->requests[n] : "";
    pthread_mutex_unlock(&server->lock);
    return request;
}

size_t
scripted_https_request_count(struct scripted_https *server)
{
    pthread_mutex_lock(&server->lock);
    size_t n = server->request_count;
    pthread_mutex_unlock(&server->lock);
    return n;
}

unsigned
scripted_https_peak(struct scripted_https *server)
{
    pthread_mutex_lock(&server->lock);
    unsigned peak = server->peak;
    pthread_mutex_unlock(&server->lock);
    return peak;
}

void
scripted_https_delay(struct scripted_https *server, unsigned ms)
{
    server->delay_ms = ms;
}
