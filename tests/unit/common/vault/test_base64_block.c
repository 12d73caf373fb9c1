#include "common/vault/base64_block.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#define BYTES 600

static uint64_t state = 1;

static uint8_t
random_byte(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint8_t)(state >> 56);
}

static void
every_length_is_as_without_vectors(void **unused)
{
    uint8_t data[BYTES], text[BYTES / 3 * 4 + 1], plain[BYTES / 3 * 4 + 1], back[BYTES + 1];
    (void)unused;
    for (size_t len = 0; len <= BYTES; len += 3) {
        for (size_t i = 0; i < len; i++)
            data[i] = random_byte();
        memset(text, '!', sizeof(text));
        memset(back, '!', sizeof(back));
        base64_block_encode(data, len, text);
        base64_block_encode_plain(data, len, plain);
        assert_memory_equal(text, plain, len / 3 * 4);
        assert_int_equal(text[len / 3 * 4], '!');
        assert_true(base64_block_decode(text, len / 3 * 4, back));
        assert_memory_equal(back, data, len);
        assert_int_equal(back[len], '!');
    }
}

/* Each of the 256 characters in each place of a block. */
static void
every_character_is_as_without_vectors(void **unused)
{
    uint8_t text[96], a[72], b[72];
    (void)unused;
    memset(text, 'A', sizeof(text));
    for (size_t at = 0; at < sizeof(text); at++) {
        for (unsigned c = 0; c < 256; c++) {
            text[at] = (uint8_t)c;
            bool good = base64_block_decode_plain(text, sizeof(text), b);
            assert_int_equal(good, base64_block_value((uint8_t)c) != BASE64_BLOCK_BAD);
            assert_int_equal(base64_block_decode(text, sizeof(text), a), good);
            if (good)
                assert_memory_equal(a, b, sizeof(a));
        }
        text[at] = 'A';
    }
}

static void
known_vectors_hold(void **unused)
{
    uint8_t out[8];
    (void)unused;
    base64_block_encode((const uint8_t *)"foobar", 6, out);
    assert_memory_equal(out, "Zm9vYmFy", 8);
    assert_true(base64_block_decode((const uint8_t *)"Zm9vYmFy", 8, out));
    assert_memory_equal(out, "foobar", 6);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_is_as_without_vectors),
        cmocka_unit_test(every_character_is_as_without_vectors),
        cmocka_unit_test(known_vectors_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
