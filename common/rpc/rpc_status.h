#ifndef LONGHAUL_COMMON_RPC_RPC_STATUS_H
#define LONGHAUL_COMMON_RPC_RPC_STATUS_H

/* How errors, deadlines and metadata travel in header fields: grpc-status, grpc-message, grpc-timeout, our kind of
 * error in "longhaul-error-kind", a hint when to come again in "grpc-retry-pushback-ms", and all of it once more,
 * typed, in "grpc-status-details-bin" (rpc_status_details.h). Pure functions. */

#include "common/base/error.h"

#include <stddef.h>
#include <stdint.h>

struct h2_headers;

#define RPC_STATUS_TEXT (3 * sizeof(((struct error *)0)->text))

/* Percent-encoding of grpc-message; cut at the size when it must be. */
void rpc_status_encode_message(const char *text, char *out, size_t size);
/* Lenient, as the protocol asks; control characters become '?'. */
void rpc_status_decode_message(const char *text, size_t len, char *out, size_t size);

/* "15000m". Rounded up so that the peer never gives up first. out holds 16 bytes. */
void rpc_status_format_timeout(uint64_t ms, char *out);
/* 1 to 8 digits and a unit of HMSmun. 0 and milliseconds (rounded up), or -1. */
int rpc_status_parse_timeout(const char *text, size_t len, uint64_t *ms);

/* The trailers that say how a call ended; err NULL or not set: OK. */
void rpc_status_write(struct h2_headers *trailers, const struct error *err);
/* 1: ended well; 0: no status among these fields; -1: *err is what the peer says. */
int rpc_status_read(const struct h2_headers *headers, struct error *err);
/* What a reset of the stream stands for (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). */
int rpc_status_from_reset(uint32_t code, struct error *err);
/* What an HTTP status other than 200 stands for. */
int rpc_status_from_http(int http_status, struct error *err);

#endif
