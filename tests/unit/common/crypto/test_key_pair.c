#include "common/crypto/key_pair.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/private_file.h"
#include "common/crypto/sealing_key.h"
#include "tests/fakes/scratch_folder.h"
#include "tests/fakes/test_bytes.h"

#include <ctype.h>
#include <stdio.h>
#include <sys/stat.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void
a_signature_holds_for_its_bytes_and_key_only(void **state)
{
    (void)state;
    CLEANUP(key_pair_free_p) struct key_pair *key = key_pair_new(NULL), *other = key_pair_new(NULL);
    uint8_t signature[KEY_SIGNATURE_LEN];
    assert_int_equal(key_pair_sign(key, "data", 4, signature, NULL), 0);
    assert_int_equal(key_pair_verify(key_pair_point(key), "data", 4, signature, NULL), 0);
    struct error err = ERROR_INIT;
    assert_int_equal(key_pair_verify(key_pair_point(key), "Data", 4, signature, &err), -1);
    assert_int_equal(err.kind, ERROR_DENIED);
    assert_int_equal(key_pair_verify(key_pair_point(other), "data", 4, signature, NULL), -1);
    memset(signature, 0, sizeof(signature));
    assert_int_equal(key_pair_verify(key_pair_point(key), "data", 4, signature, NULL), -1);
}

/* RFC 6979, A.2.5: P-256 with SHA-256, message "sample". */
static void
verifies_the_signature_of_rfc_6979(void **state)
{
    (void)state;
    uint8_t point[KEY_POINT_LEN], signature[KEY_SIGNATURE_LEN];
    test_bytes(
        "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d"
        "7e9f5177a3c294d4462299",
        point, sizeof(point));
    test_bytes(
        "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9af"
        "f4064dc4ab2f843acda8",
        signature, sizeof(signature));
    assert_int_equal(key_pair_verify(point, "sample", 6, signature, NULL), 0);
}

static void
both_sides_agree(void **state)
{
    (void)state;
    CLEANUP(key_pair_free_p) struct key_pair *a = key_pair_new(NULL), *b = key_pair_new(NULL);
    uint8_t one[32], two[32];
    assert_int_equal(key_pair_agree(a, key_pair_point(b), one, NULL), 0);
    assert_int_equal(key_pair_agree(b, key_pair_point(a), two, NULL), 0);
    assert_memory_equal(one, two, 32);
}

static void
points_off_the_curve_are_refused(void **state)
{
    (void)state;
    CLEANUP(key_pair_free_p) struct key_pair *key = key_pair_new(NULL);
    uint8_t point[KEY_POINT_LEN], out[32];
    struct error err = ERROR_INIT;
    memcpy(point, key_pair_point(key), sizeof(point));
    assert_int_equal(key_pair_check_point(point, sizeof(point), NULL), 0);
    point[64] ^= 1;
    assert_int_equal(key_pair_check_point(point, sizeof(point), &err), -1);
    assert_int_equal(err.kind, ERROR_FORMAT);
    assert_int_equal(key_pair_agree(key, point, out, NULL), -1);
    point[64] ^= 1;
    point[0] = 6; /* hybrid form */
    assert_int_equal(key_pair_check_point(point, sizeof(point), NULL), -1);
    assert_int_equal(key_pair_check_point(point, 33, NULL), -1);
}

static void
a_saved_key_is_private_and_comes_back(void **state)
{
    (void)state;
    struct scratch_folder folder;
    char path[PATH_MAX + 16];
    scratch_folder_init(&folder);
    snprintf(path, sizeof(path), "%s/a.key", folder.path);
    CLEANUP(key_pair_free_p) struct key_pair *key = key_pair_new(NULL);
    struct error err = ERROR_INIT;
    assert_int_equal(key_pair_save(key, path, NULL), 0);
    assert_int_equal(key_pair_save(key, path, &err), -1);
    assert_int_equal(err.kind, ERROR_EXISTS);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    CLEANUP(key_pair_free_p) struct key_pair *back = key_pair_load(path, NULL);
    assert_memory_equal(key_pair_point(back), key_pair_point(key), KEY_POINT_LEN);
    uint8_t one[32], two[32];
    key_pair_spki_sha256(key, one);
    key_pair_spki_sha256(back, two);
    assert_memory_equal(one, two, 32);
    assert_int_equal(chmod(path, 0640), 0);
    error_clear(&err);
    assert_null(key_pair_load(path, &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_non_null(strstr(err.text, "chmod 600"));
    scratch_folder_clear(&folder);
}

static void
keys_of_another_kind_are_refused(void **state)
{
    (void)state;
    /* Ed25519, RFC 8410 section 10.3 */
    static const char pem[] = "-----BEGIN PRIVATE KEY-----\n"
                              "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
                              "-----END PRIVATE KEY-----\n";
    CLEANUP(secret_free_p)
    struct secret *text = secret_new(pem, sizeof(pem) - 1, NULL), *junk = secret_new("junk", 4, NULL);
    struct error err = ERROR_INIT;
    assert_null(key_pair_from_pem(text, &err));
    assert_int_equal(err.kind, ERROR_FORMAT);
    error_clear(&err);
    assert_null(key_pair_from_pem(junk, &err));
    assert_int_equal(err.kind, ERROR_FORMAT);
}

static void
a_fingerprint_is_compared_as_people_type_it(void **state)
{
    (void)state;
    uint8_t point[KEY_POINT_LEN];
    char text[SEALING_KEY_FINGERPRINT_LEN];
    test_bytes("049feeeda903d83d01f8859d5c1171d72ff9ce5ff221b480a46068d97e3d40de9ecd845d8129791c248532991b462ae9e3bea35"
               "4f2a7acbc6e0d6e15783b9b02fb",
               point, sizeof(point));
    sealing_key_fingerprint(point, text);
    assert_string_equal(text, "8c75 46d1 15ec e93e 1153 22e7 6980 46f8 8c1e f791 c9ac b6d5 c355 bb3f 53f8 21bf");
    assert_true(sealing_key_fingerprint_matches(point, text));
    for (char *c = text; *c != '\0'; c++)
        *c = *c == ' ' ? ':' : (char)toupper(*c);
    assert_true(sealing_key_fingerprint_matches(point, text));
    assert_true(
        sealing_key_fingerprint_matches(point, "8c7546d115ece93e115322e7698046f88c1ef791c9acb6d5c355bb3f53f821bf"));
    assert_false(sealing_key_fingerprint_matches(point, "8c75 46d1"));
    assert_false(sealing_key_fingerprint_matches(point, ""));
    text[SEALING_KEY_FINGERPRINT_LEN - 2] = '0';
    assert_false(sealing_key_fingerprint_matches(point, text));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signature_holds_for_its_bytes_and_key_only),
        cmocka_unit_test(verifies_the_signature_of_rfc_6979),
        cmocka_unit_test(both_sides_agree),
        cmocka_unit_test(points_off_the_curve_are_refused),
        cmocka_unit_test(a_saved_key_is_private_and_comes_back),
        cmocka_unit_test(keys_of_another_kind_are_refused),
        cmocka_unit_test(a_fingerprint_is_compared_as_people_type_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
