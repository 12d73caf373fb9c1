#include "director/cli/cli_parse.h"

#include <string.h>

static const struct cli_noun *
find_noun(const char *name)
{
    for (const struct cli_noun *noun = cli_nouns; noun->name != NULL; noun++)
        if (strcmp(noun->name, name) == 0)
            return noun;
    return NULL;
}

static const struct cli_command *
find_verb(const struct cli_noun *noun, const char *verb)
{
    for (const struct cli_command *command = noun->commands; command->run != NULL; command++)
        if (command->verb == NULL || strcmp(command->verb, verb) == 0)
            return command;
    return NULL;
}

static const struct cli_option *
find_option(const struct cli_option *options, const char *name, size_t len)
{
    for (; options != NULL && options->name != NULL; options++)
        if (strlen(options->name) == len && memcmp(options->name, name, len) == 0)
            return options;
    return NULL;
}

static bool
given_already(const struct cli *cli, const struct cli_option *option)
{
    for (size_t i = 0; i < cli->given_count; i++)
        if (cli->given[i].option == option)
            return true;
    return false;
}

/* Takes argv[*at], and the next one when it is the value. */
static int
take_option(struct cli *cli, int argc, char **argv, int *at, struct error *err)
{
    const char *name = argv[*at] + 2, *equals = strchr(name, '=');
    size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name);
    const struct cli_option *option = find_option(cli_common_options, name, len);
    const char *value = equals != NULL ? equals + 1 : NULL;

    if (option == NULL && cli->command != NULL)
        option = find_option(cli->command->options, name, len);
    if (option == NULL)
        return FAIL(err, ERROR_USAGE, 0, "unknown option --%.*s; --help lists those there are", (int)len, name);
    if (option->value == NULL && value != NULL)
        return FAIL(err, ERROR_USAGE, 0, "--%s takes no value", option->name);
    if (option->value != NULL && value == NULL) {
        if (*at + 1 >= argc)
            return FAIL(err, ERROR_USAGE, 0, "--%s wants %s", option->name, option->value);
        value = argv[++*at];
    }
    if (!option->many && given_already(cli, option))
        return FAIL(err, ERROR_USAGE, 0, "--%s is given twice", option->name);
    if (cli->given_count == CLI_OPTIONS)
        return FAIL(err, ERROR_USAGE, 0, "more than %d options", CLI_OPTIONS);
    cli->given[cli->given_count++] = (struct cli_given){ .option = option, .value = value };
    return 0;
}

static int
take_word(struct cli *cli, const char *word, struct error *err)
{
    if (cli->noun == NULL) {
        cli->noun = find_noun(word);
        if (cli->noun == NULL)
            return FAIL(err, ERROR_USAGE, 0, "unknown command \"%s\"; longhaul --help lists those there are", word);
        if (cli->noun->commands->verb == NULL)
            cli->command = cli->noun->commands;
        return 0;
    }
    if (cli->command == NULL) {
        cli->command = find_verb(cli->noun, word);
        if (cli->command == NULL)
            return FAIL(err, ERROR_USAGE, 0, "unknown command \"%s %s\"; longhaul %s --help lists those there are",
                        cli->noun->name, word, cli->noun->name);
        return 0;
    }
    if (cli->argument_count == cli->command->arguments_max)
        return FAIL(err, ERROR_USAGE, 0, "too many arguments at \"%s\"", word);
    cli->arguments[cli->argument_count++] = word;
    return 0;
}

static int
check_complete(const struct cli *cli, struct error *err)
{
    if (cli->noun == NULL)
        return FAIL(err, ERROR_USAGE, 0, "no command; longhaul --help lists those there are");
    if (cli->command == NULL)
        return FAIL(err, ERROR_USAGE, 0, "no verb; longhaul %s --help lists those there are", cli->noun->name);
    if (cli->argument_count < cli->command->arguments_min)
        return FAIL(err, ERROR_USAGE, 0, "usage: longhaul %s%s%s %s [OPTIONS]", cli->noun->name,
                    cli->command->verb != NULL ? " " : "", cli->command->verb != NULL ? cli->command->verb : "",
                    cli->command->arguments);
    return 0;
}

int
cli_parse(struct cli *cli, int argc, char **argv, struct error *err)
{
    bool options = true;

    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--") == 0)
            break;
        else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            cli->help = true;
        else if (strcmp(argv[i], "--version") == 0)
            cli->version = true;
    for (int i = 1; i < argc; i++) {
        int result;
        if (options && strcmp(argv[i], "--") == 0) {
            options = false;
            continue;
        }
        if (options && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0))
            continue;
        if (options && argv[i][0] == '-' && argv[i][1] == '-')
            result = take_option(cli, argc, argv, &i, err);
        else if (options && argv[i][0] == '-' && argv[i][1] != '\0')
            result = FAIL(err, ERROR_USAGE, 0, "unknown option %s; options begin with --", argv[i]);
        else
            result = take_word(cli, argv[i], err);
        if (result != 0 && !cli->help && !cli->version)
            return -1;
        if (result != 0)
            error_clear(err);
    }
    cli->check_config = cli_flag(cli, "check-config");
    cli->print_config = cli_flag(cli, "print-config");
    bool alone = cli->help || cli->version || cli->check_config || cli->print_config;
    return alone ? 0 : check_complete(cli, err);
}
