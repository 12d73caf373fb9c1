#ifndef LONGHAUL_TESTS_FAKES_ECHO_SERVICE_H
#define LONGHAUL_TESTS_FAKES_ECHO_SERVICE_H

/* A small service with each kind of call, for tests of the RPC layer. Messages are plain bytes. Calls of methods
 * that wait are counted, so that a test can wait for them. */

#include "common/base/error.h"
#include "common/rpc/rpc_server.h"

#include <pthread.h>

struct echo_service {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int started, ended;       /* of Hang */
    enum error_kind ended_by; /* what the last Hang got */
    int opened, closed;       /* of Events */
};

void echo_service_init(struct echo_service *service);
void echo_service_clear(struct echo_service *service);
void echo_service_add(struct echo_service *service, struct rpc_server *server);
/* Wait until *counter (one of the above) is at least `count`. */
void echo_service_wait(struct echo_service *service, const int *counter, int count);

/* /test.Echo/Unary    one message back
 * /test.Echo/Collect  reads all, answers with the number of bytes in decimal
 * /test.Echo/Produce  the request says "<count> <size>": so many messages of so many bytes, byte i is (uint8_t)i
 * /test.Echo/Chat     every message back
 * /test.Echo/Fail     ERROR_THROTTLED, "slow down: 100% über", come again in 1500 ms
 * /test.Echo/Hang     reads until the call ends
 * /test.Echo/Stall    sends 1 MiB messages until the call ends, reads nothing
 * /test.Echo/Metadata answers with the value of "note-bin", 0xff, the caller's node id
 * /test.Echo/Open     as Unary, without a certificate
 * /test.Events/Chat   as Chat, on the loop; the message "fail" ends the call with ERROR_CONFLICT */
extern const struct rpc_method echo_service_methods[];
extern const size_t echo_service_method_count;

#endif
