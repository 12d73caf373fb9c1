#ifndef LONGHAUL_TESTS_M365SIM_MESSAGE_INTERNAL_H
#define LONGHAUL_TESTS_M365SIM_MESSAGE_INTERNAL_H

#include "tests/m365sim/message.h"
#include "tests/m365sim/mime.h"

/* The bytes of a message's file, mapped. */
struct message_file {
    const char *data;
    size_t len;
};

int message_file_open(struct message_file *f, const char *path, struct error *err);
void message_file_close(struct message_file *f);

/* Dates out of headers; fallback for both is given. */
void message_header_dates(const struct mime_headers *h, int64_t fallback, int64_t *received, int64_t *sent);
/* Adds what the MIME tells: subject, people, body, ... */
void message_json_mime(json_t *o, const struct mime_message *mime, const struct message_form *form);
/* Sets a UTF-8 text that may be NULL. */
void message_set_text(json_t *o, const char *name, const char *text);
/* Text of an HTML body, roughly. The caller frees it. */
char *message_strip_html(const char *html);
/* The first characters of a text, white space joined. The caller frees it. */
char *message_preview(const char *text);
/* "2026-09-14T07:58:07Z" */
json_t *message_time(int64_t wall_ms);

#endif
