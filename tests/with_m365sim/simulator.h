#ifndef LONGHAUL_TESTS_WITH_M365SIM_SIMULATOR_H
#define LONGHAUL_TESTS_WITH_M365SIM_SIMULATOR_H

/* A simulator process with its certificate, serving one tenant folder until it is stopped. */

#include <sys/types.h>

struct graph_client;
struct http_client;

struct simulator {
    pid_t pid;
    char folder[256]; /* certificate, state */
    char origin[64];
    struct http_client *http;
    struct graph_client *graph;
};

/* Exits the program when it does not come up. */
void simulator_start(struct simulator *sim, const char *binary, const char *tenant, const char *scratch);
void simulator_stop(struct simulator *sim);
/* POST /_control/<what> */
void simulator_control(struct simulator *sim, const char *what, const char *json);

/* Runs a program to its end; exits when that fails. */
void simulator_run(const char *const *argv);

#endif
