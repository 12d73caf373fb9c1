#include "director/api/api_router.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "director/api/api_routes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static const struct api_route *
match(enum api_method method, const char *path, struct api_match *found, struct error *err)
{
    error_clear(err);
    return api_router_match(api_routes, api_route_count, method, path, found, err) == 0 ? found->route : NULL;
}

static void
names_in_the_path_become_parameters(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct api_match found;
    assert_non_null(match(API_PUT, "/api/v1/secrets/secret-1/slots/nas1", &found, &err));
    assert_string_equal(found.route->pattern, "/api/v1/secrets/{secret}/slots/{transporter}");
    assert_string_equal(found.parameters[0], "secret-1");
    assert_string_equal(found.parameters[1], "nas1");
}

static void
a_fixed_segment_wins_over_a_name(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct api_match found;
    assert_non_null(match(API_GET, "/api/v1/tokens/own", &found, &err));
    assert_string_equal(found.route->pattern, "/api/v1/tokens/own");
}

static void
what_does_not_fit_is_not_found(void **state)
{
    (void)state;
    static const char *const paths[] = { "",
                                         "/",
                                         "/api/v1",
                                         "/api/v1/",
                                         "/api/v1/tenants/",
                                         "/api/v1/tenants//objects",
                                         "/api/v1/tenants/a/b",
                                         "/api/v1/health/",
                                         "/api/v2/health",
                                         "api/v1/health" };
    struct error err = ERROR_INIT;
    struct api_match found;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        assert_null(match(API_GET, paths[i], &found, &err));
        assert_int_equal(err.kind, ERROR_NOT_FOUND);
    }
}

static void
another_method_is_told_apart_from_no_path(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct api_match found;
    assert_null(match(API_DELETE, "/api/v1/health", &found, &err));
    assert_int_equal(err.kind, ERROR_UNSUPPORTED);
}

static void
a_name_that_is_too_long_is_refused(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct api_match found;
    char path[API_SEGMENT + 64] = "/api/v1/tenants/";
    size_t base = strlen(path);
    memset(path + base, 'a', API_SEGMENT - 1);
    assert_non_null(match(API_GET, path, &found, &err));
    memset(path + base, 'a', API_SEGMENT);
    assert_null(match(API_GET, path, &found, &err));
    assert_int_equal(err.kind, ERROR_LIMIT);
}

static void
every_route_is_reached_by_its_own_pattern(void **state)
{
    (void)state;
    for (size_t i = 0; i < api_route_count; i++) {
        struct error err = ERROR_INIT;
        struct api_match found;
        assert_ptr_equal(match(api_routes[i].method, api_routes[i].pattern, &found, &err), &api_routes[i]);
    }
}

static void
only_health_is_public(void **state)
{
    (void)state;
    for (size_t i = 0; i < api_route_count; i++)
        if (api_routes[i].access == API_PUBLIC)
            assert_string_equal(api_routes[i].pattern, "/api/v1/health");
}

static void
nothing_that_changes_is_open_to_viewers(void **state)
{
    (void)state;
    for (size_t i = 0; i < api_route_count; i++)
        if (api_routes[i].method != API_GET)
            assert_true(api_routes[i].access >= API_OPERATOR);
}

static void
methods_have_names_that_lead_back(void **state)
{
    (void)state;
    enum api_method method;
    for (int i = 0; i < API_METHOD_COUNT; i++) {
        assert_int_equal(api_router_method_from_name(api_router_method_name((enum api_method)i), &method), 0);
        assert_int_equal(method, i);
    }
    assert_int_equal(api_router_method_from_name("TRACE", &method), -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_in_the_path_become_parameters),
        cmocka_unit_test(a_fixed_segment_wins_over_a_name),
        cmocka_unit_test(what_does_not_fit_is_not_found),
        cmocka_unit_test(another_method_is_told_apart_from_no_path),
        cmocka_unit_test(a_name_that_is_too_long_is_refused),
        cmocka_unit_test(every_route_is_reached_by_its_own_pattern),
        cmocka_unit_test(only_health_is_public),
        cmocka_unit_test(nothing_that_changes_is_open_to_viewers),
        cmocka_unit_test(methods_have_names_that_lead_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
