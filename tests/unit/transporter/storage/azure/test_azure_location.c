#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "transporter/storage/azure/azure.h"
#include "transporter/storage/azure/azure_internal.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static struct azure *
read_text(const char *text, struct error *err)
{
    *err = (struct error)ERROR_INIT;
    json_t *location = json_loads(text, 0, NULL);
    assert_non_null(location);
    struct azure *azure = azure_location_read(location, clock_system(), err);
    json_decref(location);
    return azure;
}

static void
the_least_is_account_container_and_key(void **state)
{
    struct error err;
    char blob[AZURE_BLOB_LEN];
    (void)state;
    struct azure *azure = read_text(
        "{\"driver\":\"azure\",\"account\":\"longhaul1\",\"container\":\"vaults\",\"account_key\":\"AAEC\"}", &err);
    assert_non_null(azure);
    assert_string_equal(azure->origin, "https://longhaul1.blob.core.windows.net");
    assert_int_equal(secret_len(azure->key), 3);
    assert_memory_equal(secret_bytes(azure->key), "\x00\x01\x02", 3);
    assert_null(azure->sas);
    assert_int_equal(azure->lock_mode, AZURE_LOCK_NONE);
    assert_int_equal(azure->storage.features, 0);
    azure_blob_name(azure, "v/a", blob);
    assert_string_equal(blob, "v/a");
    azure_location_free(azure);
}

static void
everything_can_be_said(void **state)
{
    struct error err;
    char blob[AZURE_BLOB_LEN];
    (void)state;
    struct azure *azure = read_text("{\"account\":\"abc\",\"container\":\"c-1\",\"sas\":\"?sv=1&sig=a%2Bb%3D\","
                                    "\"endpoint\":\"https://localhost:10000/abc/\",\"prefix\":\"/x//Y_1.z/\","
                                    "\"lock_mode\":\"locked\",\"versions\":\"first\",\"tries\":3}",
                                    &err);
    assert_non_null(azure);
    assert_string_equal(azure->origin, "https://localhost:10000/abc");
    assert_string_equal(secret_text(azure->sas), "sv=1&sig=a%2Bb%3D");
    assert_null(azure->key);
    assert_int_equal(azure->lock_mode, AZURE_LOCK_LOCKED);
    assert_int_equal(azure->storage.features, STORAGE_HAS_LOCKS);
    assert_true(azure->first_versions);
    assert_int_equal(azure->tries_max, 3);
    azure_blob_name(azure, "v/a", blob);
    assert_string_equal(blob, "x/Y_1.z/v/a");
    azure_location_free(azure);
}

#define WITH(more) "{\"account\":\"abc\",\"container\":\"vaults\"" more "}"
#define KEY        ",\"account_key\":\"AAEC\""

static void
what_makes_no_sense_is_refused(void **state)
{
    static const char *const bad[] = {
        "{}",
        "{\"account\":\"abc\"" KEY "}",
        "{\"container\":\"vaults\"" KEY "}",
        "{\"account\":\"ABC\",\"container\":\"vaults\"" KEY "}",
        "{\"account\":\"abc\",\"container\":\"a/b\"" KEY "}",
        "{\"account\":\"abc\",\"container\":\"-ab\"" KEY "}",
        WITH(""),
        WITH(KEY ",\"sas\":\"sv=1&sig=x\""),
        WITH(",\"account_key\":\"not base64!\""),
        WITH(",\"account_key\":7"),
        WITH(",\"sas\":\"sv=1\""),
        WITH(",\"sas\":\"sig=a b\""),
        WITH(",\"sas\":\"sig=a#b\""),
        WITH(KEY ",\"endpoint\":\"http://localhost\""),
        WITH(KEY ",\"endpoint\":\"https://\""),
        WITH(KEY ",\"endpoint\":\"https://a?b=c\""),
        WITH(KEY ",\"endpoint\":\"https://user@host\""),
        WITH(KEY ",\"prefix\":\"a/../b\""),
        WITH(KEY ",\"prefix\":\"a b\""),
        WITH(KEY ",\"lock_mode\":\"compliance\""),
        WITH(KEY ",\"versions\":\"oldest\""),
        WITH(KEY ",\"tries\":0"),
        WITH(KEY ",\"tries\":\"3\""),
        WITH(KEY ",\"ca_pem\":\"no certificate\""),
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct error err;
        if (read_text(bad[i], &err) != NULL)
            fail_msg("not refused: %s", bad[i]);
        assert_int_equal(err.kind, ERROR_CONFIG);
        assert_null(strstr(err.text, "AAEC"));
        assert_null(strstr(err.text, "sig=a"));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_is_account_container_and_key),
        cmocka_unit_test(everything_can_be_said),
        cmocka_unit_test(what_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
