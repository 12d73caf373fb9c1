#include "common/config/config.h"

#include "common/base/error.h"
#include "common/base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct sample {
    const char *dir, *listen, *level, *token;
    uint64_t slots, wait, room;
    bool fast;
};

#define OPTION(k, t, field, def, lo, hi, words, hidden)                                                                \
    {                                                                                                                  \
        .key = (k), .type = (t), .offset = offsetof(struct sample, field), .default_text = (def), .lowest = (lo),      \
        .highest = (hi), .choices = (words), .secret = (hidden), .help = "help"                                        \
    }

static const struct config_option options[] = {
    OPTION("state_dir", CONFIG_PATH, dir, "/var/lib/x", 0, 0, NULL, false),
    OPTION("rpc.listen", CONFIG_ADDRESS, listen, "0.0.0.0:8443", 0, 0, NULL, false),
    OPTION("rpc.token", CONFIG_TEXT, token, "", 0, 0, NULL, true),
    OPTION("log.level", CONFIG_CHOICE, level, "info", 0, 0, "debug info warn error", false),
    OPTION("task.slots", CONFIG_UINT, slots, "4", 1, 64, NULL, false),
    OPTION("task.wait", CONFIG_DURATION, wait, "10s", 0, 0, NULL, false),
    OPTION("task.room", CONFIG_SIZE, room, "16MiB", 0, 0, NULL, false),
    OPTION("fast", CONFIG_BOOL, fast, "false", 0, 0, NULL, false),
};
static const struct config_schema schema = { "sample", options, ARRAY_LEN(options) };

static int
read_text(struct config *config, const char *text, struct error *err)
{
    return config_read(config, "x.yaml", text, strlen(text), err);
}

static void
defaults_fill_the_struct(void **state)
{
    (void)state;
    struct config *config = config_new(&schema);
    struct sample s;
    config_store(config, &s);
    assert_string_equal(s.listen, "0.0.0.0:8443");
    assert_int_equal(s.wait, 10000);
    assert_int_equal(s.room, 16 << 20);
    assert_false(s.fast);
    config_free(config);
}

static void
a_file_overrides_and_the_command_line_overrides_that(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct config *config = config_new(&schema);
    assert_int_equal(read_text(config, "rpc:\n  listen: '[::1]:7'\ntask:\n  slots: 9\nfast: true\n", &err), 0);
    assert_int_equal(config_set(config, "task.slots=11", &err), 0);
    struct sample s;
    config_store(config, &s);
    assert_string_equal(s.listen, "[::1]:7");
    assert_int_equal(s.slots, 11);
    assert_true(s.fast);
    config_free(config);
}

struct refusal {
    const char *text, *message;
};

static void
nonsense_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        { "rpc:\n  lisen: a:1\n", "x.yaml:2:3: unknown key rpc.lisen (did you mean rpc.listen?)" },
        { "task:\n  slots: 99\n", "x.yaml:2:10: task.slots: 99 is outside 1 to 64" },
        { "task:\n  wait: 10\n", "x.yaml:2:9: task.wait: expected a duration such as 500ms, 10s, 5m, 2h or 30d" },
        { "fast: yes\n", "x.yaml:1:7: fast: expected true or false" },
        { "fast: true\nfast: true\n", "x.yaml:2:1: this key is given twice" },
        { "fast: [true]\n", "x.yaml:1:7: expected a value or a section, not a list or an alias" },
        { "fast:\n  very: true\n", "x.yaml:1:1: this key takes a value, not a section" },
        { "state_dir: relative\n", "x.yaml:1:12: state_dir: expected an absolute path" },
        { "log:\n  level: loud\n", "x.yaml:2:10: log.level: expected one of: debug info warn error" },
        { "rpc:\n  listen: nowhere\n", "x.yaml:2:11: rpc.listen: expected host:port, such as 0.0.0.0:8443" },
        { "- a\n", "x.yaml:1:1: expected \"key: value\" lines" },
    };
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        struct error err = ERROR_INIT;
        struct config *config = config_new(&schema);
        assert_int_equal(read_text(config, refusals[i].text, &err), -1);
        assert_string_equal(err.text, refusals[i].message);
        assert_int_equal(err.kind, ERROR_CONFIG);
        config_free(config);
    }
}

static void
a_refused_file_changes_nothing(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct config *config = config_new(&schema);
    assert_int_equal(read_text(config, "task:\n  slots: 9\nfast: maybe\n", &err), -1);
    struct sample s;
    config_store(config, &s);
    assert_int_equal(s.slots, 4);
    config_free(config);
}

static void
printing_tells_origins_and_conceals_secrets(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct config *config = config_new(&schema);
    assert_int_equal(read_text(config, "rpc:\n  token: hunter2\n", &err), 0);
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    config_print(config, out);
    fclose(out);
    assert_null(strstr(text, "hunter2"));
    assert_non_null(
        strstr(text, "rpc:\n  listen: \"0.0.0.0:8443\"  # default\n  token: \"(concealed)\"  # x.yaml:2\n"));
    free(text);
    config_free(config);
}

static void
the_reference_names_every_option(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    config_document(&schema, out);
    fclose(out);
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        assert_non_null(strstr(text, options[i].key));
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_fill_the_struct),
        cmocka_unit_test(a_file_overrides_and_the_command_line_overrides_that),
        cmocka_unit_test(nonsense_is_refused_with_its_place),
        cmocka_unit_test(a_refused_file_changes_nothing),
        cmocka_unit_test(printing_tells_origins_and_conceals_secrets),
        cmocka_unit_test(the_reference_names_every_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
