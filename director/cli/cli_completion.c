#include "director/cli/cli_nouns.h"

#include <string.h>

static void
print_options(FILE *out, const struct cli_option *options)
{
    for (; options != NULL && options->name != NULL; options++)
        fprintf(out, " --%s", options->name);
}

static void
print_noun(FILE *out, const struct cli_noun *noun)
{
    if (noun->commands->verb == NULL) {
        fprintf(out, "        \"%s \"*) words=\"", noun->name);
        print_options(out, noun->commands->options);
        fprintf(out, "\" ;;\n");
        return;
    }
    for (const struct cli_command *command = noun->commands; command->run != NULL; command++) {
        fprintf(out, "        \"%s %s\") words=\"", noun->name, command->verb);
        print_options(out, command->options);
        fprintf(out, "\" ;;\n");
    }
    fprintf(out, "        \"%s \"*) words=\"", noun->name);
    for (const struct cli_command *command = noun->commands; command->run != NULL; command++)
        fprintf(out, "%s%s", command == noun->commands ? "" : " ", command->verb);
    fprintf(out, "\" ;;\n");
}

static int
completion(struct cli *cli, struct error *err)
{
    FILE *out = cli->out;

    if (strcmp(cli_argument(cli, 0), "bash") != 0)
        return FAIL(err, ERROR_UNSUPPORTED, 0, "there is completion for bash only");
    fprintf(out,
            "# longhaul completion bash: source this, or put it into /usr/share/bash-completion/completions/longhaul\n"
            "_longhaul()\n{\n"
            "    local current=${COMP_WORDS[COMP_CWORD]} words=\n"
            "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        words=\"");
    for (const struct cli_noun *noun = cli_nouns; noun->name != NULL; noun++)
        fprintf(out, "%s ", noun->name);
    fprintf(out, "--help --version\"\n    else\n        case \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n");
    for (const struct cli_noun *noun = cli_nouns; noun->name != NULL; noun++)
        print_noun(out, noun);
    fprintf(out, "        esac\n        [[ $current != -* ]] || words=\"$words");
    print_options(out, cli_common_options);
    fprintf(out, "\"\n    fi\n"
                 "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
                 "    [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"$current\"))\n"
                 "}\ncomplete -F _longhaul longhaul\n");
    return 0;
}

const struct cli_command cli_completion_commands[] = {
    { NULL, "bash", 1, 1, "Print completion for bash", "  source <(longhaul completion bash)\n", NULL, completion },
    { NULL, NULL, 0, 0, NULL, NULL, NULL, NULL },
};
