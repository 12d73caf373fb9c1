#include "director/jobs/placement.h"
#include "tests/unit/director/store_fixture.h"

static const struct store_labels berlin = { 1, { { "site", "berlin" } } };
static const struct store_labels none = { 0 };

static struct placement_candidate
candidate(const char *id, unsigned running, unsigned slots)
{
    return (struct placement_candidate){
        .id = id, .labels = &none, .has_secrets = true, .slots = slots, .running = running
    };
}

static void
the_least_loaded_is_chosen(void **state)
{
    (void)state;
    struct placement_need need = { .pinned = "", .host_needed = true, .host_online = true };
    struct placement_candidate c[] = { candidate("a", 3, 4), candidate("b", 2, 4), candidate("c", 3, 16),
                                       candidate("d", 3, 16) };
    enum placement_reason why;

    assert_int_equal(placement_choose(&need, c, 4, &why), 2);
    assert_int_equal(why, PLACEMENT_FOUND);
}

static void
who_may_not_is_never_chosen(void **state)
{
    (void)state;
    struct placement_need need = { .pinned = "", .selector = berlin, .host_needed = true, .host_online = true };
    struct placement_candidate c[] = { candidate("a", 0, 4), candidate("b", 4, 4) };
    enum placement_reason why;

    assert_int_equal(placement_choose(&need, c, 2, &why), -1);
    assert_int_equal(why, PLACEMENT_NO_LABEL);
    c[1].labels = &berlin;
    assert_int_equal(placement_choose(&need, c, 2, &why), -1);
    assert_int_equal(why, PLACEMENT_NO_SLOT);
    c[1].running = 3;
    assert_int_equal(placement_choose(&need, c, 2, &why), 1);
    c[1].has_secrets = false;
    assert_int_equal(placement_choose(&need, c, 2, &why), -1);
    assert_int_equal(why, PLACEMENT_NO_SECRET);
    c[1].has_secrets = true;
    need.host_online = false;
    assert_int_equal(placement_choose(&need, c, 2, &why), -1);
    assert_int_equal(why, PLACEMENT_HOST_AWAY);
    need.host_needed = false;
    assert_int_equal(placement_choose(&need, c, 2, &why), 1);
    need.exclusive_busy = true;
    assert_int_equal(placement_choose(&need, c, 2, &why), -1);
    assert_int_equal(why, PLACEMENT_BUSY);
}

static void
a_pinned_task_waits_for_its_transporter(void **state)
{
    (void)state;
    struct placement_need need = { .pinned = "b" };
    struct placement_candidate c[] = { candidate("a", 0, 4), candidate("b", 1, 4) };
    enum placement_reason why;

    assert_int_equal(placement_choose(&need, c, 1, &why), -1);
    assert_int_equal(why, PLACEMENT_PINNED_AWAY);
    assert_int_equal(placement_choose(&need, c, 2, &why), 1);
    assert_int_equal(placement_choose(&need, c, 0, &why), -1);
    assert_int_equal(why, PLACEMENT_NO_TRANSPORTER);
    for (int i = PLACEMENT_NO_TRANSPORTER; i < PLACEMENT_FOUND; i++)
        assert_true(strlen(placement_reason_text((enum placement_reason)i)) > 10);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_loaded_is_chosen),
        cmocka_unit_test(who_may_not_is_never_chosen),
        cmocka_unit_test(a_pinned_task_waits_for_its_transporter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
