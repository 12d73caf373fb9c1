#ifndef LONGHAUL_DIRECTOR_CLI_CLI_SECRET_H
#define LONGHAUL_DIRECTOR_CLI_CLI_SECRET_H

/* Secrets come from a file, standard input, the environment or a prompt without echo; never from the command line. */

#include "director/cli/cli.h"

struct secret;

/* The file's bytes without the line end; "-" is standard input. ERROR_USAGE when it is empty. */
struct secret *cli_secret_from_file(const char *path, struct error *err);

struct cli_secret_source {
    const char *option;   /* names a file: "client-secret-file" */
    const char *variable; /* of the environment */
    const char *prompt;   /* "Client secret" */
    bool twice;           /* a new one: typed again to catch slips */
};
/* In that order. ERROR_USAGE when there is none and nobody to ask. */
struct secret *cli_secret_read(struct cli *cli, const struct cli_secret_source *source, struct error *err);

/* A JSON object of texts, written straight into locked memory. A field has either a text or a secret. */
struct cli_secret_field {
    const char *name;
    const char *text;
    const struct secret *secret;
};
/* Fields with neither are left out. ERROR_FORMAT when a value is not UTF-8. */
struct secret *cli_secret_object(const struct cli_secret_field *fields, size_t count, struct error *err);

#endif
