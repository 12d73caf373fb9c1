#include "director/api/api_fields.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "director/api/api_call.h"
#include "director/api/api_labels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static json_t *
parse(const char *text)
{
    struct error err = ERROR_INIT;
    json_t *object = api_fields_parse(text, strlen(text), &err);
    assert_non_null(object);
    return object;
}

static enum error_kind
refusal_of(const void *text, size_t len)
{
    struct error err = ERROR_INIT;
    assert_null(api_fields_parse(text, len, &err));
    return err.kind;
}

static void
only_one_object_is_a_request(void **state)
{
    (void)state;
    assert_int_equal(refusal_of("", 0), ERROR_FORMAT);
    assert_int_equal(refusal_of("[]", 2), ERROR_FORMAT);
    assert_int_equal(refusal_of("{} x", 4), ERROR_FORMAT);
    assert_int_equal(refusal_of("{\"a\":1,\"a\":2}", 13), ERROR_FORMAT);
    assert_int_equal(refusal_of("{\"a\":\"\xff\"}", 9), ERROR_FORMAT);
    assert_int_equal(refusal_of("{\"a\":\"\\u0000\"}", 14), ERROR_FORMAT);
}

static void
size_and_depth_are_limited(void **state)
{
    (void)state;
    char deep[64] = "{\"a\":";
    memset(deep + 5, '[', 15);
    memset(deep + 20, ']', 15);
    deep[strlen(deep)] = '}';
    json_decref(parse(deep));
    memmove(deep + 6, deep + 5, 31);
    memcpy(deep + 5, "[", 1);
    assert_int_equal(refusal_of(deep, strlen(deep)), ERROR_LIMIT);
    json_decref(parse("{\"brackets in a text\":\"[[[[[[[[[[[[[[[[[[[[[\\\"{{{{{{{{\"}"));
    char *large = calloc(1, API_BODY_LIMIT + 1);
    assert_int_equal(refusal_of(large, API_BODY_LIMIT + 1), ERROR_LIMIT);
    free(large);
}

static void
parse_errors_do_not_repeat_the_input(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    const char *text = "{\"client_secret\": hunter2}";
    assert_null(api_fields_parse(text, strlen(text), &err));
    assert_null(strstr(err.text, "hunter2"));
}

static void
unknown_fields_are_named(void **state)
{
    (void)state;
    static const char *const known[] = { "name", NULL };
    struct error err = ERROR_INIT;
    json_t *object = parse("{\"name\":\"x\",\"lables\":{}}");
    assert_int_equal(api_fields_only(object, known, &err), -1);
    assert_string_equal(err.text, "unknown field \"lables\"");
    json_decref(object);
}

static void
texts_are_bounded_and_printable(void **state)
{
    (void)state;
    json_t *object =
        parse("{\"good\":\"x\",\"empty\":\"\",\"long\":\"12345\",\"line\":\"a\\nb\",\"number\":1,\"none\":null}");
    static const char *const bad[] = { "empty", "long", "line", "number" };
    const char *text;
    struct error err = ERROR_INIT;
    assert_int_equal(api_fields_text(object, "good", 4, &text, &err), 0);
    assert_string_equal(text, "x");
    assert_int_equal(api_fields_optional_text(object, "none", 4, &text, &err), 0);
    assert_null(text);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        error_clear(&err);
        assert_int_equal(api_fields_optional_text(object, bad[i], 4, &text, &err), -1);
        assert_int_equal(err.kind, ERROR_USAGE);
        assert_non_null(strstr(err.text, bad[i]));
    }
    error_clear(&err);
    assert_int_equal(api_fields_text(object, "absent", 4, &text, &err), -1);
    json_decref(object);
}

static void
numbers_have_a_range(void **state)
{
    (void)state;
    json_t *object = parse("{\"n\":7,\"big\":99999999999,\"text\":\"7\",\"real\":1.5}");
    int64_t value;
    struct error err = ERROR_INIT;
    assert_int_equal(api_fields_number(object, "n", 1, 10, 0, &value, &err), 0);
    assert_int_equal(value, 7);
    assert_int_equal(api_fields_number(object, "absent", 1, 10, 3, &value, &err), 0);
    assert_int_equal(value, 3);
    assert_int_equal(api_fields_number(object, "big", 1, 10, 0, &value, NULL), -1);
    assert_int_equal(api_fields_number(object, "text", 1, 10, 0, &value, NULL), -1);
    assert_int_equal(api_fields_number(object, "real", 1, 10, 0, &value, NULL), -1);
    json_decref(object);
}

static void
bytes_are_base64_up_to_the_ceiling(void **state)
{
    (void)state;
    json_t *object =
        parse("{\"b\":\"aGVsbG8=\",\"bad\":\"a*\",\"large\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}");
    struct buffer out = BUFFER_INIT(16);
    assert_int_equal(api_fields_bytes(object, "b", &out, NULL), 0);
    assert_int_equal(out.len, 5);
    assert_memory_equal(out.data, "hello", 5);
    assert_int_equal(api_fields_bytes(object, "bad", &out, NULL), -1);
    assert_int_equal(api_fields_bytes(object, "large", &out, NULL), -1);
    assert_int_equal(api_fields_bytes(object, "absent", &out, NULL), -1);
    assert_int_equal(out.len, 5);
    buffer_clear(&out);
    json_decref(object);
}

static void
labels_become_a_sorted_selector_and_back(void **state)
{
    (void)state;
    json_t *object =
        parse("{\"l\":{\"tier\":\"gold\",\"site\":\"berlin\"},\"bad\":{\"a=b\":\"c\"},\"comma\":{\"a\":\"b,c\"}}");
    char selector[STORE_SELECTOR_LEN];
    struct error err = ERROR_INIT;
    assert_int_equal(api_labels_read_selector(object, "l", selector, &err), 0);
    assert_string_equal(selector, "site=berlin,tier=gold");
    json_t *back = api_labels_selector_json(selector);
    assert_true(json_equal(back, json_object_get(object, "l")));
    assert_int_equal(api_labels_read_selector(object, "bad", selector, NULL), -1);
    assert_int_equal(api_labels_read_selector(object, "comma", selector, NULL), -1);
    assert_int_equal(api_labels_read_selector(object, "absent", selector, &err), 0);
    assert_string_equal(selector, "");
    json_decref(back);
    json_decref(object);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_one_object_is_a_request),
        cmocka_unit_test(size_and_depth_are_limited),
        cmocka_unit_test(parse_errors_do_not_repeat_the_input),
        cmocka_unit_test(unknown_fields_are_named),
        cmocka_unit_test(texts_are_bounded_and_printable),
        cmocka_unit_test(numbers_have_a_range),
        cmocka_unit_test(bytes_are_base64_up_to_the_ceiling),
        cmocka_unit_test(labels_become_a_sorted_selector_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
