#include "common/base/identifier.h"

#include "common/base/clock.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

void
identifier_new(const struct clock *clock, const char *prefix, char out[IDENTIFIER_LEN])
{
    static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
    uint8_t random[20];
    char tail[sizeof(random) + 1];
    clock_random(clock, random, sizeof(random));
    for (size_t i = 0; i < sizeof(random); i++)
        tail[i] = alphabet[random[i] & 31];
    tail[sizeof(random)] = '\0';
    snprintf(out, IDENTIFIER_LEN, "%.18s-%s", prefix, tail);
}

bool
identifier_valid(const char *text)
{
    size_t len = strnlen(text, IDENTIFIER_LEN);
    if (len == 0 || len >= IDENTIFIER_LEN)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return true;
}
