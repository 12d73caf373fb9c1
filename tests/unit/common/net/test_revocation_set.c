#include "common/net/revocation_set.h"

#include "common/base/error.h"
#include "common/net/tls_context.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void
admits_everybody_but_revoked_nodes(void **state)
{
    (void)state;
    struct revocation_set *set = revocation_set_new();
    struct tls_peer peer = { .node_id = "transporter-1" }, anonymous = { .node_id = "" };
    assert_int_equal(revocation_set_admit(set, &peer, NULL), 0);
    assert_true(revocation_set_add(set, "transporter-1"));
    assert_false(revocation_set_add(set, "transporter-1"));
    assert_false(revocation_set_add(set, "Not An Id"));
    struct error err = ERROR_INIT;
    assert_int_equal(revocation_set_admit(set, &peer, &err), -1);
    assert_int_equal(err.kind, ERROR_DENIED);
    assert_string_equal(err.text, "node transporter-1 is revoked");
    assert_int_equal(revocation_set_admit(set, &anonymous, NULL), 0);
    revocation_set_free(set);
}

static void
many_ids_stay_sorted(void **state)
{
    (void)state;
    struct revocation_set *set = revocation_set_new();
    char id[40];
    for (unsigned i = 0; i < 500; i++) {
        snprintf(id, sizeof(id), "node-%u", i * 7919 % 500);
        assert_true(revocation_set_add(set, id));
    }
    for (unsigned i = 0; i < 500; i++) {
        snprintf(id, sizeof(id), "node-%u", i);
        assert_true(revocation_set_contains(set, id));
    }
    assert_false(revocation_set_contains(set, "node-500"));
    size_t count = 0;
    char **ids = revocation_set_list(set, &count);
    assert_int_equal(count, 500);
    for (size_t i = 1; i < count; i++)
        assert_true(strcmp(ids[i - 1], ids[i]) < 0);
    revocation_set_list_free(ids, count);
    revocation_set_free(set);
}

static void
note(void *ctx, const char *node_id)
{
    char *text = ctx;
    size_t len = strlen(text);
    snprintf(text + len, 100 - len, "%s;", node_id);
}

static void
replacing_tells_what_is_new(void **state)
{
    (void)state;
    struct revocation_set *set = revocation_set_new();
    char said[100] = "";
    const char *first[] = { "b", "a" }, *second[] = { "c", "a" }, *wrong[] = { "d", "" };
    assert_int_equal(revocation_set_replace(set, first, 2, note, said, NULL), 0);
    assert_string_equal(said, "b;a;");
    *said = '\0';
    assert_int_equal(revocation_set_replace(set, second, 2, note, said, NULL), 0);
    assert_string_equal(said, "c;");
    assert_false(revocation_set_contains(set, "b"));
    struct error err = ERROR_INIT;
    assert_int_equal(revocation_set_replace(set, wrong, 2, note, said, &err), -1);
    assert_int_equal(err.kind, ERROR_FORMAT);
    assert_true(revocation_set_contains(set, "c"));
    assert_int_equal(revocation_set_replace(set, NULL, 0, note, said, NULL), 0);
    assert_false(revocation_set_contains(set, "c"));
    revocation_set_free(set);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(admits_everybody_but_revoked_nodes),
        cmocka_unit_test(many_ids_stay_sorted),
        cmocka_unit_test(replacing_tells_what_is_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
