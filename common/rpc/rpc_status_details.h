#ifndef LONGHAUL_COMMON_RPC_RPC_STATUS_DETAILS_H
#define LONGHAUL_COMMON_RPC_RPC_STATUS_DETAILS_H

/* The trailer grpc-status-details-bin: a google.rpc.Status whose one detail is our longhaul.v1.ErrorDetail
 * (proto/status.proto). Pure functions. */

#include "common/base/error.h"

#include <stddef.h>
#include <stdint.h>

struct h2_headers;

struct rpc_status_details {
    int code;
    char message[sizeof(((struct error *)0)->text)]; /* one line, control characters are '?' */
    enum error_kind kind;                            /* ERROR_NONE: the peer sent none that is known here */
    uint32_t retry_after_ms;                         /* 0: no hint */
};

/* err is set. */
void rpc_status_details_write(struct h2_headers *trailers, const struct error *err);
/* 1: *details is filled; 0: there is no such trailer, or it makes no sense and counts for nothing. */
int rpc_status_details_read(const struct h2_headers *headers, struct rpc_status_details *details);

#endif
