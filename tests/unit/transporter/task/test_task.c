#include "transporter/task/task.h"

#include "common/base/clock.h"
#include "common/base/buffer.h"
#include "common/base/memory.h"
#include "common/crypto/grant.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void
sign(struct key_pair *director, const char *vault, const char *repository, struct buffer *out)
{
    struct error err = ERROR_INIT;
    struct grant grant = { .operations = GRANT_READ, .fence = 1, .expires_ms = 1 };
    snprintf(grant.vault_id, sizeof(grant.vault_id), "%s", vault);
    snprintf(grant.repository_id, sizeof(grant.repository_id), "%s", repository);
    snprintf(grant.host_node_id, sizeof(grant.host_node_id), "transporter-1");
    snprintf(grant.task_id, sizeof(grant.task_id), "task-1");
    snprintf(grant.holder_node_id, sizeof(grant.holder_node_id), "transporter-2");
    assert_int_equal(grant_sign(director, &grant, out, &err), 0);
}

static struct task *
make_task(enum task_kind kind)
{
    static struct task_services services;
    struct error err = ERROR_INIT;
    struct task_order *order = task_order_new();
    services.clock = clock_system();
    order->kind = kind;
    snprintf(order->vault.vault_id, sizeof(order->vault.vault_id), "vault-1");
    snprintf(order->vault.repository_id, sizeof(order->vault.repository_id), "repository-2");
    snprintf(order->source.vault_id, sizeof(order->source.vault_id), "vault-1");
    snprintf(order->source.repository_id, sizeof(order->source.repository_id), "repository-1");
    struct task *task = task_new(order, &services, &err);
    assert_non_null(task);
    return task;
}

static void
assert_grants(struct task *task, const struct buffer *own, const struct buffer *source)
{
    struct error err = ERROR_INIT;
    CLEANUP(buffer_clear) struct buffer got = BUFFER_INIT(GRANT_MAX);
    assert_int_equal(task_grant(task, &got, &err), 0);
    assert_int_equal(got.len, own->len);
    assert_true(got.len == 0 || memcmp(got.data, own->data, got.len) == 0);
    got.len = 0;
    assert_int_equal(task_source_grant(task, &got, &err), 0);
    assert_int_equal(got.len, source->len);
    assert_true(got.len == 0 || memcmp(got.data, source->data, got.len) == 0);
}

/* A replica has the id of what it is a replica of: the repository tells them apart. */
static void
a_copys_two_grants_are_told_apart(void **state)
{
    struct error err = ERROR_INIT;
    struct key_pair *director = key_pair_new(&err);
    CLEANUP(buffer_clear) struct buffer own = BUFFER_INIT(GRANT_MAX);
    CLEANUP(buffer_clear) struct buffer source = BUFFER_INIT(GRANT_MAX);
    CLEANUP(buffer_clear) struct buffer none = BUFFER_INIT(GRANT_MAX);
    (void)state;
    assert_non_null(director);
    sign(director, "vault-1", "repository-2", &own);
    sign(director, "vault-1", "repository-1", &source);
    struct task *task = make_task(TASK_COPY);
    task_set_grant(task, source.data, source.len);
    assert_grants(task, &none, &source);
    task_set_grant(task, own.data, own.len);
    assert_grants(task, &own, &source);
    task_free(task);
    task = make_task(TASK_BACKUP);
    task_set_grant(task, source.data, source.len);
    assert_grants(task, &source, &none);
    task_free(task);
    key_pair_free(director);
}

static void
what_is_locked_so_far_is_told_until_the_next_phase(void **state)
{
    struct task_progress progress;
    struct task *task = make_task(TASK_COPY);
    (void)state;
    task_phase(task, "copy");
    task_locking(task, 300, 4000);
    task_snapshot(task, &progress);
    assert_string_equal(progress.phase, "lock 300/4000");
    task_phase(task, "copy");
    task_snapshot(task, &progress);
    assert_string_equal(progress.phase, "copy");
    task_free(task);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copys_two_grants_are_told_apart),
        cmocka_unit_test(what_is_locked_so_far_is_told_until_the_next_phase),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
