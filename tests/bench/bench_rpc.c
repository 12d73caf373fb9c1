/* Bulk streaming over RPC on loopback, next to the bare OpenSSL record loop over the same certificates in the same
 * run. What counts is bytes per CPU second of both ends together, each row against a bare loop just before it, and
 * the median over the rounds: bench_rpc [MiB [rounds]] */
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/net/tls_context_internal.h"
#include "tests/fakes/rpc_fixture.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define MIB    ((size_t)1 << 20)
#define RECORD ((size_t)16 << 10)

#define MAX_ROUNDS 100

struct sample {
    double wall, cpu;
};

static struct rpc_fixture fixture;
static size_t megabytes = 512;

static struct sample
sample_now(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    return (struct sample){ (double)clock_monotonic_ms(clock_system()) / 1e3, cpu };
}

static struct sample
sample_since(struct sample start)
{
    struct sample now = sample_now();
    return (struct sample){ now.wall - start.wall, now.cpu - start.cpu };
}

static void
must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "bench_rpc: %s failed\n", what);
    exit(1);
}

static SSL *
bare_tls(struct tls_context *context, int fd, bool server)
{
    static const unsigned char h2[] = { 2, 'h', '2' };
    SSL_CTX *ctx = tls_context_ssl(context);
    SSL *ssl = SSL_new(ctx);
    SSL_CTX_free(ctx);
    SSL_set_fd(ssl, fd);
    SSL_set_alpn_protos(ssl, h2, sizeof(h2));
    must((server ? SSL_accept(ssl) : SSL_connect(ssl)) == 1, "bare handshake");
    return ssl;
}

static void *
bare_receive(void *ctx)
{
    int listener = *(int *)ctx;
    int fd = accept(listener, NULL, NULL);
    SSL *ssl = bare_tls(fixture.server_tls, fd, true);
    CLEANUP(memory_free_p) uint8_t *buffer = memory_new(RECORD);
    size_t total = 0;
    int n;
    while (total < megabytes * MIB && (n = SSL_read(ssl, buffer, (int)RECORD)) > 0)
        total += (size_t)n;
    must(total == megabytes * MIB, "bare receive");
    SSL_free(ssl);
    close(fd);
    return NULL;
}

static struct sample
measure_bare(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    must(bind(listener, (const struct sockaddr *)&address, len) == 0 && listen(listener, 1) == 0 &&
             getsockname(listener, (struct sockaddr *)&address, &len) == 0,
         "listen");
    pthread_t thread;
    pthread_create(&thread, NULL, bare_receive, &listener);
    must(connect(fd, (const struct sockaddr *)&address, len) == 0, "connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    SSL *ssl = bare_tls(fixture.client_tls, fd, false);
    CLEANUP(memory_free_p) uint8_t *buffer = memory_new(RECORD);
    struct sample start = sample_now();
    for (size_t i = 0; i < megabytes * MIB / RECORD; i++)
        must(SSL_write(ssl, buffer, (int)RECORD) == (int)RECORD, "bare send");
    pthread_join(thread, NULL);
    struct sample took = sample_since(start);
    SSL_free(ssl);
    close(fd);
    close(listener);
    return took;
}

static struct sample
measure_upload(size_t message)
{
    struct error err = ERROR_INIT;
    CLEANUP(memory_free_p) uint8_t *bytes = memory_new(message);
    struct rpc_call *call = rpc_channel_open(fixture.channel, "/test.Echo/Collect", NULL, &err);
    must(call != NULL, err.text);
    struct sample start = sample_now();
    for (size_t i = 0; i < megabytes * MIB / message; i++)
        must(rpc_call_send_bytes(call, bytes, message, &err) == 0, err.text);
    must(rpc_call_finish(call, &err) == 0, err.text);
    struct sample took = sample_since(start);
    rpc_call_free(call);
    return took;
}

static struct sample
measure_download(size_t message)
{
    struct error err = ERROR_INIT;
    char request[64];
    const uint8_t *data;
    size_t len, total = 0;
    struct rpc_call *call = rpc_channel_open(fixture.channel, "/test.Echo/Produce", NULL, &err);
    must(call != NULL, err.text);
    int n = snprintf(request, sizeof(request), "%zu %zu", megabytes * MIB / message, message);
    struct sample start = sample_now();
    must(rpc_call_send_bytes(call, request, (size_t)n, &err) == 0, err.text);
    while (rpc_call_receive_bytes(call, RPC_NO_TIMEOUT, &data, &len, &err) == 1)
        total += len;
    must(total == megabytes * MIB && rpc_call_finish(call, &err) == 0, err.text);
    struct sample took = sample_since(start);
    rpc_call_free(call);
    return took;
}

static int
compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double
median(double *values, size_t count)
{
    qsort(values, count, sizeof(values[0]), compare_doubles);
    return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static void
print_row(const char *name, struct sample took, struct sample bare)
{
    double size = (double)megabytes;
    printf("%-28s %8.0f MiB/s %8.0f MiB/CPU-s, bare %8.0f MiB/CPU-s %7.0f %%\n", name, size / took.wall,
           size / took.cpu, size / bare.cpu, 100 * bare.cpu / took.cpu);
    fflush(stdout);
}

static const struct {
    const char *name;
    struct sample (*measure)(size_t message);
    size_t message;
} rows[] = {
    { "upload, 1 MiB messages", measure_upload, MIB },
    { "upload, 64 KiB messages", measure_upload, (size_t)64 << 10 },
    { "download, 1 MiB messages", measure_download, MIB },
    { "download, 64 KiB messages", measure_download, (size_t)64 << 10 },
};

int
main(int argc, char **argv)
{
    static double ratios[ARRAY_LEN(rows)][MAX_ROUNDS];
    size_t rounds = 5;
    memory_prepare_process(); /* as the daemons do: where messages live is part of what they cost */
    log_setup(2, LOG_WARN);
    if (argc > 1)
        megabytes = strtoul(argv[1], NULL, 10);
    if (argc > 2)
        rounds = strtoul(argv[2], NULL, 10);
    must(megabytes > 0 && rounds > 0 && rounds <= MAX_ROUNDS, "reading the size and the rounds");
    rpc_fixture_init(&fixture, NULL);
    printf("%zu MiB each, both ends in one process; %% is of the bare record loop per CPU second\n", megabytes);
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
            struct sample bare = measure_bare();
            struct sample took = rows[i].measure(rows[i].message);
            print_row(rows[i].name, took, bare);
            ratios[i][round] = 100 * bare.cpu / took.cpu;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        printf("%-28s median of %zu rounds %7.0f %%\n", rows[i].name, rounds, median(ratios[i], rounds));
    rpc_fixture_clear(&fixture);
    return 0;
}
