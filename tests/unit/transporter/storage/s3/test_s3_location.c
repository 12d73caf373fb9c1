#include "transporter/storage/s3/s3_location.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static json_t *
plain(void)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "driver", "s3", "endpoint", "https://s3.example.org:9000",
                     "region", "eu-central-1", "bucket", "backup", "access_key_id", "AKIDEXAMPLE", "secret_access_key",
                     "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
}

/* With one member set (value NULL: taken away) the location is refused; the text names the member, not its value. */
static void
expect_refused(const char *name, const char *value)
{
    json_t *json = plain();
    struct s3_location location;
    struct error err = ERROR_INIT;
    if (value == NULL)
        json_object_del(json, name);
    else
        json_object_set_new(json, name, json_string(value));
    if (s3_location_read(&location, json, &err) == 0)
        fail_msg("%s \"%s\" was taken", name, value);
    assert_int_equal(err.kind, ERROR_CONFIG);
    if (strcmp(name, "bucket") != 0 || value == NULL)
        assert_non_null(strstr(err.text, name));
    assert_null(strstr(err.text, "wJalr"));
    s3_location_clear(&location);
    json_decref(json);
}

static void
what_makes_no_sense_is_refused(void **state)
{
    static const char *const bad[][2] = {
        { "endpoint", NULL },
        { "endpoint", "http://s3.example.org" },
        { "endpoint", "https://" },
        { "endpoint", "https://host/path" },
        { "endpoint", "https://user@host" },
        { "region", NULL },
        { "region", "eu central" },
        { "bucket", NULL },
        { "bucket", "a/b" },
        { "access_key_id", NULL },
        { "access_key_id", "a\r\nb" },
        { "secret_access_key", NULL },
        { "secret_access_key", "" },
        { "secret_access_key", "a b" },
        { "session_token", "a\nb" },
        { "style", "dns" },
        { "lock_mode", "forever" },
        { "versions", "some" },
        { "prefix", "a//b" },
        { "prefix", "../b" },
        { "prefix", "a b" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        expect_refused(bad[i][0], bad[i][1]);
}

static void
path_style_is_for_all_but_amazon(void **state)
{
    (void)state;
    json_t *json = plain();
    struct s3_location location;
    assert_int_equal(s3_location_read(&location, json, NULL), 0);
    assert_string_equal(location.origin, "https://s3.example.org:9000");
    assert_string_equal(location.host, "s3.example.org:9000");
    assert_string_equal(location.bucket_path, "/backup");
    assert_string_equal(location.prefix, "");
    assert_int_equal(location.lock_mode, S3_LOCK_NONE);
    assert_null(location.session_token);
    s3_location_clear(&location);
    json_object_set_new(json, "endpoint", json_string("https://s3.eu-central-1.amazonaws.com/"));
    assert_int_equal(s3_location_read(&location, json, NULL), 0);
    assert_string_equal(location.origin, "https://backup.s3.eu-central-1.amazonaws.com");
    assert_string_equal(location.bucket_path, "");
    s3_location_clear(&location);
    json_object_set_new(json, "style", json_string("path"));
    assert_int_equal(s3_location_read(&location, json, NULL), 0);
    assert_string_equal(location.origin, "https://s3.eu-central-1.amazonaws.com");
    assert_string_equal(location.bucket_path, "/backup");
    s3_location_clear(&location);
    json_decref(json);
}

static void
a_bucket_with_dots_cannot_be_in_the_host(void **state)
{
    (void)state;
    json_t *json = plain();
    struct s3_location location;
    struct error err = ERROR_INIT;
    json_object_set_new(json, "bucket", json_string("a.b"));
    json_object_set_new(json, "style", json_string("virtual"));
    assert_int_equal(s3_location_read(&location, json, &err), -1);
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_non_null(strstr(err.text, "\"style\":\"path\""));
    s3_location_clear(&location);
    json_decref(json);
}

static void
everything_is_read(void **state)
{
    (void)state;
    json_t *json = plain();
    struct s3_location location;
    json_object_set_new(json, "prefix", json_string("/longhaul/one/"));
    json_object_set_new(json, "session_token", json_string("token=="));
    json_object_set_new(json, "lock_mode", json_string("compliance"));
    json_object_set_new(json, "versions", json_string("first"));
    json_object_set_new(json, "tries", json_integer(3));
    json_object_set_new(json, "ca_pem", json_string("PEM"));
    assert_int_equal(s3_location_read(&location, json, NULL), 0);
    assert_string_equal(location.prefix, "longhaul/one/");
    assert_string_equal(secret_text(location.session_token), "token==");
    assert_string_equal(secret_text(location.secret_key), "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    assert_int_equal(location.lock_mode, S3_LOCK_COMPLIANCE);
    assert_true(location.first_versions);
    assert_int_equal(location.tries, 3);
    assert_string_equal(location.ca_pem, "PEM");
    assert_string_equal(location.where, "S3 bucket backup at s3.example.org:9000");
    s3_location_clear(&location);
    json_decref(json);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(path_style_is_for_all_but_amazon),
        cmocka_unit_test(a_bucket_with_dots_cannot_be_in_the_host),
        cmocka_unit_test(everything_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
