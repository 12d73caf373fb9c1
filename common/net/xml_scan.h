#ifndef LONGHAUL_COMMON_NET_XML_SCAN_H
#define LONGHAUL_COMMON_NET_XML_SCAN_H

/* Reads the small XML answers of storage services, in bounded memory: no DTD, no entities beyond XML's own, at most
 * XML_SCAN_DEPTH levels and XML_SCAN_TEXT bytes of text in one element. Attributes are passed over. Any thread. */

#include <stddef.h>

struct error;

#define XML_SCAN_DEPTH 16
#define XML_SCAN_PATH  512
#define XML_SCAN_TEXT  ((size_t)16 << 10)

/* Called at the end of every element. path: names from the root on, without name space prefixes ("Result/Item/Name").
 * text: UTF-8 directly inside the element, white space at its ends removed. Both are valid for the call. 0, or -1 with
 * err to stop. */
typedef int xml_scan_fn(void *ctx, const char *path, const char *text, struct error *err);

/* 0 when the document is whole. ERROR_FORMAT when it is none, ERROR_LIMIT above a limit, or what visit reported. */
int xml_scan(const void *data, size_t len, xml_scan_fn *visit, void *ctx, struct error *err);

#endif
