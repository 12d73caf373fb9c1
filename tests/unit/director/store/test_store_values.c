#include "director/store/store.h"
#include "tests/unit/director/store_fixture.h"

static void
names_have_a_small_charset(void **state)
{
    (void)state;
    char longest[STORE_NAME_LEN + 1];

    memset(longest, 'a', sizeof(longest));
    longest[STORE_NAME_LEN - 1] = '\0';
    assert_true(store_name_valid(longest));
    longest[STORE_NAME_LEN - 1] = 'a';
    longest[STORE_NAME_LEN] = '\0';
    assert_false(store_name_valid(longest));
    assert_true(store_name_valid("nas-1.Berlin_x"));
    assert_false(store_name_valid(""));
    assert_false(store_name_valid("-x"));
    assert_false(store_name_valid("a b"));
    assert_false(store_name_valid("a/b"));
    assert_false(store_name_valid("a'b"));
    assert_false(store_name_valid("stra\xc3\x9f"
                                  "e"));
}

static void
titles_are_utf8_without_control_characters(void **state)
{
    (void)state;
    assert_true(store_title_valid("B\xc3\xa4rbel's Sch\xc3\xbcler / 2026", STORE_TITLE_LEN));
    assert_false(store_title_valid("", STORE_TITLE_LEN));
    assert_false(store_title_valid("a\nb", STORE_TITLE_LEN));
    assert_false(store_title_valid("a\xc2\x85z", STORE_TITLE_LEN));
    assert_false(store_title_valid("\xff\xfe", STORE_TITLE_LEN));
    assert_false(store_title_valid("\xed\xa0\x80", STORE_TITLE_LEN));
    assert_false(store_title_valid("too long", 4));
}

static void
labels_come_back_as_they_were(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct store_labels labels;
    char text[STORE_LABELS_TEXT_LEN];

    assert_ok(store_labels_parse("site=berlin,tier=gold", &labels, &err));
    assert_int_equal(labels.count, 2);
    assert_string_equal(labels.at[1].key, "tier");
    assert_string_equal(labels.at[1].value, "gold");
    store_labels_format(&labels, text);
    assert_string_equal(text, "site=berlin,tier=gold");
    assert_ok(store_labels_parse("", &labels, &err));
    assert_int_equal(labels.count, 0);
}

static void
broken_labels_are_refused(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct store_labels labels;
    static const char *const broken[] = { "site", "=x", "site=", "a=b,", ",a=b", "a=b,a=c", "a=b c", "a==b" };

    for (size_t i = 0; i < ARRAY_LEN(broken); i++)
        assert_fails(store_labels_parse(broken[i], &labels, &err), ERROR_USAGE);
    char many[512] = "";
    size_t at = 0;
    for (int i = 0; i <= STORE_LABELS_MAX; i++)
        at += (size_t)snprintf(many + at, sizeof(many) - at, "%sk%d=v", i > 0 ? "," : "", i);
    assert_fails(store_labels_parse(many, &labels, &err), ERROR_USAGE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_have_a_small_charset),
        cmocka_unit_test(titles_are_utf8_without_control_characters),
        cmocka_unit_test(labels_come_back_as_they_were),
        cmocka_unit_test(broken_labels_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
