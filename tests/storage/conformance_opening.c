#include "common/base/clock.h"
#include "common/base/memory.h"
#include "tests/fakes/shell_command.h"
#include "tests/storage/conformance.h"

#include <stdlib.h>

static void
attaching_what_is_attached_is_fine(void **state)
{
    struct error err = ERROR_INIT;
    char name[STORAGE_NAME_LEN];
    (void)state;
    assert_ok(storage_put(conformance.storage, conformance_name(name, "opening/a"), "abc", 3, 0, &err), err);
    for (int create = 0; create < 2; create++) {
        struct storage *storage = conformance_open(conformance.location, create == 1, &err);
        if (storage == NULL)
            fail_msg("%s", err.text);
        conformance_expect(storage, name, (const uint8_t *)"abc", 3);
        storage_close(storage);
    }
}

static void
locations_that_make_no_sense_are_refused(void **state)
{
    static const char *const bad[] = { "", "[]", "{}", "{\"driver\":\"tape\"}", "{\"driver\":7}", "\xff" };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct error err = ERROR_INIT;
        assert_null(conformance_open(bad[i], true, &err));
        assert_int_equal(err.kind, ERROR_CONFIG);
    }
}

static void
what_cannot_be_reached_is_unavailable(void **state)
{
    struct error err = ERROR_INIT;
    (void)state;
    if (conformance.unavailable == NULL)
        skip();
    assert_null(conformance_open(conformance.unavailable, false, &err));
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
}

static void
what_is_refused_is_denied(void **state)
{
    struct error err = ERROR_INIT;
    char name[STORAGE_NAME_LEN];
    (void)state;
    if (conformance.denied == NULL)
        skip();
    struct storage *storage = conformance_open(conformance.denied, false, &err);
    if (storage != NULL) {
        assert_fails(storage_put(storage, conformance_name(name, "denied/a"), "x", 1, 0, &err), ERROR_DENIED, err);
        storage_close(storage);
        return;
    }
    assert_int_equal(err.kind, ERROR_DENIED);
}

/* A disk that is not mounted: neither empty, nor to be made into a repository anew. */
static void
a_location_without_its_marker_is_unavailable(void **state)
{
    struct error err = ERROR_INIT;
    (void)state;
    if (conformance.lose_marker == NULL)
        skip();
    assert_int_equal(shell_command(conformance.lose_marker), 0);
    assert_null(conformance_open(conformance.location, false, &err));
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
    err = (struct error)ERROR_INIT;
    assert_null(conformance_open(conformance.location, true, &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(attaching_what_is_attached_is_fine),
    cmocka_unit_test(locations_that_make_no_sense_are_refused),
    cmocka_unit_test(what_cannot_be_reached_is_unavailable),
    cmocka_unit_test(what_is_refused_is_denied),
    cmocka_unit_test(a_location_without_its_marker_is_unavailable),
};

const struct conformance_group conformance_opening = { "opening", tests, ARRAY_LEN(tests) };
