#ifndef LONGHAUL_COMMON_BASE_IDENTIFIER_H
#define LONGHAUL_COMMON_BASE_IDENTIFIER_H

/* Ids of our own things: a prefix that names the kind, '-', 20 characters of base32 (100 random bits), as
 * "tenant-4kzq…". Safe in URLs, file names and logs. */

#include <stdbool.h>

struct clock;

#define IDENTIFIER_LEN 40 /* with the NUL */

void identifier_new(const struct clock *clock, const char *prefix, char out[IDENTIFIER_LEN]);
/* Only lower-case letters, digits and '-', 1 to IDENTIFIER_LEN - 1 of them. */
bool identifier_valid(const char *text);

#endif
