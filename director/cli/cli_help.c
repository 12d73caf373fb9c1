#include "director/cli/cli_help.h"

#include "director/cli/cli.h"

#include <string.h>

#define COLUMN 26

static void
print_options(FILE *out, const struct cli_option *options)
{
    char left[80];

    for (; options != NULL && options->name != NULL; options++) {
        snprintf(left, sizeof(left), "--%s%s%s", options->name, options->value != NULL ? " " : "",
                 options->value != NULL ? options->value : "");
        if (strlen(left) > COLUMN)
            fprintf(out, "  %s\n  %-*s  %s%s\n", left, COLUMN, "", options->help, options->many ? " (repeatable)" : "");
        else
            fprintf(out, "  %-*s  %s%s\n", COLUMN, left, options->help, options->many ? " (repeatable)" : "");
    }
}

static void
print_program(FILE *out)
{
    fprintf(out, "longhaul %s: backup of Microsoft 365\n\nUsage: longhaul COMMAND ... [OPTIONS]\n\nCommands:\n",
            LONGHAUL_VERSION);
    for (const struct cli_noun *noun = cli_nouns; noun->name != NULL; noun++)
        fprintf(out, "  %-14s  %s\n", noun->name, noun->summary);
    fprintf(out, "\nOptions of every command:\n");
    print_options(out, cli_common_options);
    fprintf(out, "\nFirst steps:\n"
                 "  longhaul login --director https://director.example:8440 --ca-fingerprint HEX --token-file FILE\n"
                 "  longhaul transporter invite frankfurt-1\n"
                 "\nlonghaul COMMAND --help tells more. Exit codes: 0 done; 64 usage; 65 bad data; 66 not found;\n"
                 "69 unavailable; 70 defect; 73 exists; 74 input/output; 75 try again; 77 not allowed; 78 set-up.\n");
}

static void
print_noun(FILE *out, const struct cli_noun *noun)
{
    fprintf(out, "%s\n\nUsage: longhaul %s COMMAND ... [OPTIONS]\n\nCommands:\n", noun->summary, noun->name);
    for (const struct cli_command *command = noun->commands; command->run != NULL; command++) {
        char left[80];
        snprintf(left, sizeof(left), "%s %s", command->verb, command->arguments);
        fprintf(out, "  %-*s  %s\n", COLUMN, left, command->summary);
    }
    fprintf(out, "\nlonghaul %s COMMAND --help tells more.\n", noun->name);
}

static void
print_command(FILE *out, const struct cli_noun *noun, const struct cli_command *command)
{
    fprintf(out, "%s\n\nUsage: longhaul %s%s%s %s%s[OPTIONS]\n", command->summary, noun->name,
            command->verb != NULL ? " " : "", command->verb != NULL ? command->verb : "", command->arguments,
            command->arguments[0] != '\0' ? " " : "");
    if (command->options != NULL) {
        fprintf(out, "\nOptions:\n");
        print_options(out, command->options);
    }
    fprintf(out, "\nOptions of every command:\n");
    print_options(out, cli_common_options);
    if (command->examples != NULL)
        fprintf(out, "\nExamples:\n%s", command->examples);
}

void
cli_help_print(const struct cli *cli)
{
    if (cli->noun == NULL)
        print_program(cli->out);
    else if (cli->command == NULL)
        print_noun(cli->out, cli->noun);
    else
        print_command(cli->out, cli->noun, cli->command);
}
