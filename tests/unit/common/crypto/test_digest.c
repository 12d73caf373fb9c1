#include "common/crypto/digest.h"

#include "tests/fakes/test_bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void
sha256_gives_the_published_values(void **state)
{
    (void)state;
    uint8_t out[DIGEST_LEN];
    digest_sha256("abc", 3, out);
    assert_true(
        test_bytes_equal(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")); /* FIPS 180-4 */
    digest_sha256(NULL, 0, out);
    assert_true(test_bytes_equal(out, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
}

static void
streaming_equals_one_shot_and_starts_over(void **state)
{
    (void)state;
    uint8_t out[DIGEST_LEN], expected[DIGEST_LEN];
    struct digest *digest = digest_new();
    for (int round = 0; round < 3; round++) {
        digest_update(digest, "hello ", 6);
        digest_update(digest, NULL, 0);
        digest_update(digest, "world", 5);
        digest_final(digest, out);
        digest_sha256("hello world", 11, expected);
        assert_memory_equal(out, expected, sizeof(out));
    }
    digest_free(digest);
}

/* RFC 4231, section 4: test cases 1 to 4, 6 and 7 (5 is truncated). */
static const struct {
    const char *key, *data, *mac;
} rfc4231[] = {
    { "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
    { "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
    { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
      "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
    { "0102030405060708090a0b0c0d0e0f10111213141516171819",
      "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
      "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b" },
};

static void
hmac_gives_the_values_of_rfc_4231(void **state)
{
    (void)state;
    uint8_t key[131], data[160], out[DIGEST_LEN];
    for (size_t i = 0; i < sizeof(rfc4231) / sizeof(rfc4231[0]); i++) {
        size_t key_len = test_bytes(rfc4231[i].key, key, sizeof(key));
        size_t data_len = test_bytes(rfc4231[i].data, data, sizeof(data));
        hmac_sha256(key, key_len, data, data_len, out);
        assert_true(test_bytes_equal(out, 32, rfc4231[i].mac));
    }
    static const char larger_than_block[] = "This is a test using a larger than block-size key and a larger than "
                                            "block-size data. The key needs to be hashed before being used by the "
                                            "HMAC algorithm.";
    memset(key, 0xaa, sizeof(key));
    hmac_sha256(key, sizeof(key), "Test Using Larger Than Block-Size Key - Hash Key First", 54, out);
    assert_true(test_bytes_equal(out, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"));
    hmac_sha256(key, sizeof(key), larger_than_block, sizeof(larger_than_block) - 1, out);
    assert_true(test_bytes_equal(out, 32, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"));
}

static void
a_keyed_context_is_used_again_and_copied(void **state)
{
    (void)state;
    uint8_t expected[DIGEST_LEN], out[DIGEST_LEN];
    struct hmac *hmac = hmac_new("key", 3);
    struct hmac *copy = hmac_copy(hmac);
    for (size_t len = 0; len < 200; len += 7) {
        uint8_t data[200];
        memset(data, (int)len, sizeof(data));
        hmac_sha256("key", 3, data, len, expected);
        hmac_compute(hmac, data, len, out);
        assert_memory_equal(out, expected, sizeof(out));
        hmac_compute(copy, data, len, out);
        assert_memory_equal(out, expected, sizeof(out));
    }
    hmac_free(hmac);
    hmac_free(copy);
    hmac_sha256(NULL, 0, NULL, 0, out);
    assert_true(test_bytes_equal(out, 32, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_gives_the_published_values),
        cmocka_unit_test(streaming_equals_one_shot_and_starts_over),
        cmocka_unit_test(hmac_gives_the_values_of_rfc_4231),
        cmocka_unit_test(a_keyed_context_is_used_again_and_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
