#ifndef LONGHAUL_TESTS_M365SIM_MIME_H
#define LONGHAUL_TESTS_M365SIM_MIME_H

/* A reader of Internet messages (RFC 5322, 2045 to 2049, 2231) for mail as it is: broken, cut off, in any
 * charset. Nothing in here fails on content; what cannot be understood is left out. Texts handed out are valid
 * UTF-8 without NUL and the caller's to free. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mime_field {
    const char *name;
    size_t name_len;
    const char *value; /* folded, as it came */
    size_t value_len;
};

struct mime_headers {
    struct mime_field *fields;
    size_t count;
    size_t end; /* where the body begins */
};

/* Borrows data. */
void mime_headers_parse(struct mime_headers *h, const char *data, size_t len);
void mime_headers_clear(struct mime_headers *h);
/* The first field of that name, unfolded; NULL when there is none. _text decodes RFC 2047 words too. */
char *mime_headers_raw(const struct mime_headers *h, const char *name);
char *mime_headers_text(const struct mime_headers *h, const char *name);
/* All fields of that name, joined by ", ". */
char *mime_headers_all(const struct mime_headers *h, const char *name);
/* A parameter of an unfolded value ("boundary" of a Content-Type), RFC 2231 forms included. */
char *mime_parameter(const char *value, const char *name);

char *mime_decode_words(const char *text);
/* Bytes in a charset (NULL or unknown: UTF-8 when they are, else windows-1252). */
char *mime_to_utf8(const char *charset, const char *data, size_t len);

struct mime_address {
    char *name; /* "" when there is none */
    char *address;
};

/* Mailboxes of an address list, groups dissolved; at most limit of them, freed with mime_addresses_free(). */
size_t mime_addresses(const char *text, struct mime_address *out, size_t limit);
void mime_addresses_free(struct mime_address *list, size_t count);

/* "Mon, 14 Sep 2026 09:58:07 +0200" and what resembles it. 0, or -1 when it is no date. */
int mime_date(const char *text, int64_t *wall_ms);

enum mime_encoding { MIME_IDENTITY, MIME_BASE64, MIME_QUOTED };

struct mime_part {
    int parent; /* -1: the message itself */
    int depth;
    char type[80]; /* "text/html", lower case */
    char charset[40];
    enum mime_encoding encoding;
    bool attachment;    /* Content-Disposition says so */
    bool inline_;       /* it says inline */
    char *name;         /* file name, or NULL */
    char *content_id;   /* without angle brackets, or NULL */
    size_t offset, len; /* of the content, still encoded */
};

struct mime_message {
    const char *data;
    size_t len;
    struct mime_headers headers;
    struct mime_part *parts; /* in order of appearance; the first is the message itself */
    size_t part_count;
    int plain, html; /* the parts that are the body, -1: none */
};

/* Borrows data. */
void mime_message_parse(struct mime_message *m, const char *data, size_t len);
void mime_message_clear(struct mime_message *m);
/* Whether a part is what Graph calls an attachment. */
bool mime_message_is_attachment(const struct mime_message *m, size_t part);
/* The decoded bytes of a part; the caller frees them. */
char *mime_message_content(const struct mime_message *m, size_t part, size_t *len);
/* The decoded text of a part. */
char *mime_message_text(const struct mime_message *m, size_t part);

#endif
