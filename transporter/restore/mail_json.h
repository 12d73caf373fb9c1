#ifndef LONGHAUL_TRANSPORTER_RESTORE_MAIL_JSON_H
#define LONGHAUL_TRANSPORTER_RESTORE_MAIL_JSON_H

/* The message to be made in a mailbox, from what was stored about it. Pure; any thread. */

#include <jansson.h>
#include <stdbool.h>

/* How much is asked for: when the service refuses, the next lower one is tried. */
enum mail_json_level {
    MAIL_JSON_ALL,
    MAIL_JSON_PLAIN_HEADERS, /* without transport headers and message class */
    MAIL_JSON_SAFE_PEOPLE,   /* and without addresses that are none */
    MAIL_JSON_BARE           /* and without anybody but the sender */
};

struct mail_json_parts {
    const json_t *metadata; /* as the service described the message */
    const char *body;       /* UTF-8 */
    bool html;
    const char *headers;     /* transport headers; "" */
    const char *in_reply_to; /* NULL: none */
    const char *references;
};

/* A new reference. */
json_t *mail_json_build(const struct mail_json_parts *parts, enum mail_json_level level);

#endif
