#ifndef LONGHAUL_TESTS_SAMPLE_SAMPLE_MAIL_H
#define LONGHAUL_TESTS_SAMPLE_SAMPLE_MAIL_H

/* Writes RFC 5322 messages of several shapes from a small deterministic generator. */

#include <stdint.h>
#include <stdio.h>

struct sample_random {
    uint64_t state;
};

uint32_t sample_random_next(struct sample_random *random, uint32_t below);
/* Sentences of readable text, len bytes or a little more. */
void sample_text(struct sample_random *random, size_t len, FILE *out);

struct sample_person {
    const char *name, *address;
};

struct sample_message {
    int number;
    int64_t sent; /* seconds since 1970 */
    const struct sample_person *from, *to;
    const char *subject;
    const uint8_t *attachment; /* NULL: none */
    size_t attachment_len;
    const char *attachment_name;
};

void sample_mail_write(struct sample_random *random, const struct sample_message *message, FILE *out);

#endif
