#ifndef LONGHAUL_TESTS_M365SIM_REPLY_H
#define LONGHAUL_TESTS_M365SIM_REPLY_H

/* The answer to one request: JSON, bytes in memory, or a stretch of a file. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clock;

#define REPLY_HEADERS 24

struct reply_header {
    const char *name;
    char *value;
};

struct reply {
    unsigned status;
    struct reply_header headers[REPLY_HEADERS];
    size_t header_count;
    json_t *json;
    char *data;
    size_t len;
    int fd; /* -1: none */
    uint64_t offset, length;
    uint64_t cut_after;                        /* the connection ends after so many body bytes; UINT64_MAX: never */
    bool spoil;                                /* the first byte of the body is changed on the way */
    bool wrong_hash, duplicate, expired_links; /* what a fault rule does to the JSON */
    char request_id[40];
    char client_request_id[64];
    char date[25]; /* "2026-09-14T08:11:02" */
};

void reply_init(struct reply *reply, const struct clock *clock, const char *client_request_id);
void reply_clear(struct reply *reply);

/* name is a constant; the value is copied. A header already there is replaced. */
void reply_header(struct reply *reply, const char *name, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
const char *reply_header_value(const struct reply *reply, const char *name);

/* Each of these drops a body set before. */
void reply_empty(struct reply *reply, unsigned status);
void reply_json(struct reply *reply, unsigned status, json_t *takes);
/* Microsoft's error body; inner (may be NULL) is innerError.code. */
void reply_error(struct reply *reply, unsigned status, const char *code, const char *message, const char *inner);
void reply_bytes(struct reply *reply, unsigned status, const char *type, const void *data, size_t len);
/* Takes the descriptor. */
void reply_file(struct reply *reply, unsigned status, const char *type, int fd, uint64_t offset, uint64_t length);

#endif
