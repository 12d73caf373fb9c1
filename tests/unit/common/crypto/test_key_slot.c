#include "common/crypto/key_slot.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/digest.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/test_bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* Made once with pyca/cryptography from the description in the header, version 1. */
static const char golden_slot[] =
    "4c484b5301010e08010c7661756c742d676f6c64656e000102030405060708090a0b0c0d0e0f101112131415161718191a1b"
    "1c1d1e1f6465666768696a6b6c6d6e6fb9f95bd88ad93f4149674e1ccfa05a645f14ac43ecc2dd7b8ca8b3f7f5a080c66d90"
    "6a12b04769abc1609a70270bf5fb05efabe64f1fd8be8bd0d8d9e29b71ab9b713626f5150b75649fe4d7e9517674";

static struct secret *
text_secret(const char *text)
{
    return secret_new(text, strlen(text), NULL);
}

static void
opens_what_an_independent_program_wrapped(void **state)
{
    (void)state;
    uint8_t slot[KEY_SLOT_MAX];
    size_t len = test_bytes(golden_slot, slot, sizeof(slot));
    CLEANUP(secret_free_p) struct secret *password = text_secret("correct horse");
    CLEANUP(secret_free_p) struct secret *master = key_slot_unwrap("vault-golden", password, slot, len, NULL);
    assert_non_null(master);
    assert_true(test_bytes_equal(secret_bytes(master), secret_len(master),
                                 "c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7"));
}

static void
make_slot(struct buffer *slot, const struct key_slot_cost *cost)
{
    struct fake_clock fake;
    fake_clock_init(&fake, 1);
    CLEANUP(secret_free_p)
    struct secret *password = text_secret("open sesame"), *master = text_secret("0123456789abcdef0123456789abcdef");
    assert_int_equal(key_slot_wrap(&fake.clock, "vault-1", master, password, cost, slot, NULL), 0);
}

static enum error_kind
unwrap_kind(const char *vault_id, const char *password_text, const struct buffer *slot)
{
    struct error err = ERROR_INIT;
    CLEANUP(secret_free_p) struct secret *password = text_secret(password_text);
    CLEANUP(secret_free_p) struct secret *master = key_slot_unwrap(vault_id, password, slot->data, slot->len, &err);
    assert_true((master == NULL) == error_is_set(&err));
    if (err.kind == ERROR_DENIED)
        assert_string_equal(err.text, "wrong password");
    return err.kind;
}

static void
opens_with_the_password_and_says_when_it_is_wrong(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer slot = BUFFER_INIT(KEY_SLOT_MAX);
    make_slot(&slot, NULL);
    assert_int_equal(unwrap_kind("vault-1", "open sesame", &slot), ERROR_NONE);
    assert_int_equal(unwrap_kind("vault-1", "open Sesame", &slot), ERROR_DENIED);
    assert_int_equal(unwrap_kind("vault-2", "open sesame", &slot), ERROR_CORRUPT);
    struct key_slot_info info;
    assert_int_equal(key_slot_inspect(slot.data, slot.len, &info, NULL), 0);
    assert_string_equal(info.vault_id, "vault-1");
    assert_int_equal(info.cost.log2_n, 16);
}

static void
damage_is_not_a_wrong_password(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer slot = BUFFER_INIT(KEY_SLOT_MAX);
    make_slot(&slot, &key_slot_cost_least);
    for (size_t i = 0; i < slot.len; i++) {
        slot.data[i] ^= 0x20;
        enum error_kind kind = unwrap_kind("vault-1", "open sesame", &slot);
        assert_true(kind == ERROR_CORRUPT || kind == ERROR_FORMAT || kind == ERROR_UNSUPPORTED);
        slot.data[i] ^= 0x20;
    }
    size_t whole = slot.len;
    for (slot.len = 0; slot.len < whole; slot.len++)
        assert_int_equal(unwrap_kind("vault-1", "open sesame", &slot), ERROR_FORMAT);
}

/* What somebody can write who does not know the password: everything but the tag, with a good checksum. */
static void
forged_parameters_are_bounded_or_authenticated(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t value;
        enum error_kind kind;
    } changes[] = {
        { 6, 31, ERROR_FORMAT },  { 6, 19, ERROR_FORMAT }, { 6, 13, ERROR_FORMAT }, { 7, 0, ERROR_FORMAT },
        { 7, 255, ERROR_FORMAT }, { 8, 0, ERROR_FORMAT },  { 8, 5, ERROR_FORMAT },  { 9, 0, ERROR_FORMAT },
        { 7, 4, ERROR_DENIED },   { 8, 2, ERROR_DENIED },  { 20, 9, ERROR_DENIED },
    };
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        CLEANUP(buffer_clear) struct buffer slot = BUFFER_INIT(KEY_SLOT_MAX);
        make_slot(&slot, &key_slot_cost_least);
        slot.data[changes[i].at] = changes[i].value;
        digest_sha256(slot.data, slot.len - DIGEST_LEN, slot.data + slot.len - DIGEST_LEN);
        assert_int_equal(unwrap_kind("vault-1", "open sesame", &slot), changes[i].kind);
    }
}

static void
refuses_to_wrap_nonsense(void **state)
{
    (void)state;
    struct fake_clock fake;
    fake_clock_init(&fake, 1);
    CLEANUP(secret_free_p)
    struct secret *empty = text_secret(""), *password = text_secret("p"),
                  *master = text_secret("0123456789abcdef0123456789abcdef");
    CLEANUP(buffer_clear) struct buffer out = BUFFER_INIT(KEY_SLOT_MAX);
    struct key_slot_cost dear = { .log2_n = 19, .r = 8, .p = 1 };
    const struct key_slot_cost *least = &key_slot_cost_least;
    assert_int_equal(key_slot_wrap(&fake.clock, "vault-1", master, empty, least, &out, NULL), -1);
    assert_int_equal(key_slot_wrap(&fake.clock, "vault-1", password, password, least, &out, NULL), -1);
    assert_int_equal(key_slot_wrap(&fake.clock, "Vault 1", master, password, least, &out, NULL), -1);
    assert_int_equal(key_slot_wrap(&fake.clock, "vault-1", master, password, &dear, &out, NULL), -1);
    assert_int_equal(out.len, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_what_an_independent_program_wrapped),
        cmocka_unit_test(opens_with_the_password_and_says_when_it_is_wrong),
        cmocka_unit_test(damage_is_not_a_wrong_password),
        cmocka_unit_test(forged_parameters_are_bounded_or_authenticated),
        cmocka_unit_test(refuses_to_wrap_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
