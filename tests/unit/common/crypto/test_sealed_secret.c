#include "common/crypto/sealed_secret.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/private_file.h"
#include "common/crypto/sealing_key.h"
#include "tests/fakes/scratch_folder.h"
#include "tests/fakes/test_bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* Made once with pyca/cryptography from the description in the header, version 1. */
static const char golden_key[] = "-----BEGIN PRIVATE KEY-----\n"
                                 "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgZl0GmNvI+5Wvwlw6\n"
                                 "TZzygNh6WFt5mSQ8pgCP0DJYl1+hRANCAASf7u2pA9g9AfiFnVwRcdcv+c5f8iG0\n"
                                 "gKRgaNl+PUDens2EXYEpeRwkhTKZG0Yq6eO+o1Typ6y8bg1uFXg7mwL7\n"
                                 "-----END PRIVATE KEY-----\n";
static const char golden_sealed[] =
    "4c48535301018c7546d115ece93e049a781ca6d055a7f30d0c9ff87936c739f6816ef5f5e72b4b946404b0a1a83b2ac19f84"
    "2945ea2bf65aa1649b2b02ff79854c8d5ecfcd403862e8a97ea66c71c159b1ce820e856f9ad1ddf499de1b41dcb9fb403147"
    "dd5d51e4134ca888b868efbb63e038e85d11b2ec83f319";

static struct secret *
open_secret(const struct sealing_key *key, const char *context, const struct buffer *sealed, struct error *err)
{
    return sealed_secret_open(key, context, sealed->data, sealed->len, err);
}

static void
opens_what_an_independent_program_sealed(void **state)
{
    (void)state;
    struct scratch_folder folder;
    char path[PATH_MAX + 8];
    scratch_folder_init(&folder);
    snprintf(path, sizeof(path), "%s/key", folder.path);
    assert_int_equal(private_file_create(path, golden_key, sizeof(golden_key) - 1, NULL), 0);
    struct sealing_key *key = sealing_key_load(path, NULL);
    scratch_folder_clear(&folder);
    assert_non_null(key);
    uint8_t sealed[256];
    size_t len = test_bytes(golden_sealed, sealed, sizeof(sealed));
    struct error err = ERROR_INIT;
    struct secret *plain = sealed_secret_open(key, "vault-password/secret-golden", sealed, len, &err);
    assert_string_equal(err.text, "");
    assert_string_equal(secret_text(plain), "{\"password\":\"correct horse\"}");
    secret_free(plain);
    sealing_key_free(key);
}

static void
comes_back_for_its_recipient_and_context_only(void **state)
{
    (void)state;
    CLEANUP(sealing_key_free_p) struct sealing_key *key = sealing_key_new(NULL), *other = sealing_key_new(NULL);
    CLEANUP(buffer_clear) struct buffer sealed = BUFFER_INIT(1000);
    assert_int_equal(sealed_secret_seal(sealing_key_point(key), "storage/a", "hello", 5, &sealed, NULL), 0);
    assert_int_equal(sealed.len, 5 + SEALED_SECRET_OVERHEAD);
    struct secret *plain = open_secret(key, "storage/a", &sealed, NULL);
    assert_int_equal(secret_len(plain), 5);
    assert_string_equal(secret_text(plain), "hello");
    secret_free(plain);
    struct error err = ERROR_INIT;
    assert_null(open_secret(other, "storage/a", &sealed, &err));
    assert_int_equal(err.kind, ERROR_DENIED);
    error_clear(&err);
    assert_null(open_secret(key, "storage/b", &sealed, &err));
    assert_int_equal(err.kind, ERROR_CORRUPT);
}

static void
refuses_every_changed_byte_and_every_cut(void **state)
{
    (void)state;
    CLEANUP(sealing_key_free_p) struct sealing_key *key = sealing_key_new(NULL);
    CLEANUP(buffer_clear) struct buffer sealed = BUFFER_INIT(1000);
    assert_int_equal(sealed_secret_seal(sealing_key_point(key), "c/d", "hello", 5, &sealed, NULL), 0);
    for (size_t i = 0; i < sealed.len; i++) {
        struct error err = ERROR_INIT;
        sealed.data[i] ^= 0x40;
        assert_null(open_secret(key, "c/d", &sealed, &err));
        assert_true(err.kind == ERROR_CORRUPT || err.kind == ERROR_FORMAT || err.kind == ERROR_DENIED);
        sealed.data[i] ^= 0x40;
    }
    for (size_t len = 0; len < sealed.len; len++)
        assert_null(sealed_secret_open(key, "c/d", sealed.data, len, NULL));
    CLEANUP(secret_free_p) struct secret *plain = open_secret(key, "c/d", &sealed, NULL);
    assert_non_null(plain);
}

