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

/* Made once with pyca/cryptography from the description in the header, version 1. */
static const char golden_point[] =
    "049feeeda903d83d01f8859d5c1171d72ff9ce5ff221b480a46068d97e3d40de9ecd845d8129791c248532991b462ae9e3be"
    "a354f2a7acbc6e0d6e15783b9b02fb";
static const char golden_grant[] =
    "4c484752010c7661756c742d676f6c64656e117265706f7369746f72792d676f6c64656e107472616e73706f727465722d68"
    "6f7374030000000b7461736b2d676f6c64656e000700000000000000127472616e73706f727465722d736f75726365000102"
    "030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f00505c18a3010000803e9318a3010000be62e76522"
    "476275aa81546106a3f03404a721cde9882dbc86652c85eea1b965f0177e92b4e3d6ffc84f24a3e61bcf7751cdcb20bef356"
    "5a36599655e3d3ad35";

static const struct grant example = {
    .vault_id = "vault-1",
    .repository_id = "repository-1",
    .host_node_id = "transporter-host",
    .operations = GRANT_READ | GRANT_APPEND,
    .task_id = "task-1",
    .scope = "object-1",
    .fence = 41,
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
    struct grant wrong[4] = { example, example, example, example };
    wrong[0].operations = 16;
    wrong[1].expires_ms = wrong[1].not_before_ms;
    wrong[2].vault_id[0] = '\0';
    wrong[3].scope[0] = 'A';
    for (size_t i = 0; i < 4; i++) {
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
