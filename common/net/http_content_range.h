#ifndef LONGHAUL_COMMON_NET_HTTP_CONTENT_RANGE_H
#define LONGHAUL_COMMON_NET_HTTP_CONTENT_RANGE_H

/* The Content-Range header of a 206 answer (RFC 9110, section 14.4). Pure. */

#include <stdint.h>

/* "bytes 0-9/100"; *total is UINT64_MAX for "*". 0, or -1 for anything else, NULL too. What the numbers have to do with
 * each other is the caller's to judge: of an object that is shorter than it should be, some servers repeat the end
 * that was asked for, or name an end before the beginning. */
int http_content_range_parse(const char *text, uint64_t *first, uint64_t *last, uint64_t *total);

#endif
