#ifndef LONGHAUL_TESTS_M365SIM_REQUEST_H
#define LONGHAUL_TESTS_M365SIM_REQUEST_H

/* One request, from the network or from a part of a batch. Everything in it lives until request_clear(). */

#include "tests/m365sim/body.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct sim;

#define REQUEST_SEGMENTS   64
#define REQUEST_PARAMETERS 32
#define REQUEST_HEADERS    64
#define REQUEST_ARGUMENTS  6

struct request_pair {
    const char *name;
    const char *value;
};

struct request {
    struct sim *sim;
    const char *method;
    char *url;               /* path and query as they came */
    char transfer_base[300]; /* the same for pre-authenticated URLs: another host name */
    char base[300];          /* "https://host:port", from the Host header */
    /* The path cut at '/': decoded, and as it came (to tell ':' from "%3A"). "users('x')" becomes two. */
    char *segments[REQUEST_SEGMENTS];
    char *raw[REQUEST_SEGMENTS];
    size_t segment_count;
    struct request_pair parameters[REQUEST_PARAMETERS];
    size_t parameter_count;
    struct request_pair headers[REQUEST_HEADERS]; /* borrowed */
    size_t header_count;
    struct body body;
    const char *arguments[REQUEST_ARGUMENTS]; /* what the wildcards of the route stand for */
    size_t tail;                              /* index of the segment at which the route's "**" begins */
    bool in_batch;
};

/* Cuts the URL. ERROR_FORMAT when it is no URL, has a parameter twice or too many of anything. */
int request_init(struct request *r, struct sim *sim, const char *method, const char *url, struct error *err);
void request_clear(struct request *r);

/* Sets both bases from the Host header. */
void request_set_base(struct request *r, const char *host);
/* The value, or NULL. Names of headers are compared without case; "$top" is found as "top" too. */
const char *request_header(const struct request *r, const char *name);
const char *request_parameter(const struct request *r, const char *name);
/* A number in [low, high]; fallback when absent or malformed; a larger one is cut to high. */
unsigned long request_number(const struct request *r, const char *name, unsigned long fallback, unsigned long low,
                             unsigned long high);
/* Whether one of the Prefer headers holds the preference; *value (may be NULL) is set to what follows '='. */
bool request_prefers(const struct request *r, const char *preference, char *value, size_t value_size);
/* The body as a JSON object; the caller releases it. NULL when it is none. */
json_t *request_json(const struct request *r);

/* Decodes %XX in place; returns the length. */
size_t request_decode(char *text);
/* Appends text percent-encoded per RFC 3986 (only unreserved characters stay). out holds 3 * strlen + 1. */
void request_encode(const char *text, char *out);

#endif
