/* rpc_peer certificates FOLDER             make what the tests need
 * rpc_peer serve FOLDER                    serve until SIGTERM; prints the port
 * rpc_peer call FOLDER PORT STRANGER OLD   test a grpc-js server */
#include "tests/interop/rpc_peer.h"

#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/loop/event_loop.h"
#include "common/net/tls_context.h"
#include "tests/fakes/echo_service.h"
#include "tests/fakes/test_certificates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "rpc_peer: %s\n", what);
    exit(1);
}

static void
write_file(const char *folder, const char *name, const char *suffix, const char *text)
{
    char *path = memory_printf("%s/%s.%s", folder, name, suffix);
    FILE *f = fopen(path, "w");
    must(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0, path);
    free(path);
}

static char *
read_file(const char *folder, const char *name, const char *suffix)
{
    char *path = memory_printf("%s/%s.%s", folder, name, suffix);
    char *text = memory_new(16384);
    FILE *f = fopen(path, "r");
    must(f != NULL && fread(text, 1, 16383, f) > 0, path);
    fclose(f);
    free(path);
    return text;
}

static void
write_leaf(const char *folder, const char *name, struct test_leaf *leaf)
{
    write_file(folder, name, "pem", leaf->certificate_pem);
    write_file(folder, name, "key", leaf->key_text);
    test_leaf_free(leaf);
}

static int
make_certificates(const char *folder)
{
    struct test_authority *authority = test_authority_new("Interop authority");
    struct test_authority *stranger = test_authority_new("Another authority");
    write_file(folder, "root", "pem", test_authority_pem(authority));
    write_leaf(folder, "server", test_leaf_new(authority, "director-test"));
    write_leaf(folder, "client", test_leaf_new(authority, "transporter-test"));
    write_leaf(folder, "expired", test_leaf_new_expired(authority, "transporter-test"));
    write_leaf(folder, "stranger", test_leaf_new(stranger, "transporter-test"));
    test_authority_free(authority);
    test_authority_free(stranger);
    return 0;
}

struct tls_context *
rpc_peer_tls(const char *folder, const char *leaf, int server)
{
    struct error err = ERROR_INIT;
    char *root = read_file(folder, "root", "pem"), *chain = read_file(folder, leaf, "pem");
    char *key_text = read_file(folder, leaf, "key");
    struct secret *key = secret_new(key_text, strlen(key_text), &err);
    must(key != NULL, err.text);
    struct tls_options options = { .server = server != 0, .certificate_pem = chain, .key_pem = key, .trust_pem = root };
    struct tls_context *tls = tls_context_new(&options, &err);
    must(tls != NULL, err.text);
    secret_free(key);
    free(key_text);
    free(chain);
    free(root);
    return tls;
}

static void
on_terminate(void *ctx, int count)
{
    (void)count;
    event_loop_stop(ctx);
}

static int
serve(const char *folder)
{
    struct error err = ERROR_INIT;
    struct echo_service echo;
    struct event_loop *loop = event_loop_new(&err);
    must(loop != NULL, err.text);
    struct tls_context *tls = rpc_peer_tls(folder, "server", 1);
    struct rpc_server_options options = { .address = "127.0.0.1", .tls = tls };
    struct rpc_server *server = rpc_server_new(loop, &options, &err);
    must(server != NULL, err.text);
    echo_service_init(&echo);
    echo_service_add(&echo, server);
    must(rpc_server_listen(server, &err) == 0, err.text);
    must(event_loop_on_terminate(loop, on_terminate, loop, &err) == 0, err.text);
    printf("%u\n", rpc_server_port(server));
    fflush(stdout);
    event_loop_run(loop);
    rpc_server_free(server);
    event_loop_free(loop);
    tls_context_free(tls);
    echo_service_clear(&echo);
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "certificates") == 0)
        return make_certificates(argv[2]);
    if (argc == 3 && strcmp(argv[1], "serve") == 0)
        return serve(argv[2]);
    must(argc == 6 && strcmp(argv[1], "call") == 0, "wrong arguments");
    return rpc_peer_client(argv[2], (uint16_t)strtoul(argv[3], NULL, 10), (uint16_t)strtoul(argv[4], NULL, 10),
                           (uint16_t)strtoul(argv[5], NULL, 10));
}
