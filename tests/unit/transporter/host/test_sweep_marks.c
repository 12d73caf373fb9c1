#include "transporter/host/sweep_marks.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/pack_marks.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define CHUNKS 200000
#define PACKS  200

/* The n-th of evenly spread ids. */
static struct chunk_id
id_of(uint64_t n)
{
    struct chunk_id id;
    uint64_t a = n * 0x9e3779b97f4a7c15u, b = (n + 7) * 0xbf58476d1ce4e5b9u;
    memcpy(id.bytes, &a, 8);
    memcpy(id.bytes + 8, &b, 8);
    return id;
}

static void
name_of(uint32_t pack, uint8_t name[16])
{
    memset(name, 0, 16);
    name[14] = (uint8_t)(pack >> 8);
    name[15] = (uint8_t)pack;
}

/* `count` chunks from `first` on, in packs from `pack` on, one group each. */
static struct index_segment *
make(struct buffer *bytes, uint64_t first, size_t count, uint32_t pack, size_t packs)
{
    struct error err = ERROR_INIT;
    struct index_content content = { .packs = calloc(packs, sizeof(struct index_pack)),
                                     .groups = calloc(packs, sizeof(struct index_group)),
                                     .entries = calloc(count, sizeof(struct index_entry)),
                                     .pack_count = packs,
                                     .group_count = packs,
                                     .entry_count = count };
    for (uint32_t i = 0; i < packs; i++) {
        name_of(pack + i, content.packs[i].name);
        content.groups[i] = (struct index_group){ i, 3, 64, 500000, 1000000 };
    }
    for (size_t i = 0; i < count; i++)
        content.entries[i] = (struct index_entry){ id_of(first + i), (uint32_t)(i % packs), 0, 1000 };
    index_segment_sort(&content);
    assert_int_equal(index_segment_encode(&content, bytes, &err), 0);
    free(content.packs);
    free(content.groups);
    free(content.entries);
    struct index_segment *segment = index_segment_over(bytes->data, bytes->len, &err);
    assert_non_null(segment);
    return segment;
}

/* Pack 1 is retired, pack 2 lost. */
static void
state_of(void *ctx, struct sweep_pack *pack)
{
    (void)ctx;
    pack->retired = pack->name[15] == 1 && pack->name[14] == 0 ? 5 : 0;
    pack->lost = pack->name[15] == 2 && pack->name[14] == 0;
}

static void
memory_is_three_bits_a_chunk(void **state)
{
    struct error err = ERROR_INIT;
    CLEANUP(buffer_clear) struct buffer bytes = BUFFER_INIT((size_t)64 << 20);
    struct index_segment *segment = make(&bytes, 0, CHUNKS, 10, PACKS);
    struct sweep_marks *marks = sweep_marks_new(&segment, 1, state_of, NULL, &err);
    (void)state;
    assert_non_null(marks);
    assert_int_equal(sweep_marks_chunks(marks), CHUNKS);
    /* 100 million chunks in 400,000 packs: 37.5 MB and 24 MB. */
    assert_in_range(sweep_marks_memory(marks), CHUNKS * 3 / 8, CHUNKS * 3 / 8 + 60 * (PACKS + 8));
    for (uint64_t i = 0; i < CHUNKS; i += 2) {
        struct chunk_id id = id_of(i);
        bool again = true;
        assert_true(sweep_marks_mark(marks, VAULT_MARK_DATA, &id, &again));
        assert_false(again);
    }
    const struct sweep_pack *even = sweep_marks_pack(marks, 0), *odd = sweep_marks_pack(marks, 1);
    assert_int_equal(even->marked, CHUNKS / PACKS);
    assert_int_equal(even->live, (uint64_t)CHUNKS / PACKS * 1000 / 2);
    assert_int_equal(even->stored, 500000);
    assert_int_equal(odd->marked, 0);
    sweep_marks_free(marks);
    index_segment_close(segment);
}

static void
a_role_is_remembered_by_itself(void **state)
{
    struct error err = ERROR_INIT;
    CLEANUP(buffer_clear) struct buffer bytes = BUFFER_INIT((size_t)1 << 20);
    struct index_segment *segment = make(&bytes, 0, 10, 10, 1);
    struct sweep_marks *marks = sweep_marks_new(&segment, 1, state_of, NULL, &err);
    struct chunk_id id = id_of(3), other = id_of(999);
    bool again;
    (void)state;
    /* A file may have the bytes of a tree's node: marked as the one, it is not walked as the other. */
    assert_true(sweep_marks_mark(marks, VAULT_MARK_DATA, &id, &again) && !again);
    assert_true(sweep_marks_mark(marks, VAULT_MARK_STRUCTURE, &id, &again) && !again);
    assert_true(sweep_marks_mark(marks, VAULT_MARK_RECIPE, &id, &again) && !again);
    assert_true(sweep_marks_mark(marks, VAULT_MARK_STRUCTURE, &id, &again) && again);
    assert_int_equal(sweep_marks_pack(marks, 0)->marked, 1);
    assert_false(sweep_marks_mark(marks, VAULT_MARK_DATA, &other, &again));
    sweep_marks_free(marks);
    index_segment_close(segment);
}

static void
one_place_of_several_counts(void **state)
{
    struct error err = ERROR_INIT;
    struct buffer bytes[4] = { BUFFER_INIT(1 << 20), BUFFER_INIT(1 << 20), BUFFER_INIT(1 << 20), BUFFER_INIT(1 << 20) };
    struct index_segment *segments[4];
    struct chunk_id id = id_of(0);
    struct pack_marks damaged = { .at = NULL };
    struct pack_mark mark = { .group = 3 };
    uint8_t names[4][16];
    bool again;
    (void)state;
    /* The newest is lost, then one that is retired, then two good ones. */
    for (uint32_t i = 0; i < 4; i++) {
        segments[i] = make(&bytes[i], 0, 1, i == 3 ? 2 : i == 2 ? 1 : 10 + i, 1);
        name_of(i == 3 ? 2 : i == 2 ? 1 : 10 + i, names[i]);
    }
    struct sweep_marks *marks = sweep_marks_new(segments, 4, state_of, NULL, &err);
    assert_true(sweep_marks_mark(marks, VAULT_MARK_DATA, &id, &again));
    assert_true(sweep_marks_lives_in(marks, &id, names[1]));
    assert_false(sweep_marks_lives_in(marks, &id, names[0]));
    sweep_marks_free(marks);
    /* Damage is worse than being retired. */
    for (uint32_t i = 0; i < 2; i++) {
        memcpy(mark.pack, names[i], 16);
        assert_int_equal(pack_marks_add(&damaged, &mark, &err), 0);
    }
    marks = sweep_marks_new(segments, 4, state_of, NULL, &err);
    sweep_marks_damaged(marks, &damaged);
    assert_true(sweep_marks_mark(marks, VAULT_MARK_DATA, &id, &again));
    assert_true(sweep_marks_lives_in(marks, &id, names[2]));
    sweep_marks_free(marks);
    pack_marks_clear(&damaged);
    for (uint32_t i = 0; i < 4; i++) {
        index_segment_close(segments[i]);
        buffer_clear(&bytes[i]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_three_bits_a_chunk),
        cmocka_unit_test(a_role_is_remembered_by_itself),
        cmocka_unit_test(one_place_of_several_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
