#include "common/crypto/scrypt.h"

#include "common/base/error.h"
#include "common/base/secret.h"
#include "tests/fakes/test_bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void
check(const char *password, const char *salt, uint64_t n, uint32_t p, const char *expected)
{
    uint8_t out[64];
    struct secret *secret = secret_new(password, strlen(password), NULL);
    struct scrypt_input input = { secret, salt, strlen(salt), n, 8, p, (uint64_t)64 << 20 };
    assert_int_equal(scrypt_derive(&input, out, sizeof(out), NULL), 0);
    assert_true(test_bytes_equal(out, sizeof(out), expected));
    secret_free(secret);
}

/* RFC 7914, section 12, the second and the third. */
static void
gives_the_values_of_rfc_7914(void **state)
{
    (void)state;
    check("password", "NaCl", 1024, 16,
          "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83"
          "ee6d8360cbdfa2cc0640");
    check("pleaseletmein", "SodiumChloride", 16384, 1,
          "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d65"
          "1e40dfcf017b45575887");
}

static void
refuses_more_memory_than_allowed(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    uint8_t out[32];
    struct secret *secret = secret_new("x", 1, NULL);
    struct scrypt_input input = { secret, "salt", 4, 1 << 20, 8, 1, (uint64_t)64 << 20 };
    assert_int_equal(scrypt_derive(&input, out, sizeof(out), &err), -1);
    assert_int_equal(err.kind, ERROR_INTERNAL);
    secret_free(secret);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_values_of_rfc_7914),
        cmocka_unit_test(refuses_more_memory_than_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
