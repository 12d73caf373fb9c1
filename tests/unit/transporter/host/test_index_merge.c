#include "transporter/host/index_merge.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/pack_format.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEGMENTS 5
#define PACKS    4
#define CHUNKS   600 /* in a pack, 20 in a group */

/* Chunk number c of pack p: half of the packs' chunks are also in the next segment's first pack. */
static struct chunk_id
id_of(unsigned pack, unsigned chunk)
{
    struct chunk_id id;
    uint64_t a = (pack * 1000003u + chunk + 1) * 0x9E3779B97F4A7C15u, b = a * 0xC2B2AE3D27D4EB4Fu;
    memcpy(id.bytes, &a, 8);
    memcpy(id.bytes + 8, &b, 8);
    return id;
}

static void
name_of(unsigned pack, uint8_t name[16])
{
    memset(name, 0, 16);
    name[0] = (uint8_t)(pack * 37);
    name[15] = (uint8_t)pack;
}

struct segment {
    struct buffer bytes;
    struct index_segment *index;
};

static void
segment_make(struct segment *segment, unsigned number, bool repeats)
{
    struct error err = ERROR_INIT;
    struct index_content content = { .packs = memory_new(PACKS * sizeof(struct index_pack)),
                                     .groups = memory_new((size_t)PACKS * CHUNKS / 20 * sizeof(struct index_group)),
                                     .entries = memory_new((size_t)PACKS * CHUNKS * sizeof(struct index_entry)) };
    for (unsigned p = 0; p < PACKS; p++) {
        unsigned pack = number * PACKS + p;
        name_of(pack, content.packs[content.pack_count++].name);
        for (unsigned c = 0; c < CHUNKS; c++) {
            if (c % 20 == 0)
                content.groups[content.group_count++] = (struct index_group){ p, c / 20, 64 + c * 100, 2000, 20000 };
            content.entries[content.entry_count++] =
                (struct index_entry){ .id = repeats && p == 0 && number > 0 ? id_of(pack - 1, c) : id_of(pack, c),
                                      .group = (uint32_t)content.group_count - 1,
                                      .chunk_offset = c % 20 * 1000,
                                      .chunk_len = 1000 };
        }
    }
    index_segment_sort(&content);
    buffer_init(&segment->bytes, (size_t)16 << 20);
    assert_int_equal(index_segment_encode(&content, &segment->bytes, &err), 0);
    segment->index = index_segment_over(segment->bytes.data, segment->bytes.len, &err);
    assert_non_null(segment->index);
    free(content.packs);
    free(content.groups);
    free(content.entries);
}

static void
segments_make(struct segment *segments, const struct index_segment **list, bool repeats)
{
    for (unsigned i = 0; i < SEGMENTS; i++) {
        segment_make(&segments[i], i, repeats);
        list[i] = segments[i].index;
    }
}

static void
segments_clear(struct segment *segments)
{
    for (unsigned i = 0; i < SEGMENTS; i++) {
        index_segment_close(segments[i].index);
        buffer_clear(&segments[i].bytes);
    }
}

static struct index_segment *
merge(const struct index_segment *const *list, index_fate_fn *fate)
{
    struct error err = ERROR_INIT;
    const struct index_merge_options options = {
        .segments = list, .count = SEGMENTS, .fate = fate, .temp_dir = "/tmp"
    };
    uint64_t size = 0;
    int fd = -1;
    if (index_merge(&options, &fd, &size, &err) != 0)
        fail_msg("%s", err.text);
    CLEANUP(memory_free_p) char *path = memory_printf("/proc/self/fd/%d", fd);
    struct index_segment *merged = index_segment_open(path, &err);
    if (merged == NULL)
        fail_msg("%s", err.text);
    assert_int_equal(lseek(fd, 0, SEEK_END), size);
    close(fd);
    return merged;
}

