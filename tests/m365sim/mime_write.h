#ifndef LONGHAUL_TESTS_M365SIM_MIME_WRITE_H
#define LONGHAUL_TESTS_M365SIM_MIME_WRITE_H

#include <jansson.h>

struct error;
struct message;

/* The MIME of a message that came as JSON, in an unnamed file in folder `temporary`; -1 on failure. */
int mime_write(const struct message *m, const json_t *document, const char *temporary, struct error *err);

#endif
