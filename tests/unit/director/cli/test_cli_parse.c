#include "director/cli/cli_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static int
parse(struct cli *cli, struct error *err, const char *first, ...)
{
    static char words[32][64]; /* argv outlives the parse, as that of main() does */
    char *argv[32] = { words[0] };
    int argc = 1;
    va_list list;

    memset(cli, 0, sizeof(*cli));
    error_clear(err);
    va_start(list, first);
    for (const char *word = first; word != NULL && argc < 32; word = va_arg(list, const char *)) {
        snprintf(words[argc], sizeof(words[argc]), "%s", word);
        argv[argc] = words[argc];
        argc++;
    }
    va_end(list);
    return cli_parse(cli, argc, argv, err);
}

#define PARSE(...) parse(&cli, &err, __VA_ARGS__, (char *)NULL)

static void
words_become_noun_verb_and_arguments(void **state)
{
    (void)state;
    struct cli cli;
    struct error err = ERROR_INIT;
    assert_int_equal(PARSE("point", "find", "point-1", "invoice"), 0);
    assert_string_equal(cli.noun->name, "point");
    assert_string_equal(cli.command->verb, "find");
    assert_string_equal(cli_argument(&cli, 0), "point-1");
    assert_string_equal(cli_argument(&cli, 1), "invoice");
    assert_null(cli_argument(&cli, 2));
}

static void
options_are_taken_in_both_spellings_and_anywhere(void **state)
{
    (void)state;
    struct cli cli;
    struct error err = ERROR_INIT;
    assert_int_equal(PARSE("--json", "transporter", "invite", "--label", "a=b", "t1", "--label=c=d", "--expires", "1h"),
                     0);
    assert_true(cli_flag(&cli, "json"));
    assert_string_equal(cli_option_nth(&cli, "label", 0), "a=b");
    assert_string_equal(cli_option_nth(&cli, "label", 1), "c=d");
    assert_null(cli_option_nth(&cli, "label", 2));
    assert_string_equal(cli_option(&cli, "expires"), "1h");
    assert_string_equal(cli_argument(&cli, 0), "t1");
}

static void
after_two_dashes_everything_is_an_argument(void **state)
{
    (void)state;
    struct cli cli;
    struct error err = ERROR_INIT;
    assert_int_equal(PARSE("point", "find", "p", "--", "--help"), 0);
    assert_false(cli.help);
    assert_string_equal(cli_argument(&cli, 1), "--help");
}

static void
mistakes_say_what_to_do(void **state)
{
    (void)state;
    struct cli cli;
    struct error err = ERROR_INIT;
    assert_int_equal(PARSE("tenent", "list"), -1);
    assert_string_equal(err.text, "unknown command \"tenent\"; longhaul --help lists those there are");
    assert_int_equal(PARSE("tenant", "lst"), -1);
    assert_string_equal(err.text, "unknown command \"tenant lst\"; longhaul tenant --help lists those there are");
    assert_int_equal(PARSE("tenant"), -1);
    assert_int_equal(PARSE("tenant", "show"), -1);
    assert_string_equal(err.text, "usage: longhaul tenant show NAME [OPTIONS]");
    assert_int_equal(PARSE("tenant", "show", "a", "b"), -1);
    assert_int_equal(PARSE("tenant", "list", "--tenant", "x"), -1);
    assert_int_equal(PARSE("run", "start", "j", "--wait=yes"), -1);
    assert_string_equal(err.text, "--wait takes no value");
    assert_int_equal(PARSE("run", "list", "--job"), -1);
    assert_string_equal(err.text, "--job wants NAME");
    assert_int_equal(PARSE("run", "list", "--job", "a", "--job", "b"), -1);
    assert_int_equal(PARSE("run", "list", "-j"), -1);
    assert_int_equal(err.kind, ERROR_USAGE);
}

static void
help_is_given_at_every_level_whatever_else_is_wrong(void **state)
{
    (void)state;
    struct cli cli;
    struct error err = ERROR_INIT;
    assert_int_equal(PARSE("--help"), 0);
    assert_null(cli.noun);
    assert_int_equal(PARSE("tenant", "--help"), 0);
    assert_non_null(cli.noun);
    assert_int_equal(PARSE("tenant", "add", "--nonsense", "-h"), 0);
    assert_string_equal(cli.command->verb, "add");
    assert_true(cli.help);
}

/* Every command can be called and explained; none takes a secret on the command line. */
static void
the_command_table_is_whole(void **state)
{
    (void)state;
    for (const struct cli_noun *noun = cli_nouns; noun->name != NULL; noun++) {
        assert_non_null(noun->summary);
        for (const struct cli_command *command = noun->commands; command->run != NULL; command++) {
            assert_non_null(command->summary);
            assert_non_null(command->arguments);
            assert_true(command->arguments_min <= command->arguments_max && command->arguments_max <= CLI_ARGUMENTS);
            for (const struct cli_option *o = command->options; o != NULL && o->name != NULL; o++) {
                assert_non_null(o->help);
                assert_string_not_equal(o->name, "password");
                assert_string_not_equal(o->name, "token");
                assert_string_not_equal(o->name, "client-secret");
            }
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_become_noun_verb_and_arguments),
        cmocka_unit_test(options_are_taken_in_both_spellings_and_anywhere),
        cmocka_unit_test(after_two_dashes_everything_is_an_argument),
        cmocka_unit_test(mistakes_say_what_to_do),
        cmocka_unit_test(help_is_given_at_every_level_whatever_else_is_wrong),
        cmocka_unit_test(the_command_table_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
