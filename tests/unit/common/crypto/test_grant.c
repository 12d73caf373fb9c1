#include "common/crypto/grant.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/fakes/test_bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* Made once with pyca/cryptography from the description in the header, version 2. */
static const char golden_point[] =
    "046eb14d889ae76057ed02932716b7f2063d646f5ec5c4add2cf9a7e13d6badb76d4448a5eb9042d65dcb76b4477265267f2"
    "50e8f11a29fcd6561311fd8f243515";
static const char golden_grant[] =
    "4c484752020c7661756c742d676f6c64656e117265706f7369746f72792d676f6c64656e107472616e73706f727465722d68"
    "6f7374030000000b7461736b2d676f6c64656e0007000000000000001e000000127472616e73706f727465722d736f757263"
    "65000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f00505c18a3010000803e9318a301000096"
    "8959a16207005b019b45ba7858deeae3198e25b172f3f7c5b4d5e14764d6b84ce49e5a9eb4624398c194a57eec433483231e"
    "65a0d98b6c1a8337a4043bd1c2";

static const struct grant example = {
    .vault_id = "vault-1",
    .repository_id = "repository-1",
    .host_node_id = "transporter-host",
    .operations = GRANT_READ | GRANT_APPEND,
    .task_id = "task-1",
    .scope = "object-1",
    .fence = 41,
    .lock_days = 30,
    .holder_node_id = "transporter-source",
    .holder_key_sha256 = { 9, 8, 7 },
    .not_before_ms = 1000000,
    .expires_ms = 2000000,
};

struct fixture {
    struct key_pair *signer;
    struct buffer bytes;
    struct grant_check check;
};

static int
set_up(void **state)
{
    struct fixture *f = MEMORY_NEW(struct fixture);
    f->signer = key_pair_new(NULL);
    buffer_init(&f->bytes, GRANT_MAX);
    if (grant_sign(f->signer, &example, &f->bytes, NULL) != 0)
        return -1;
    f->check = (struct grant_check){ .grant_key = key_pair_point(f->signer),
                                     .host_node_id = example.host_node_id,
                                     .holder_node_id = example.holder_node_id,
                                     .holder_key_sha256 = example.holder_key_sha256,
                                     .now_ms = 1500000 };
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;
    key_pair_free(f->signer);
    buffer_clear(&f->bytes);
    memory_free_p(state);
    return 0;
}

static void
refused(const struct fixture *f, enum error_kind kind, const char *text)
{
    struct error err = ERROR_INIT;
    struct grant grant = { .fence = 77 };
    assert_int_equal(grant_verify(f->bytes.data, f->bytes.len, &f->check, &grant, &err), -1);
    assert_int_equal(err.kind, kind);
    assert_non_null(strstr(err.text, text));
    assert_int_equal(grant.fence, 77);
}

static void
verifies_what_was_signed(void **state)
{
    struct fixture *f = *state;
    struct grant grant;
    assert_int_equal(grant_verify(f->bytes.data, f->bytes.len, &f->check, &grant, NULL), 0);
    assert_string_equal(grant.vault_id, "vault-1");
    assert_string_equal(grant.repository_id, "repository-1");
    assert_string_equal(grant.task_id, "task-1");
    assert_string_equal(grant.scope, "object-1");
    assert_int_equal(grant.fence, 41);
    assert_int_equal(grant.operations, GRANT_READ | GRANT_APPEND);
    assert_int_equal(grant_require(&grant, GRANT_READ, NULL), 0);
    struct error err = ERROR_INIT;
    assert_int_equal(grant_require(&grant, GRANT_READ | GRANT_RETIRE, &err), -1);
    assert_string_equal(err.text, "the grant of task task-1 does not allow: retire");
}

static void
verifies_what_an_independent_program_signed(void **state)
{
    (void)state;
    uint8_t point[KEY_POINT_LEN], bytes[GRANT_MAX], holder[32];
    for (size_t i = 0; i < sizeof(holder); i++)
        holder[i] = (uint8_t)i;
    test_bytes(golden_point, point, sizeof(point));
    size_t len = test_bytes(golden_grant, bytes, sizeof(bytes));
    struct grant_check check = { point, "transporter-host", "transporter-source", holder, 1800000000001 };
    struct grant grant;
    assert_int_equal(grant_verify(bytes, len, &check, &grant, NULL), 0);
    assert_string_equal(grant.scope, "");
    assert_int_equal(grant.fence, 7);
    assert_int_equal(grant.lock_days, 30);
}

static void
each_refusal_says_why(void **state)
{
    struct fixture *f = *state;
    const struct grant_check good = f->check;
    uint8_t other_key[32] = { 1 };
    f->check.now_ms = 999000;
    refused(f, ERROR_DENIED, "not valid yet, for another 1 s");
    f->check.now_ms = 2000000;
    refused(f, ERROR_UNAUTHENTICATED, "expired 0 s ago");
    f->check = good;
    f->check.host_node_id = "transporter-other";
    refused(f, ERROR_DENIED, "for host transporter-host, this is transporter-other");
    f->check = good;
    f->check.holder_node_id = "";
    refused(f, ERROR_DENIED, "the caller is anonymous");
    f->check = good;
    f->check.holder_key_sha256 = other_key;
    refused(f, ERROR_DENIED, "another key");
    CLEANUP(key_pair_free_p) struct key_pair *stranger = key_pair_new(NULL);
    f->check = good;
    f->check.grant_key = key_pair_point(stranger);
    refused(f, ERROR_DENIED, "bad signature");
}

static void
no_changed_byte_passes(void **state)
{
    struct fixture *f = *state;
    struct grant grant;
    for (size_t i = 0; i < f->bytes.len; i++) {
        struct error err = ERROR_INIT;
        f->bytes.data[i] ^= 1;
        assert_int_equal(grant_verify(f->bytes.data, f->bytes.len, &f->check, &grant, &err), -1);
        assert_true(err.kind == ERROR_FORMAT || err.kind == ERROR_DENIED);
        f->bytes.data[i] ^= 1;
    }
    for (size_t len = 0; len < f->bytes.len; len++)
        assert_int_equal(grant_decode(f->bytes.data, len, &grant, NULL), -1);
    assert_int_equal(buffer_append_u8(&f->bytes, 0, NULL), 0);
    refused(f, ERROR_FORMAT, "malformed");
}

static void
what_cannot_be_encoded_is_not_signed(void **state)
{
    struct fixture *f = *state;
    struct grant wrong[5] = { example, example, example, example, example };
    wrong[0].operations = 16;
    wrong[1].expires_ms = wrong[1].not_before_ms;
    wrong[2].vault_id[0] = '\0';
    wrong[3].scope[0] = 'A';
    wrong[4].lock_days = GRANT_LOCK_DAYS_MAX + 1;
    for (size_t i = 0; i < 5; i++) {
        struct error err = ERROR_INIT;
        CLEANUP(buffer_clear) struct buffer out = BUFFER_INIT(GRANT_MAX);
        assert_int_equal(grant_sign(f->signer, &wrong[i], &out, &err), -1);
        assert_int_equal(err.kind, ERROR_USAGE);
        assert_int_equal(out.len, 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(verifies_what_was_signed, set_up, tear_down),
        cmocka_unit_test(verifies_what_an_independent_program_signed),
        cmocka_unit_test_setup_teardown(each_refusal_says_why, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_changed_byte_passes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_encoded_is_not_signed, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
