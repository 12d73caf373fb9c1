#ifndef LONGHAUL_TRANSPORTER_LINK_ENROL_H
#define LONGHAUL_TRANSPORTER_LINK_ENROL_H

/* Making this machine a transporter. Main thread; runs a loop of its own for the one call. */

#include "common/base/identifier.h"
#include "common/crypto/sealing_key.h"

struct clock;
struct error;

struct enrol_options {
    const struct clock *clock;
    const char *director_host;
    uint16_t director_port;
    const char *fingerprint; /* 64 hex digits of the director's root, as the invite prints it; ':' and spaces allowed */
    const char *token;
    const char *state_dir;
};

struct enrol_result {
    char node_id[IDENTIFIER_LEN];
    char name[64];
    char sealing_fingerprint[SEALING_KEY_FINGERPRINT_LEN];
};

/* A node whose certificate has ended may enrol again with its keys: given a new invite for its name it keeps its id.
 * ERROR_EXISTS: enrolled already, the certificate is good. ERROR_USAGE: a fingerprint that is none. ERROR_DENIED,
 * ERROR_UNAUTHENTICATED, ERROR_CONFIG (clock), ERROR_NETWORK: from the director, with its words. */
int enrol_run(const struct enrol_options *options, struct enrol_result *result, struct error *err);

/* `longhaul-transporter enrol --director HOST:PORT --fingerprint HEX --token TOKEN [--state-dir DIR]`, argv[0] being
 * "enrol". --token - reads it from standard input. Prints to standard output and error; returns the exit code. */
int enrol_command(int argc, char **argv, const struct clock *clock);

#endif
