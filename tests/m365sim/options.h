#ifndef LONGHAUL_TESTS_M365SIM_OPTIONS_H
#define LONGHAUL_TESTS_M365SIM_OPTIONS_H

/* The command line. */

#include <stdbool.h>

struct error;

struct options {
    const char *tenant;      /* folder */
    const char *listen;      /* "127.0.0.1:0" */
    const char *certificate; /* PEM files of the server */
    const char *key;
    const char *state; /* folder, or NULL: a temporary one */
    const char *client_id;
    const char *client_secret;
    const char *client_certificate; /* PEM, for signed assertions */
    const char *tenant_id;
    const char *limits; /* file, "off", or NULL: off */
    const char *ready_file;
    const char *make_cert; /* folder: write a throwaway authority and certificate there and end */
    bool help;
};

/* Texts are borrowed from argv. ERROR_USAGE with what is wrong. */
int options_parse(struct options *o, int argc, char **argv, struct error *err);
const char *options_help(void);

#endif
