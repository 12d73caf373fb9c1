#include "common/crypto/hkdf.h"

#include "common/base/error.h"
#include "tests/fakes/test_bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void
check(struct hkdf_input *input, size_t len, const char *expected)
{
    struct error err = ERROR_INIT;
    uint8_t out[128];
    assert_int_equal(hkdf_sha256(input, out, len, &err), 0);
    assert_true(test_bytes_equal(out, len, expected));
}

/* RFC 5869, appendix A.1 to A.3. */
static void
gives_the_values_of_rfc_5869(void **state)
{
    (void)state;
    uint8_t key[80], salt[80], info[80];
    memset(key, 0x0b, 22);
    struct hkdf_input first = { .key = key,
                                .key_len = 22,
                                .salt = salt,
                                .salt_len = test_bytes("000102030405060708090a0b0c", salt, sizeof(salt)),
                                .info = info,
                                .info_len = test_bytes("f0f1f2f3f4f5f6f7f8f9", info, sizeof(info)) };
    check(&first, 42, "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    struct hkdf_input third = { .key = key, .key_len = 22 };
    check(&third, 42, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
    for (int i = 0; i < 80; i++) {
        key[i] = (uint8_t)i;
        salt[i] = (uint8_t)(0x60 + i);
        info[i] = (uint8_t)(0xb0 + i);
    }
    struct hkdf_input second = { key, 80, salt, 80, info, 80 };
    check(&second, 82,
          "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
          "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87");
}

static void
refuses_lengths_that_make_no_sense(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    uint8_t out[32];
    struct hkdf_input input = { .key = "k", .key_len = 0 };
    assert_int_equal(hkdf_sha256(&input, out, sizeof(out), &err), -1);
    assert_int_equal(err.kind, ERROR_INTERNAL);
    input.key_len = 1;
    assert_int_equal(hkdf_sha256(&input, out, 0, NULL), -1);
    assert_int_equal(hkdf_sha256(&input, out, HKDF_OUT_MAX + 1, NULL), -1);
    input.info = out;
    input.info_len = HKDF_INFO_MAX + 1;
    assert_int_equal(hkdf_sha256(&input, out, sizeof(out), NULL), -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_values_of_rfc_5869),
        cmocka_unit_test(refuses_lengths_that_make_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
