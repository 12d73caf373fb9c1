#ifndef LONGHAUL_TESTS_INTEROP_RPC_PEER_H
#define LONGHAUL_TESTS_INTEROP_RPC_PEER_H

/* Our side of the interop tests. */

#include <stdint.h>

struct tls_context;

/* A context over FOLDER/root.pem and FOLDER/<leaf>.pem and .key. Ends the program on failure. */
struct tls_context *rpc_peer_tls(const char *folder, const char *leaf, int server);

/* Run every test against a grpc-js server; 0 when all went well. */
int rpc_peer_client(const char *folder, uint16_t port, uint16_t stranger_port, uint16_t old_port);

#endif
