#ifndef LONGHAUL_TESTS_M365SIM_ROUTES_H
#define LONGHAUL_TESTS_M365SIM_ROUTES_H

/* Which handler serves which path. */

#include <stddef.h>

struct reply;
struct request;

enum route_area {
    ROUTE_OPEN,     /* no token: login */
    ROUTE_TRANSFER, /* no token: the URL is the right */
    ROUTE_DIRECTORY,
    ROUTE_OUTLOOK,
    ROUTE_DRIVE,
    ROUTE_CONTROL /* the tests' own */
};

struct route {
    const char *method;  /* NULL: any */
    const char *pattern; /* "{}": one segment, kept as argument; "**" at the end: the tail */
    enum route_area area;
    const char *kind; /* for statistics and limits */
    void (*handle)(struct request *r, struct reply *reply);
};

/* In order of preference. */
const struct route *routes_table(size_t *count);

#endif
