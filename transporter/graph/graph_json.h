#ifndef LONGHAUL_TRANSPORTER_GRAPH_GRAPH_JSON_H
#define LONGHAUL_TRANSPORTER_GRAPH_GRAPH_JSON_H

/* JSON as Microsoft Graph really sends it: raw control characters and broken UTF-8 inside strings, halves of
 * surrogate pairs, \u0000. Such characters are replaced, everything else is strict. Pure; any thread. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct error;

/* Parses and changes text in place. NULL and ERROR_FORMAT when it is no JSON object or array. */
json_t *graph_json_parse(char *text, size_t len, struct error *err);

/* Accessors that tolerate absence and wrong types. Texts are borrowed from the object. */
const char *graph_json_text(const json_t *object, const char *key);     /* "" */
int64_t graph_json_int(const json_t *object, const char *key);          /* 0 */
bool graph_json_bool(const json_t *object, const char *key);            /* false */
const json_t *graph_json_object(const json_t *object, const char *key); /* NULL */
int64_t graph_json_time(const json_t *object, const char *key);         /* milliseconds; 0 when absent or year 1 */
/* Value of a single-value extended property, id compared without regard to case; "" when absent. */
const char *graph_json_extended(const json_t *object, const char *id);

/* Compact, keys sorted: equal objects give equal bytes. Free with free(). */
char *graph_json_dump(const json_t *value, size_t *len);

/* CLEANUP(graph_json_unref) on a json_t* variable. */
void graph_json_unref(json_t **value);

#endif
