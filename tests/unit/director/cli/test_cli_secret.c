#include "director/cli/cli_secret.h"

#include "common/base/memory.h"
#include "common/base/secret.h"
#include "director/cli/cli_settings.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static void
an_object_of_secrets_is_valid_json(void **state)
{
    (void)state;
    CLEANUP(secret_free_p) struct secret *password = secret_new("q\"\\\n\x01€", 8, NULL);
    const struct cli_secret_field fields[] = { { "tenant", "contoso", NULL },
                                               { "absent", NULL, NULL },
                                               { "client_secret", NULL, password } };
    struct error err = ERROR_INIT;
    CLEANUP(secret_free_p) struct secret *object = cli_secret_object(fields, ARRAY_LEN(fields), &err);
    assert_non_null(object);
    json_t *json = json_loadb((const char *)secret_bytes(object), secret_len(object), 0, NULL);
    assert_int_equal(json_object_size(json), 2);
    assert_string_equal(json_string_value(json_object_get(json, "tenant")), "contoso");
    assert_string_equal(json_string_value(json_object_get(json, "client_secret")), "q\"\\\n\x01€");
    json_decref(json);
}

static void
what_is_not_utf8_or_too_long_is_refused(void **state)
{
    (void)state;
    struct cli_secret_field field = { "password", "\xff", NULL };
    struct error err = ERROR_INIT;
    assert_null(cli_secret_object(&field, 1, &err));
    assert_int_equal(err.kind, ERROR_FORMAT);
    char *longest = memset(memory_new(SECRET_MAX), 'a', SECRET_MAX - 1);
    field.text = longest;
    error_clear(&err);
    assert_null(cli_secret_object(&field, 1, &err));
    assert_int_equal(err.kind, ERROR_LIMIT);
    free(longest);
}

static void
a_file_loses_its_line_end_only(void **state)
{
    (void)state;
    char path[] = "/tmp/test_cli_secret_XXXXXX";
    int fd = mkstemp(path);
    struct error err = ERROR_INIT;
    assert_int_equal(write(fd, " two words \r\n", 13), 13);
    close(fd);
    CLEANUP(secret_free_p) struct secret *secret = cli_secret_from_file(path, &err);
    assert_non_null(secret);
    assert_string_equal(secret_text(secret), " two words ");
    assert_int_equal(truncate(path, 0), 0);
    assert_null(cli_secret_from_file(path, &err));
    assert_int_equal(err.kind, ERROR_USAGE);
    unlink(path);
    error_clear(&err);
    assert_null(cli_secret_from_file(path, &err));
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
}

static void
a_director_is_an_https_address(void **state)
{
    (void)state;
    static const struct {
        const char *text, *url;
    } cases[] = { { "https://a.example:9000", "https://a.example:9000" },
                  { "a.example", "https://a.example:8440" },
                  { "HTTPS://a.example/", "https://a.example:8440" },
                  { "https://[::1]", "https://[::1]:8440" },
                  { "[::1]:1", "https://[::1]:1" },
                  { "http://a.example", NULL },
                  { "ftp://a", NULL },
                  { "https://", NULL },
                  { "https://a/path", NULL },
                  { "https://user@a", NULL },
                  { "", NULL } };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(memory_free_p) char *url = cli_settings_check_url(cases[i].text, NULL);
        if (cases[i].url == NULL)
            assert_null(url);
        else
            assert_string_equal(url, cases[i].url);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_of_secrets_is_valid_json),
        cmocka_unit_test(what_is_not_utf8_or_too_long_is_refused),
        cmocka_unit_test(a_file_loses_its_line_end_only),
        cmocka_unit_test(a_director_is_an_https_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
