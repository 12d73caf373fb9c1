#ifndef LONGHAUL_TRANSPORTER_SOURCE_MIME_COMPOSE_H
#define LONGHAUL_TRANSPORTER_SOURCE_MIME_COMPOSE_H

/* Writes a message as MIME (RFC 5322, 2045 to 2047, 2231) to a sink, for items whose own MIME text the service cannot
 * give. Same input, same bytes. One thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct source_sink;

struct mime_compose {
    const struct source_sink *sink; /* borrowed */
    uint64_t bytes;                 /* given to it */
    uint8_t line[57];               /* of base64, not yet full */
    size_t filled;
};

/* One line as it is; the break is added. */
int mime_compose_line(struct mime_compose *compose, const char *text, struct error *err);
/* One header; any UTF-8 value, encoded when it is not plain ASCII. Line breaks in it become blanks. */
int mime_compose_header(struct mime_compose *compose, const char *name, const char *value, struct error *err);
/* A value out of a header: encoded words in it stay. */
int mime_compose_header_again(struct mime_compose *compose, const char *name, const char *value, struct error *err);
/* A value that is put together from mailboxes and encoded words already. */
int mime_compose_header_as_is(struct mime_compose *compose, const char *name, const char *value, struct error *err);
/* text as a header may hold it; free(). */
char *mime_compose_words(const char *text);

/* Header lines of a part that is a file, empty line included; its bytes follow as base64. */
struct mime_compose_file {
    const char *name, *content_type, *content_id; /* "" when there is none */
    bool is_inline;
};
int mime_compose_file(struct mime_compose *compose, const struct mime_compose_file *file, struct error *err);
int mime_compose_base64(struct mime_compose *compose, const void *data, size_t len, struct error *err);
int mime_compose_base64_end(struct mime_compose *compose, struct error *err);

#endif