static void
a_merged_segment_answers_as_all_did(void **state)
{
    struct segment segments[SEGMENTS];
    const struct index_segment *list[SEGMENTS];
    struct chunk_place expected, place;
    (void)state;
    segments_make(segments, list, false);
    struct index_segment *merged = merge(list, NULL);
    assert_int_equal(index_segment_chunks(merged), SEGMENTS * PACKS * CHUNKS);
    assert_int_equal(index_segment_packs(merged), SEGMENTS * PACKS);
    for (unsigned pack = 0; pack < SEGMENTS * PACKS; pack++) {
        for (unsigned c = 0; c < CHUNKS; c++) {
            struct chunk_id id = id_of(pack, c);
            assert_true(index_segment_find(list[pack / PACKS], &id, &expected));
            assert_true(index_segment_find(merged, &id, &place));
            assert_string_equal(place.pack, expected.pack);
            assert_int_equal(place.group, expected.group);
            assert_int_equal(place.group_offset, expected.group_offset);
            assert_int_equal(place.chunk_offset, expected.chunk_offset);
        }
    }
    struct chunk_id none = id_of(SEGMENTS * PACKS, 0);
    assert_false(index_segment_find(merged, &none, &place));
    index_segment_close(merged);
    segments_clear(segments);
}

static void
the_first_segment_keeps_its_places(void **state)
{
    struct segment segments[SEGMENTS];
    const struct index_segment *list[SEGMENTS];
    struct chunk_place expected, place;
    (void)state;
    segments_make(segments, list, true);
    struct index_segment *merged = merge(list, NULL);
    assert_int_equal(index_segment_chunks(merged), SEGMENTS * PACKS * CHUNKS - (SEGMENTS - 1) * CHUNKS);
    for (unsigned c = 0; c < CHUNKS; c++) {
        struct chunk_id id = id_of(PACKS - 1, c);
        assert_true(index_segment_find(list[0], &id, &expected));
        assert_true(index_segment_find(merged, &id, &place));
        assert_string_equal(place.pack, expected.pack);
    }
    index_segment_close(merged);
    segments_clear(segments);
}

static enum index_pack_fate
spare_third(void *ctx, const uint8_t pack[16])
{
    (void)ctx;
    return pack[15] == PACKS - 1 ? INDEX_PACK_SPARE : INDEX_PACK_KEEP;
}

static void
a_chunk_is_placed_where_it_will_stay(void **state)
{
    struct segment segments[SEGMENTS];
    const struct index_segment *list[SEGMENTS];
    struct chunk_place expected, place;
    (void)state;
    segments_make(segments, list, true);
    struct index_segment *merged = merge(list, spare_third);
    assert_int_equal(index_segment_packs(merged), SEGMENTS * PACKS);
    for (unsigned c = 0; c < CHUNKS; c++) {
        struct chunk_id id = id_of(PACKS - 1, c);
        assert_true(index_segment_find(list[1], &id, &expected));
        assert_true(index_segment_find(merged, &id, &place));
        assert_string_equal(place.pack, expected.pack);
    }
    index_segment_close(merged);
    segments_clear(segments);
}

static enum index_pack_fate
keep_even(void *ctx, const uint8_t pack[16])
{
    (void)ctx;
    return pack[15] % 2 == 0 ? INDEX_PACK_KEEP : INDEX_PACK_DROP;
}

static void
packs_that_are_gone_leave_the_index(void **state)
{
    struct segment segments[SEGMENTS];
    const struct index_segment *list[SEGMENTS];
    struct chunk_place place;
    (void)state;
    segments_make(segments, list, false);
    struct index_segment *merged = merge(list, keep_even);
    assert_int_equal(index_segment_packs(merged), SEGMENTS * PACKS / 2);
    for (unsigned pack = 0; pack < SEGMENTS * PACKS; pack++) {
        struct chunk_id id = id_of(pack, 7);
        assert_int_equal(index_segment_find(merged, &id, &place), pack % 2 == 0);
    }
    index_segment_close(merged);
    segments_clear(segments);
}

static enum index_pack_fate
keep_none(void *ctx, const uint8_t pack[16])
{
    (void)ctx;
    (void)pack;
    return INDEX_PACK_DROP;
}

static void
nothing_left_is_a_segment_too(void **state)
{
    struct segment segments[SEGMENTS];
    const struct index_segment *list[SEGMENTS];
    (void)state;
    segments_make(segments, list, false);
    struct index_segment *merged = merge(list, keep_none);
    assert_int_equal(index_segment_chunks(merged), 0);
    index_segment_close(merged);
    segments_clear(segments);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_merged_segment_answers_as_all_did),  cmocka_unit_test(the_first_segment_keeps_its_places),
        cmocka_unit_test(a_chunk_is_placed_where_it_will_stay), cmocka_unit_test(packs_that_are_gone_leave_the_index),
        cmocka_unit_test(nothing_left_is_a_segment_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
