#include "tests/with_m365sim/simulator.h"

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/net/http_client.h"
#include "transporter/graph/graph_client.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define START_TRIES 1000

static void
die(const char *what, const struct error *err)
{
    fprintf(stderr, "%s: %s\n", what, err != NULL ? err->text : "failed");
    exit(1);
}

static pid_t
spawn(const char *const *argv)
{
    pid_t pid = fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM); /* it must not outlive a test that is killed */
        char *const *mutable_argv;
        memcpy(&mutable_argv, &argv, sizeof(argv));
        execv(argv[0], mutable_argv);
        _exit(127);
    }
    return pid;
}

void
simulator_run(const char *const *argv)
{
    int status = -1;

    if (waitpid(spawn(argv), &status, 0) < 0 || status != 0)
        die(argv[0], NULL);
}

static int
read_port(const char *path)
{
    int port = 0;
    FILE *file = fopen(path, "r");

    if (file != NULL) {
        if (fscanf(file, "%d", &port) != 1)
            port = 0;
        fclose(file);
    }
    return port;
}

static void
connect_client(struct simulator *sim, const char *ca)
{
    struct error err = ERROR_INIT;
    char *bundle = memory_printf("{\"tenant\":\"00000000-0000-4000-8000-0000000074a7\",\"client_id\":"
                                 "\"00000000-0000-4000-8000-00000000c11e\",\"client_secret\":\"s3cret+/=\","
                                 "\"login_url\":\"%s\",\"graph_url\":\"%s\"}",
                                 sim->origin, sim->origin);
    struct secret *credentials = secret_new(bundle, strlen(bundle), &err);

    sim->http = http_client_new(&(struct http_client_options){ .extra_ca = ca }, &err);
    if (sim->http == NULL)
        die("http client", &err);
    sim->graph = graph_client_new(
        &(struct graph_client_options){ .credentials = credentials, .http = sim->http, .clock = clock_system() }, &err);
    if (sim->graph == NULL)
        die("graph client", &err);
    secret_free(credentials);
    free(bundle);
}

void
simulator_start(struct simulator *sim, const char *binary, const char *tenant, const char *scratch)
{
    snprintf(sim->folder, sizeof(sim->folder), "%s", scratch);
    char *certificate = memory_printf("%s/server.pem", scratch), *key = memory_printf("%s/server.key", scratch);
    char *ca = memory_printf("%s/ca.pem", scratch), *ready = memory_printf("%s/ready", scratch);
    char *state = memory_printf("%s/state", scratch);
    const char *make[] = { binary, "--make-cert", scratch, NULL };
    const char *argv[] = { binary,      "--tenant",     tenant, "--cert",  certificate, "--key", key, "--client-secret",
                           "s3cret+/=", "--ready-file", ready,  "--state", state,       NULL };
    int port = 0;

    mkdir(state, 0700);
    simulator_run(make);
    sim->pid = spawn(argv);
    for (int i = 0; i < START_TRIES && port == 0; i++) {
        struct timespec t = { .tv_nsec = 10000000 };
        nanosleep(&t, NULL);
        port = read_port(ready);
    }
    if (port == 0)
        die("simulator does not come up", NULL);
    snprintf(sim->origin, sizeof(sim->origin), "https://localhost:%d", port);
    connect_client(sim, ca);
    free(certificate);
    free(key);
    free(ca);
    free(ready);
    free(state);
}

void
simulator_stop(struct simulator *sim)
{
    graph_client_free(sim->graph);
    http_client_free(sim->http);
    kill(sim->pid, SIGTERM);
    waitpid(sim->pid, NULL, 0);
}

void
simulator_control(struct simulator *sim, const char *what, const char *json)
{
    static const char *const headers[] = { "Content-Type: application/json" };
    struct error err = ERROR_INIT;
    struct http_response response;
    char *url = memory_printf("%s/_control/%s", sim->origin, what);
    const struct http_request request = {
        .method = "POST", .url = url, .headers = headers, .header_count = 1, .body = json, .body_len = strlen(json)
    };

    if (http_client_perform(sim->http, &request, &response, &err) != 0 || response.status / 100 != 2)
        die(what, &err);
    http_response_clear(&response);
    free(url);
}
