#include "common/crypto/aead.h"

#include "common/base/error.h"
#include "tests/fakes/test_bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static const char key_hex[] = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
static const char nonce_hex[] = "cafebabefacedbaddecaf888";
static const char plain_hex[] =
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b"
    "16aedf5aa0de657ba637b39";
static const char bound_hex[] = "feedfacedeadbeeffeedfacedeadbeefabaddad2";

/* "The Galois/Counter Mode of Operation" (McGrew, Viega), the proposal NIST took up: test cases 13 and 16. */
static void
gives_the_published_values(void **state)
{
    (void)state;
    uint8_t key[32] = { 0 }, nonce[12] = { 0 }, plain[64], bound[20], out[80];
    struct aead *aead = aead_new(key);
    assert_int_equal(aead_seal(aead, nonce, (struct aead_bound){ NULL, 0 }, NULL, 0, out, NULL), 0);
    assert_true(test_bytes_equal(out, 16, "530f8afbc74536b9a963b4f1c4cb738b"));
    test_bytes(key_hex, key, sizeof(key));
    test_bytes(nonce_hex, nonce, sizeof(nonce));
    size_t len = test_bytes(plain_hex, plain, sizeof(plain));
    struct aead_bound b = { bound, test_bytes(bound_hex, bound, sizeof(bound)) };
    aead_rekey(aead, key);
    assert_int_equal(aead_seal(aead, nonce, b, plain, len, out, NULL), 0);
    assert_true(test_bytes_equal(out, len + 16,
                                 "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b"
                                 "08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"));
    aead_free(aead);
}

static void
opens_in_place_what_it_sealed_in_place(void **state)
{
    (void)state;
    uint8_t key[32] = { 1 }, nonce[12] = { 2 }, data[1000 + AEAD_TAG_LEN];
    struct aead *aead = aead_new(key);
    struct aead_bound bound = { "x", 1 };
    for (size_t len = 0; len <= 1000; len += 125) {
        memset(data, 7, len);
        assert_int_equal(aead_seal(aead, nonce, bound, data, len, data, NULL), 0);
        assert_int_equal(aead_open(aead, nonce, bound, data, len + AEAD_TAG_LEN, data, NULL), 0);
        for (size_t i = 0; i < len; i++)
            assert_int_equal(data[i], 7);
    }
    aead_free(aead);
}

static void
refuses_every_changed_byte_and_gives_nothing_away(void **state)
{
    (void)state;
    uint8_t key[32] = { 1 }, nonce[12] = { 2 }, sealed[20 + AEAD_TAG_LEN], out[20];
    struct aead *aead = aead_new(key);
    struct aead_bound bound = { "bound", 5 }, other = { "bounD", 5 };
    assert_int_equal(aead_seal(aead, nonce, bound, "twenty bytes of text", 20, sealed, NULL), 0);
    for (size_t i = 0; i < sizeof(sealed); i++) {
        struct error err = ERROR_INIT;
        sealed[i] ^= 1;
        memset(out, 0xff, sizeof(out));
        assert_int_equal(aead_open(aead, nonce, bound, sealed, sizeof(sealed), out, &err), -1);
        assert_int_equal(err.kind, ERROR_CORRUPT);
        for (size_t k = 0; k < sizeof(out); k++)
            assert_int_equal(out[k], 0);
        sealed[i] ^= 1;
    }
    assert_int_equal(aead_open(aead, nonce, other, sealed, sizeof(sealed), out, NULL), -1);
    assert_int_equal(aead_open(aead, nonce, bound, sealed, AEAD_TAG_LEN - 1, out, NULL), -1);
    nonce[11]++;
    assert_int_equal(aead_open(aead, nonce, bound, sealed, sizeof(sealed), out, NULL), -1);
    nonce[11]--;
    assert_int_equal(aead_open(aead, nonce, bound, sealed, sizeof(sealed), out, NULL), 0);
    assert_memory_equal(out, "twenty bytes of text", 20);
    aead_free(aead);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_published_values),
        cmocka_unit_test(opens_in_place_what_it_sealed_in_place),
        cmocka_unit_test(refuses_every_changed_byte_and_gives_nothing_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
