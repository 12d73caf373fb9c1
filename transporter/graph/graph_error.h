#ifndef LONGHAUL_TRANSPORTER_GRAPH_GRAPH_ERROR_H
#define LONGHAUL_TRANSPORTER_GRAPH_GRAPH_ERROR_H

/* What an answer of Microsoft Graph means: decided on status and code, never on a message. Pure; any thread. */

#include "common/base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum graph_action {
    GRAPH_ACCEPT,
    GRAPH_RENEW,   /* the token once, then again */
    GRAPH_WAIT,    /* throttled: after the hint; not counted as an attempt */
    GRAPH_BACKOFF, /* again after a growing pause, `tries` times at the most */
    GRAPH_REFUSE   /* asking again is useless */
};

struct graph_verdict {
    enum graph_action action;
    enum error_kind kind; /* when it ends here */
    unsigned tries;       /* GRAPH_BACKOFF */
};

/* code and inner may be "". hinted: the answer has a Retry-After. */
struct graph_verdict graph_error_judge(int status, const char *code, const char *inner, bool hinted);

/* Reads {"error":{"code",…,"innerError":{"code",…}}}; both become "" when it is not such a body. inner is the
 * deepest code. Cut to size. */
void graph_error_codes(const json_t *body, char *code, char *inner, size_t size);

/* The delta link or token cannot be used any more: begin anew. */
bool graph_error_is_resync(int status, const char *code, const char *inner);
/* Either code, without regard to case. */
bool graph_error_has(const char *code, const char *inner, const char *wanted);

#endif
