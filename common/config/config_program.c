#include "common/config/config_program.h"

#include "common/base/error.h"
#include "common/base/memory.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SETTINGS_MAX 64

struct command_line {
    const char *file;
    const char *settings[SETTINGS_MAX];
    size_t setting_count;
    bool check, print, options, help, version;
};

static int
parse(int argc, char **argv, struct command_line *line, struct error *err)
{
    static const struct option longs[] = {
        { "config", required_argument, NULL, 'c' },  { "set", required_argument, NULL, 's' },
        { "check-config", no_argument, NULL, 'k' },  { "print-config", no_argument, NULL, 'p' },
        { "print-options", no_argument, NULL, 'o' }, { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'v' },       { NULL, 0, NULL, 0 }
    };
    optind = 1;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, "+:c:hv", longs, NULL)) != -1;) {
        if (c == 'c') {
            line->file = optarg;
        } else if (c == 's') {
            if (line->setting_count == SETTINGS_MAX)
                return FAIL(err, ERROR_USAGE, 0, "--set is given more than %d times", SETTINGS_MAX);
            line->settings[line->setting_count++] = optarg;
        } else if (c == ':') {
            return FAIL(err, ERROR_USAGE, 0, "%s takes a value; see --help", argv[optind - 1]);
        } else if (c == '?') {
            return FAIL(err, ERROR_USAGE, 0, "unknown option %s; see --help", argv[optind - 1]);
        }
        line->check |= c == 'k';
        line->print |= c == 'p';
        line->options |= c == 'o';
        line->help |= c == 'h';
        line->version |= c == 'v';
    }
    return 0;
}

static void
print_help(const struct config_program *program)
{
    printf("%s: %s\n\nUsage: %s [options]%s\n\n", program->schema->program, program->summary, program->schema->program,
           program->commands != NULL ? " [command]" : "");
    if (program->commands != NULL)
        printf("%s\n", program->commands);
    printf("Options:\n"
           "  -c, --config FILE     read this file%s%s%s\n"
           "      --set KEY=VALUE   set one value, over the file's\n"
           "      --check-config    check the configuration and exit\n"
           "      --print-config    print every value and where it came from; secrets are concealed\n"
           "      --print-options   print the reference of all keys\n"
           "  -h, --help            this page\n"
           "  -v, --version         the version\n\nKeys:\n",
           program->default_file != NULL ? " (default: " : "",
           program->default_file != NULL ? program->default_file : "", program->default_file != NULL ? ")" : "");
    for (size_t i = 0; i < program->schema->count; i++) {
        const struct config_option *option = &program->schema->options[i];
        printf("  %-24s %s [%s]\n", option->key, option->help, option->default_text);
    }
}

static int
load(const struct config_program *program, struct config *config, const struct command_line *line, struct error *err)
{
    const char *file = line->file;
    if (file == NULL && program->default_file != NULL && access(program->default_file, F_OK) == 0)
        file = program->default_file;
    if (file != NULL && config_read_file(config, file, err) != 0)
        return -1;
    for (size_t i = 0; i < line->setting_count; i++) {
        if (config_set(config, line->settings[i], err) != 0)
            return error_wrap(err, "--set");
    }
    return 0;
}

enum config_outcome
config_program_start(const struct config_program *program, struct config *config, int argc, char **argv, int *rest,
                     struct error *err)
{
    struct command_line line = { 0 };
    if (parse(argc, argv, &line, err) != 0)
        return CONFIG_FAILED;
    if (line.help) {
        print_help(program);
        return CONFIG_DONE;
    }
    if (line.version) {
        printf("%s %s\n", program->schema->program, LONGHAUL_VERSION);
        return CONFIG_DONE;
    }
    if (line.options) {
        config_document(program->schema, stdout);
        return CONFIG_DONE;
    }
    if (rest != NULL)
        *rest = optind;
    else if (optind < argc) {
        FAIL(err, ERROR_USAGE, 0, "unexpected argument %s; see --help", argv[optind]);
        return CONFIG_FAILED;
    }
    if (load(program, config, &line, err) != 0)
        return CONFIG_FAILED;
    if (!line.print && program->check != NULL && program->check(config, err) != 0)
        return CONFIG_FAILED;
    if (line.print)
        config_print(config, stdout);
    else if (line.check)
        printf("configuration is valid\n");
    return line.print || line.check ? CONFIG_DONE : CONFIG_RUN;
}
