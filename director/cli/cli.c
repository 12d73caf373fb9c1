#include "director/cli/cli.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "director/cli/cli_client.h"
#include "director/cli/cli_help.h"
#include "director/cli/cli_parse.h"
#include "director/cli/cli_settings.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

const char *
cli_option_nth(const struct cli *cli, const char *name, size_t n)
{
    for (size_t i = 0; i < cli->given_count; i++)
        if (strcmp(cli->given[i].option->name, name) == 0 && n-- == 0)
            return cli->given[i].value != NULL ? cli->given[i].value : "";
    return NULL;
}

const char *
cli_option(const struct cli *cli, const char *name)
{
    return cli_option_nth(cli, name, 0);
}

bool
cli_flag(const struct cli *cli, const char *name)
{
    return cli_option(cli, name) != NULL;
}

int
cli_option_required(const struct cli *cli, const char *name, const char **value, struct error *err)
{
    *value = cli_option(cli, name);
    if (*value == NULL)
        return FAIL(err, ERROR_USAGE, 0, "--%s is missing; longhaul %s %s --help explains it", name, cli->noun->name,
                    cli->command->verb != NULL ? cli->command->verb : "");
    return 0;
}

const char *
cli_argument(const struct cli *cli, size_t n)
{
    return n < cli->argument_count ? cli->arguments[n] : NULL;
}

int
cli_confirm(struct cli *cli, const char *question, struct error *err)
{
    char answer[16];

    if (cli_flag(cli, "yes"))
        return 0;
    if (!isatty(STDIN_FILENO))
        return FAIL(err, ERROR_USAGE, 0, "this wants an answer; --yes gives it where nobody can be asked");
    fprintf(cli->notices, "%s [y/N] ", question);
    fflush(cli->notices);
    if (fgets(answer, sizeof(answer), stdin) == NULL || (answer[0] != 'y' && answer[0] != 'Y'))
        return FAIL(err, ERROR_CANCELLED, 0, "nothing was changed");
    return 0;
}

static int
run_command(struct cli *cli, struct error *err)
{
    int result = cli->command->run(cli, err);

    cli_client_close(cli->client);
    cli->client = NULL;
    if (result == 0 && (fflush(cli->out) != 0 || ferror(cli->out)))
        return FAIL(err, ERROR_IO, 0, "the output could not be written");
    return result;
}

/* Also of a command line that was not understood up to there. */
static bool
has_word(int argc, char **argv, const char *word)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], word) == 0)
            return true;
    return false;
}

static void
print_error(bool json, const struct error *err)
{
    json_t *object =
        json ? json_pack("{s:{s:s, s:s}}", "error", "kind", error_kind_name(err->kind), "message", err->text) : NULL;

    /* A text that is not UTF-8 makes no JSON. */
    if (object == NULL || json_dumpf(object, stderr, JSON_COMPACT) != 0)
        fprintf(stderr, "longhaul: %s", err->text);
    fputc('\n', stderr);
    json_decref(object);
}

int
cli_main(int argc, char **argv)
{
    struct cli cli = { .clock = clock_system(), .out = stdout, .notices = stderr };
    struct error err = ERROR_INIT;

    /* By lines also into a pipe or a log, where results and notices would change places else. */
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    cli.terminal = isatty(STDERR_FILENO) == 1;
    log_setup(STDERR_FILENO, LOG_ERROR);
    int result = cli_parse(&cli, argc, argv, &err);
    if (result == 0 && cli.help) {
        cli_help_print(&cli);
        return 0;
    }
    if (result == 0 && cli.version) {
        printf("longhaul %s\n", LONGHAUL_VERSION);
        return 0;
    }
    if (result == 0)
        result = cli.check_config || cli.print_config ? cli_settings_show(&cli, &err) : run_command(&cli, &err);
    if (result == 0)
        return 0;
    fflush(stdout);
    print_error(cli_flag(&cli, "json") || has_word(argc, argv, "--json"), &err);
    return error_kind_exit_code(err.kind);
}