static void
large_replies_come_back_into_a_buffer(void **state)
{
    (void)state;
    CLEANUP(sealing_key_free_p) struct sealing_key *key = sealing_key_new(NULL);
    CLEANUP(buffer_clear) struct buffer sealed = BUFFER_INIT(SEALED_SECRET_MAX + 1000);
    CLEANUP(buffer_clear) struct buffer out = BUFFER_INIT(SEALED_SECRET_MAX);
    CLEANUP(memory_free_p) char *plain = memory_new(SEALED_SECRET_MAX + 1);
    struct error err = ERROR_INIT;
    assert_int_equal(sealed_secret_seal(sealing_key_point(key), "q/r", plain, SEALED_SECRET_MAX + 1, &sealed, &err),
                     -1);
    assert_int_equal(err.kind, ERROR_LIMIT);
    assert_int_equal(sealed_secret_seal(sealing_key_point(key), "q/r", plain, SEALED_SECRET_MAX, &sealed, NULL), 0);
    assert_int_equal(sealed_secret_open_into(key, "q/r", sealed.data, sealed.len, &out, NULL), 0);
    assert_int_equal(out.len, SEALED_SECRET_MAX);
    assert_memory_equal(out.data, plain, out.len);
    error_clear(&err);
    assert_null(open_secret(key, "q/r", &sealed, &err));
    assert_int_equal(err.kind, ERROR_LIMIT);
}

static void
nothing_at_all_can_be_sealed(void **state)
{
    (void)state;
    CLEANUP(sealing_key_free_p) struct sealing_key *key = sealing_key_new(NULL);
    CLEANUP(buffer_clear) struct buffer sealed = BUFFER_INIT(1000), out = BUFFER_INIT(10);
    assert_int_equal(sealed_secret_seal(sealing_key_point(key), "q/r", NULL, 0, &sealed, NULL), 0);
    assert_int_equal(sealed_secret_open_into(key, "q/r", sealed.data, sealed.len, &out, NULL), 0);
    assert_int_equal(out.len, 0);
    CLEANUP(secret_free_p) struct secret *plain = open_secret(key, "q/r", &sealed, NULL);
    assert_int_equal(secret_len(plain), 0);
}

static void
refuses_a_recipient_that_is_no_point(void **state)
{
    (void)state;
    uint8_t point[KEY_POINT_LEN] = { 4, 1, 2, 3 };
    CLEANUP(buffer_clear) struct buffer sealed = BUFFER_INIT(1000);
    struct error err = ERROR_INIT;
    assert_int_equal(sealed_secret_seal(point, "c/d", "x", 1, &sealed, &err), -1);
    assert_int_equal(err.kind, ERROR_FORMAT);
    assert_int_equal(sealed.len, 0);
    error_clear(&err);
    assert_int_equal(sealed_secret_seal(point, "", "x", 1, &sealed, &err), -1);
    assert_int_equal(err.kind, ERROR_USAGE);
}

static void
a_context_is_purpose_and_id(void **state)
{
    (void)state;
    char context[SEALED_SECRET_CONTEXT_MAX], longest[SEALED_SECRET_CONTEXT_MAX];
    assert_int_equal(sealed_secret_context("storage", "secret-1", context, NULL), 0);
    assert_string_equal(context, "storage/secret-1");
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(sealed_secret_context("storage", longest, context, NULL), -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_what_an_independent_program_sealed),
        cmocka_unit_test(comes_back_for_its_recipient_and_context_only),
        cmocka_unit_test(refuses_every_changed_byte_and_every_cut),
        cmocka_unit_test(large_replies_come_back_into_a_buffer),
        cmocka_unit_test(nothing_at_all_can_be_sealed),
        cmocka_unit_test(refuses_a_recipient_that_is_no_point),
        cmocka_unit_test(a_context_is_purpose_and_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
