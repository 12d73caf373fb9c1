#ifndef LONGHAUL_COMMON_NET_HTTP_CONTENT_RANGE_H
#define LONGHAUL_COMMON_NET_HTTP_CONTENT_RANGE_H

/* The Content-Range header of a 206 answer (RFC 9110, section 14.4). Pure. */

#include <stdint.h>

/* "bytes 0-9/100"; *total is UINT64_MAX for "*". A last position behind the end, as some servers repeat it from the
 * request, becomes the end's. 0, then first <= last < total; or -1 for anything else, NULL too. */
int http_content_range_parse(const char *text, uint64_t *first, uint64_t *last, uint64_t *total);

#endif
