#include "common/base/encoding.h"

#include "common/base/error.h"
#include "common/base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

/* RFC 4648 section 10 */
static void
the_published_base64_vectors(void **state)
{
    (void)state;
    static const char *const vectors[][2] = { { "", "" },
                                              { "f", "Zg==" },
                                              { "fo", "Zm8=" },
                                              { "foo", "Zm9v" },
                                              { "foob", "Zm9vYg==" },
                                              { "fooba", "Zm9vYmE=" },
                                              { "foobar", "Zm9vYmFy" } };
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        char text[64];
        uint8_t back[64];
        size_t len = sizeof(back);
        struct error err = ERROR_INIT;
        assert_int_equal(encoding_base64(vectors[i][0], strlen(vectors[i][0]), text), strlen(vectors[i][1]));
        assert_string_equal(text, vectors[i][1]);
        assert_int_equal(encoding_unbase64(text, strlen(text), back, &len, &err), 0);
        assert_int_equal(len, strlen(vectors[i][0]));
        assert_memory_equal(back, vectors[i][0], len);
    }
}

static void
the_url_alphabet_needs_no_padding(void **state)
{
    (void)state;
    static const uint8_t bytes[] = { 0xfb, 0xff, 0xfe, 0x01 };
    char text[16];
    uint8_t back[8];
    size_t len = sizeof(back);
    encoding_base64url(bytes, sizeof(bytes), text);
    assert_string_equal(text, "-__-AQ");
    assert_int_equal(encoding_unbase64(text, strlen(text), back, &len, NULL), 0);
    assert_int_equal(len, 4);
    assert_memory_equal(back, bytes, 4);
}

static void
what_is_not_base64_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = { "A", "Zm9v!", "Z m9", "====", "Zg=", "Zm9vYg=" };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        uint8_t out[16];
        size_t len = sizeof(out);
        assert_int_equal(encoding_unbase64(wrong[i], strlen(wrong[i]), out, &len, NULL), -1);
    }
    uint8_t small[2];
    size_t len = sizeof(small);
    struct error err = ERROR_INIT;
    assert_int_equal(encoding_unbase64("Zm9v", 4, small, &len, &err), -1);
    assert_int_equal(err.kind, ERROR_LIMIT);
}

static void
hexadecimal_goes_there_and_back(void **state)
{
    (void)state;
    static const uint8_t bytes[] = { 0x00, 0x7f, 0xff, 0xa5 };
    char text[9];
    uint8_t back[4];
    encoding_hex(bytes, 4, text);
    assert_string_equal(text, "007fffa5");
    assert_int_equal(encoding_unhex("007FFFa5", back, 4), 0);
    assert_memory_equal(back, bytes, 4);
    assert_int_equal(encoding_unhex("007fffa", back, 4), -1);
    assert_int_equal(encoding_unhex("007fffa5b", back, 4), -1);
    assert_int_equal(encoding_unhex("007fffag", back, 4), -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_base64_vectors),
        cmocka_unit_test(the_url_alphabet_needs_no_padding),
        cmocka_unit_test(what_is_not_base64_is_refused),
        cmocka_unit_test(hexadecimal_goes_there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
