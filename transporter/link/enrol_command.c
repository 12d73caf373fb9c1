#include "common/base/error.h"
#include "common/base/secret.h"
#include "transporter/link/enrol.h"
#include "transporter/link/host_port.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define TOKEN_LINE_MAX    128
#define DEFAULT_STATE_DIR "/var/lib/longhaul/transporter"

static const char usage[] =
    "usage: longhaul-transporter enrol --director HOST:PORT --fingerprint HEX --token TOKEN [--state-dir DIR]\n"
    "\n"
    "Makes this machine a transporter. `longhaul transporter invite NAME` on the director's side prints the whole\n"
    "command. Keys are made here and never leave.\n"
    "\n"
    "  --director HOST:PORT  where the director listens for transporters\n"
    "  --fingerprint HEX     SHA-256 of the director's root certificate\n"
    "  --token TOKEN         the one-time token; - reads it from standard input\n"
    "  --state-dir DIR       where the identity is kept (" DEFAULT_STATE_DIR ")\n";

struct arguments {
    const char *director, *fingerprint, *token, *state_dir;
    bool help;
};

static int
parse_arguments(int argc, char **argv, struct arguments *a, struct error *err)
{
    static const struct option known[] = {
        { "director", required_argument, NULL, 'd' }, { "fingerprint", required_argument, NULL, 'f' },
        { "token", required_argument, NULL, 't' },    { "state-dir", required_argument, NULL, 's' },
        { "help", no_argument, NULL, 'h' },           { NULL, 0, NULL, 0 },
    };
    int c;
    optind = 1;
    opterr = 0;
    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (c == 'd')
            a->director = optarg;
        else if (c == 'f')
            a->fingerprint = optarg;
        else if (c == 't')
            a->token = optarg;
        else if (c == 's')
            a->state_dir = optarg;
        else if (c == 'h')
            a->help = true;
        else
            return FAIL(err, ERROR_USAGE, 0, "enrol: unknown option, or one without its value: %s", argv[optind - 1]);
    }
    if (optind < argc)
        return FAIL(err, ERROR_USAGE, 0, "enrol: \"%s\" is no option", argv[optind]);
    if (!a->help && (a->director == NULL || a->fingerprint == NULL || a->token == NULL))
        return FAIL(err, ERROR_USAGE, 0, "enrol needs --director, --fingerprint and --token");
    return 0;
}

static int
read_token(char line[TOKEN_LINE_MAX], struct error *err)
{
    if (fgets(line, TOKEN_LINE_MAX, stdin) == NULL)
        return FAIL(err, ERROR_USAGE, 0, "no token on standard input");
    line[strcspn(line, " \t\r\n")] = '\0';
    return 0;
}

static int
enrol_with(const struct arguments *a, const struct clock *clock, struct error *err)
{
    char line[TOKEN_LINE_MAX];
    struct host_port director;
    if (host_port_parse(a->director, &director, err) != 0)
        return error_wrap(err, "--director");
    struct enrol_options options = { .clock = clock,
                                     .director_host = director.host,
                                     .director_port = director.port,
                                     .fingerprint = a->fingerprint,
                                     .token = a->token,
                                     .state_dir = a->state_dir };
    if (strcmp(a->token, "-") == 0) {
        if (read_token(line, err) != 0)
            return -1;
        options.token = line;
    }
    struct enrol_result result;
    int rc = enrol_run(&options, &result, err);
    secret_zero(line, sizeof(line));
    if (rc != 0)
        return -1;
    printf("enrolled as %s\n"
           "node id:      %s\n"
           "sealing key:  %s\n"
           "\n"
           "Before secrets are sealed to this transporter, compare the sealing key's fingerprint with the one that\n"
           "`longhaul transporter show %s` prints.\n",
           result.name, result.node_id, result.sealing_fingerprint, result.name);
    return 0;
}

int
enrol_command(int argc, char **argv, const struct clock *clock)
{
    struct error err = ERROR_INIT;
    struct arguments a = { .state_dir = DEFAULT_STATE_DIR };
    if (parse_arguments(argc, argv, &a, &err) != 0) {
        fprintf(stderr, "longhaul-transporter: %s\n\n%s", err.text, usage);
        return error_kind_exit_code(err.kind);
    }
    if (a.help) {
        fputs(usage, stdout);
        return 0;
    }
    if (enrol_with(&a, clock, &err) == 0)
        return 0;
    fprintf(stderr, "longhaul-transporter: cannot enrol: %s\n", err.text);
    return error_kind_exit_code(err.kind);
}
