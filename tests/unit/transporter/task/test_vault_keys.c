#include "transporter/task/vault_keys.h"

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/crypto/key_slot.h"
#include "tests/fakes/fake_backend.h"
#include "tests/fakes/fake_clock.h"
#include "transporter/task/cancel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct fixture {
    struct fake_clock clock;
    struct fake_backend *backend;
    struct secret *password, *other;
    struct vault_keys *keys;
    struct cancel cancel;
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct error err = ERROR_INIT;
    struct vault_params params = { .password_cost = &key_slot_cost_least };
    fake_clock_init(&f->clock, 7);
    f->backend = fake_backend_new();
    f->password = secret_new("correct horse battery", 21, &err);
    f->other = secret_new("something else entirely", 23, &err);
    f->keys = vault_keys_new(&f->clock.clock);
    assert_int_equal(cancel_init(&f->cancel, &err), 0);
    assert_int_equal(vault_create(fake_backend_of(f->backend), &f->clock.clock, "vault-a", f->password, &params, &err),
                     0);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    vault_keys_free(f->keys);
    fake_backend_free(f->backend);
    secret_free(f->password);
    secret_free(f->other);
    cancel_clear(&f->cancel);
    free(f);
    return 0;
}

/* How many calls the opening made: none when the key was at hand. */
static int
open_and_close(struct fixture *f, const struct secret *password, struct error *err)
{
    int before = fake_backend_calls(f->backend);
    struct vault *vault = vault_keys_open(f->keys, fake_backend_of(f->backend), "vault-a", password, &f->cancel, err);
    if (vault == NULL)
        return -1;
    assert_string_equal(vault_id(vault), "vault-a");
    assert_ptr_equal(vault_backend(vault).ctx, fake_backend_of(f->backend).ctx);
    vault_keys_close(f->keys, vault);
    return fake_backend_calls(f->backend) - before;
}

static void
the_next_task_needs_no_slot(void **state)
{
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    assert_true(open_and_close(f, f->password, &err) > 0);
    assert_int_equal(open_and_close(f, f->password, &err), 0);
}

static void
another_password_does_not_profit(void **state)
{
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    assert_true(open_and_close(f, f->password, &err) > 0);
    assert_int_equal(open_and_close(f, f->other, &err), -1);
    assert_int_equal(err.kind, ERROR_DENIED);
    error_clear(&err);
    assert_int_equal(open_and_close(f, f->password, &err), 0);
}

static void
a_key_is_forgotten_after_a_while(void **state)
{
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    assert_true(open_and_close(f, f->password, &err) > 0);
    fake_clock_advance(&f->clock, VAULT_KEYS_LINGER_MS);
    vault_keys_sweep(f->keys);
    assert_true(open_and_close(f, f->password, &err) > 0);
}

/* A task may last longer than keys linger: the next one begins while memory is short. */
static void
a_key_stays_while_a_task_has_it(void **state)
{
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    struct vault *vault =
        vault_keys_open(f->keys, fake_backend_of(f->backend), "vault-a", f->password, &f->cancel, &err);
    assert_non_null(vault);
    fake_clock_advance(&f->clock, 2 * VAULT_KEYS_LINGER_MS);
    vault_keys_sweep(f->keys);
    assert_int_equal(open_and_close(f, f->password, &err), 0);
    fake_clock_advance(&f->clock, 2 * VAULT_KEYS_LINGER_MS);
    vault_keys_sweep(f->keys);
    vault_keys_close(f->keys, vault);
    assert_int_equal(open_and_close(f, f->password, &err), 0);
    fake_clock_advance(&f->clock, VAULT_KEYS_LINGER_MS);
    vault_keys_sweep(f->keys);
    assert_true(open_and_close(f, f->password, &err) > 0);
}

static void
a_failed_opening_leaves_nothing_behind(void **state)
{
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    fake_backend_fail_after(f->backend, 0);
    assert_int_equal(open_and_close(f, f->password, &err), -1);
    assert_int_equal(err.kind, ERROR_NETWORK);
    error_clear(&err);
    fake_backend_fail_after(f->backend, -1);
    assert_true(open_and_close(f, f->password, &err) > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_next_task_needs_no_slot, setup, teardown),
        cmocka_unit_test_setup_teardown(another_password_does_not_profit, setup, teardown),
        cmocka_unit_test_setup_teardown(a_key_is_forgotten_after_a_while, setup, teardown),
        cmocka_unit_test_setup_teardown(a_key_stays_while_a_task_has_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failed_opening_leaves_nothing_behind, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
