#include "common/vault/chunker.h"

#include "common/base/memory.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define BYTES ((size_t)48 << 20)

static uint64_t gear[CHUNKER_TABLE];
static uint8_t *data;

static uint64_t
next_random(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u;
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static int
setup(void **state)
{
    uint64_t random = 7;
    (void)state;
    for (int i = 0; i < CHUNKER_TABLE; i++)
        gear[i] = next_random(&random);
    data = memory_new(BYTES);
    for (size_t i = 0; i < BYTES; i += 8) {
        uint64_t r = next_random(&random);
        memcpy(data + i, &r, 8);
    }
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    free(data);
    return 0;
}

static int
compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* The figures of proto/FORMAT.md, "Splitting", in hundredths of the average. */
static void
lengths_are_distributed_as_documented(void **state)
{
    const struct chunker_sizes *sizes = &chunker_sizes_new;
    uint32_t *lengths = memory_new((BYTES / sizes->min + 1) * sizeof(*lengths));
    size_t n = 0, longest = 0;
    (void)state;
    for (size_t at = 0; BYTES - at >= sizes->max; n++) {
        lengths[n] = (uint32_t)chunker_cut(sizes, gear, data + at, BYTES - at);
        assert_in_range(lengths[n], sizes->min + 1, sizes->max);
        longest += lengths[n] == sizes->max;
        at += lengths[n];
    }
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += lengths[i];
    qsort(lengths, n, sizeof(lengths[0]), compare);
    print_message("%zu chunks: mean %llu, percentiles 5 %u, 25 %u, 50 %u, 75 %u, 95 %u, 99 %u, at the maximum %zu\n", n,
                  (unsigned long long)(sum / n), lengths[n / 20], lengths[n / 4], lengths[n / 2], lengths[n / 4 * 3],
                  lengths[n / 20 * 19], lengths[n / 100 * 99], longest);
    assert_in_range(sum / n, sizes->average / 100 * 100, sizes->average / 100 * 120);
    assert_in_range(lengths[n / 20], sizes->average / 100 * 40, sizes->average / 100 * 75);
    assert_in_range(lengths[n / 2], sizes->average / 100 * 100, sizes->average / 100 * 120);
    assert_in_range(lengths[n / 20 * 19], sizes->average / 100 * 140, sizes->average / 100 * 200);
    assert_true(longest < n / 1000);
    free(lengths);
}

/* Inserted bytes change the chunk they are in, and at most a few after it. */
static void
cuts_come_back_after_an_insertion(void **state)
{
    const struct chunker_sizes *sizes = &chunker_sizes_new;
    enum { LEN = 4 << 20, AT = 1 << 20, MORE = 11 };
    uint8_t *changed = memory_new(LEN + MORE);
    uint8_t *cut_here = memory_new(LEN + MORE + 1);
    size_t later = 0, common = 0;
    (void)state;
    memcpy(changed, data, AT);
    memcpy(changed + AT, "hello world", MORE);
    memcpy(changed + AT + MORE, data + AT, LEN - AT);
    for (size_t at = 0; at < LEN;) {
        at += chunker_cut(sizes, gear, data + at, LEN - at);
        cut_here[at + (at > AT ? MORE : 0)] = 1;
        later += at > AT;
    }
    for (size_t at = 0; at < LEN + MORE;) {
        at += chunker_cut(sizes, gear, changed + at, LEN + MORE - at);
        if (at <= AT)
            assert_int_equal(cut_here[at], 1);
        else
            common += cut_here[at];
    }
    assert_in_range(common, later - 4, later);
    free(changed);
    free(cut_here);
}

/* What follows the longest chunk does not move its cut, so a stream may be cut as it comes. */
static void
a_cut_follows_from_the_bytes_before_it(void **state)
{
    const struct chunker_sizes *sizes = &chunker_sizes_new;
    (void)state;
    for (size_t at = 0; at < (size_t)4 << 20; at += 99991) {
        size_t len = chunker_cut(sizes, gear, data + at, sizes->max);
        assert_int_equal(chunker_cut(sizes, gear, data + at, 2 * sizes->max), len);
        assert_int_equal(chunker_cut(sizes, gear, data + at, len), len);
    }
    for (size_t len = 0; len <= sizes->min; len += 1024)
        assert_int_equal(chunker_cut(sizes, gear, data, len), len);
}

/* As proto/FORMAT.md has it, byte by byte. */
static size_t
cut_as_specified(const struct chunker_sizes *sizes, const uint8_t *bytes, size_t len)
{
    uint64_t hash = 0;
    for (size_t i = sizes->min - 64; i < len && i < sizes->max; i++) {
        unsigned zeros = (unsigned)__builtin_ctz(sizes->average);
        zeros = i < sizes->average ? zeros + 2 : zeros - 2;
        hash = (hash << 1) + gear[bytes[i]];
        if (i >= sizes->min && hash >> (64 - zeros) == 0)
            return i + 1;
    }
    return len < sizes->max ? len : sizes->max;
}

static void
cuts_are_those_of_the_specification(void **state)
{
    const struct chunker_sizes *sizes = &chunker_sizes_new;
    (void)state;
    for (size_t at = 0; at < (size_t)8 << 20;) {
        size_t left = sizes->min + at % (sizes->max + 5000 - sizes->min);
        size_t len = chunker_cut(sizes, gear, data + at, left);
        assert_int_equal(len, cut_as_specified(sizes, data + at, left));
        at += len;
    }
}

static void
only_sane_sizes_are_valid(void **state)
{
    (void)state;
    assert_true(chunker_sizes_valid(&chunker_sizes_new));
    assert_true(chunker_sizes_valid(&(struct chunker_sizes){ 16 << 10, 64 << 10, 256 << 10 }));
    assert_false(chunker_sizes_valid(&(struct chunker_sizes){ 0, 0, 0 }));
    assert_false(chunker_sizes_valid(&(struct chunker_sizes){ 8 << 10, 32 << 10, 256 << 10 }));
    assert_false(chunker_sizes_valid(&(struct chunker_sizes){ 12 << 10, 48 << 10, 192 << 10 }));
    assert_false(chunker_sizes_valid(&(struct chunker_sizes){ 32 << 10, 128 << 10, 512 << 10 }));
    assert_false(chunker_sizes_valid(&(struct chunker_sizes){ 2 << 10, 8 << 10, 32 << 10 }));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_are_distributed_as_documented),
        cmocka_unit_test(cuts_come_back_after_an_insertion),
        cmocka_unit_test(a_cut_follows_from_the_bytes_before_it),
        cmocka_unit_test(cuts_are_those_of_the_specification),
        cmocka_unit_test(only_sane_sizes_are_valid),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
