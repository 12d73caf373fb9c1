#ifndef LONGHAUL_TRANSPORTER_RESTORE_USED_NAMES_H
#define LONGHAUL_TRANSPORTER_RESTORE_USED_NAMES_H

/* Names that are taken, 8 to 16 bytes of memory each, without regard to the case of A to Z (file systems that unpack an
 * archive may not tell them apart). Hashed: of a billion names one may count as taken that is not. One thread. */

#include <stdbool.h>

struct used_names;

struct used_names *used_names_new(void);
void used_names_free(struct used_names *names);
/* False when it was taken. */
bool used_names_add(struct used_names *names, const char *name);

#endif
