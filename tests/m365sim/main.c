/* m365sim: a Microsoft 365 tenant made of a folder, for tests and benchmarks. See README.md. */

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/m365sim/files.h"
#include "tests/m365sim/http_server.h"
#include "tests/m365sim/make_cert.h"
#include "tests/m365sim/sim.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static int
announce(const struct sim *sim, const struct http_server *server, struct error *err)
{
    char text[16];
    int len = snprintf(text, sizeof(text), "%u\n", http_server_port(server));
    printf("m365sim: https://localhost:%u tenant=%s client=%s\n", http_server_port(server), sim->options.tenant_id,
           sim->options.client_id);
    fflush(stdout);
    return sim->options.ready_file == NULL ? 0 : files_replace(sim->options.ready_file, text, (size_t)len, err);
}

static int
serve(struct sim *sim, struct error *err)
{
    sigset_t stop;
    int signal_number;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    pthread_sigmask(SIG_BLOCK, &stop, NULL);
    signal(SIGPIPE, SIG_IGN);
    struct http_server *server = http_server_open(sim, err);
    int result = server == NULL ? -1 : announce(sim, server, err);
    if (result == 0)
        sigwait(&stop, &signal_number);
    http_server_close(server);
    return result;
}

int
main(int argc, char **argv)
{
    struct error err = ERROR_INIT;
    struct sim sim;
    memset(&sim, 0, sizeof(sim));
    int result = options_parse(&sim.options, argc, argv, &err);
    if (result == 0 && sim.options.help) {
        fputs(options_help(), stdout);
        return 0;
    }
    if (result == 0 && sim.options.make_cert != NULL)
        result = make_cert(clock_system(), sim.options.make_cert, &err);
    else if (result == 0) {
        result = sim_open(&sim, clock_system(), &err);
        if (result == 0)
            result = serve(&sim, &err);
        sim_close(&sim);
    }
    if (result != 0)
        fprintf(stderr, "m365sim: %s\n", err.text);
    return result == 0 ? 0 : error_kind_exit_code(err.kind);
}
