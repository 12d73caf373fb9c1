#include "tests/unit/common/vault/vault_fixture.h"

#include <pthread.h>

static void
fill_random(uint8_t *data, size_t len, uint64_t seed)
{
    uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)(fixture_random(&state) >> 24);
}

static void
assert_reads_back(struct vault_fixture *f, const struct content_ref *ref, const void *data, size_t len)
{
    struct error err = ERROR_INIT;
    uint8_t *back = NULL;
    size_t back_len;
    assert_ok(vault_reader_get(f->reader, ref, (size_t)256 << 20, &back, &back_len, &err), err);
    assert_int_equal(back_len, len);
    assert_memory_equal(back, data, len);
    free(back);
}

static void
contents_of_every_size_come_back(void **state)
{
    static const size_t sizes[] = { 0, 1, 16384, 16385, 65536, 262144, 262145, 524288, 3000000 };
    struct vault_fixture f;
    struct content_ref refs[ARRAY_LEN(sizes)];
    struct error err = ERROR_INIT;
    uint8_t *data = memory_new(3000000);
    (void)state;
    fixture_open(&f);
    fill_random(data, 3000000, 1);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        assert_ok(vault_writer_put(f.writer, VAULT_FILE, data, sizes[i], &refs[i], &err), err);
    assert_ok(vault_writer_flush(f.writer, &err), err);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        assert_reads_back(&f, &refs[i], data, sizes[i]);
    assert_int_equal(refs[0].form, CONTENT_EMPTY);
    assert_int_equal(refs[1].form, CONTENT_CHUNK);
    assert_int_equal(refs[8].form, CONTENT_LIST);
    free(data);
    fixture_close(&f);
}

static void
equal_content_is_stored_once_also_by_a_later_run(void **state)
{
    struct vault_fixture f;
    struct content_ref first, second, third;
    struct error err = ERROR_INIT;
    uint8_t *data = memory_new(1000000);
    (void)state;
    fixture_open(&f);
    fill_random(data, 1000000, 2);
    assert_ok(vault_writer_put(f.writer, VAULT_FILE, data, 1000000, &first, &err), err);
    assert_ok(vault_writer_put(f.writer, VAULT_FILE, data, 1000000, &second, &err), err);
    assert_ok(vault_writer_flush(f.writer, &err), err);
    uint64_t stored = fake_backend_pack_bytes(f.fake);
    assert_in_range(stored, 1000000, 1010000);
    fixture_reopen(&f);
    assert_ok(vault_writer_put(f.writer, VAULT_FILE, data, 1000000, &third, &err), err);
    assert_ok(vault_writer_flush(f.writer, &err), err);
    assert_int_equal(fake_backend_pack_bytes(f.fake), stored);
    assert_true(content_equal(&first, &second) && content_equal(&first, &third));
    free(data);
    fixture_close(&f);
}

static void
an_insertion_costs_few_new_chunks(void **state)
{
    struct vault_fixture f;
    struct content_ref ref;
    struct error err = ERROR_INIT;
    struct vault_writer_progress before, after;
    uint8_t *data = memory_new(4000100);
    (void)state;
    fixture_open(&f);
    fill_random(data, 4000100, 3);
    assert_ok(vault_writer_put(f.writer, VAULT_FILE, data + 100, 4000000, &ref, &err), err);
    assert_ok(vault_writer_flush(f.writer, &err), err);
    vault_writer_progress(f.writer, &before);
    memmove(data, data + 100, 2000000);
    assert_ok(vault_writer_put(f.writer, VAULT_FILE, data, 4000100, &ref, &err), err);
    assert_ok(vault_writer_flush(f.writer, &err), err);
    vault_writer_progress(f.writer, &after);
    assert_in_range(after.bytes_new - before.bytes_new, 1, 900000);
    assert_reads_back(&f, &ref, data, 4000100);
    free(data);
    fixture_close(&f);
}

struct feeder {
    struct vault_fixture *fixture;
    unsigned number;
    struct content_ref refs[40];
};

static void *
feed(void *arg)
{
    struct feeder *feeder = arg;
    struct error err = ERROR_INIT;
    uint8_t data[30000];
    for (unsigned i = 0; i < ARRAY_LEN(feeder->refs); i++) {
        fill_random(data, sizeof(data), i % 2 == 0 ? i : feeder->number * 1000 + i);
        if (vault_writer_put(feeder->fixture->writer, VAULT_FILE, data, sizeof(data), &feeder->refs[i], &err) != 0)
            return feeder;
    }
    return NULL;
}

static void
several_threads_feed_one_writer(void **state)
{
    struct vault_fixture f;
    struct feeder feeders[3];
    pthread_t threads[3];
    struct error err = ERROR_INIT;
    uint8_t data[30000];
    (void)state;
    fixture_open(&f);
    vault_writer_close(f.writer);
    fixture_open_writer(&f, 256 << 10);
    for (unsigned i = 0; i < 3; i++) {
        feeders[i] = (struct feeder){ .fixture = &f, .number = i + 1 };
        assert_int_equal(pthread_create(&threads[i], NULL, feed, &feeders[i]), 0);
    }
    for (unsigned i = 0; i < 3; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_ok(vault_writer_flush(f.writer, &err), err);
    for (unsigned n = 0; n < 3; n++) {
        for (unsigned i = 0; i < ARRAY_LEN(feeders[n].refs); i++) {
            fill_random(data, sizeof(data), i % 2 == 0 ? i : (n + 1) * 1000 + i);
            assert_reads_back(&f, &feeders[n].refs[i], data, sizeof(data));
        }
    }
    struct vault_writer_progress progress;
    vault_writer_progress(f.writer, &progress);
    assert_int_equal(progress.bytes_in, 3 * 40 * 30000);
    assert_int_equal(progress.bytes_new, (20 + 3 * 20) * 30000);
    /* Groups are at most 1 MiB: how they share packs depends on the sealers' order. */
    assert_true(progress.packs >= 2);
    assert_int_equal(progress.packs, fake_backend_objects(f.fake));
    assert_int_equal(progress.bytes_stored, fake_backend_pack_bytes(f.fake));
    fixture_close(&f);
}

/* False when the fault was never reached. */
static bool
fails_after(int calls, const uint8_t *data, size_t len)
{
    struct vault_fixture f;
    struct content_ref ref;
    struct error err = ERROR_INIT;
    fixture_open(&f);
    vault_writer_close(f.writer);
    fixture_open_writer(&f, 256 << 10);
    fake_backend_fail_after(f.fake, calls);
    int failed = vault_writer_put(f.writer, VAULT_FILE, data, len, &ref, &err);
    if (failed == 0)
        failed = vault_writer_flush(f.writer, &err);
    if (failed != 0) {
        assert_int_equal(err.kind, ERROR_NETWORK);
        err = (struct error)ERROR_INIT;
        assert_int_equal(vault_writer_flush(f.writer, &err), -1);
        assert_int_equal(err.kind, ERROR_NETWORK);
    } else {
        fake_backend_fail_after(f.fake, -1);
        assert_reads_back(&f, &ref, data, len);
    }
    fixture_close(&f);
    return failed != 0;
}

/* How many calls a run makes depends on how many chunks the dedup thread finds waiting: one question at least,
 * 2,000,000 bytes and their list in two packs at least. */
static void
a_failing_backend_fails_every_call_and_hangs_nobody(void **state)
{
    uint8_t *data = memory_new(2000000);
    int calls = 0;
    (void)state;
    fill_random(data, 2000000, 9);
    while (fails_after(calls, data, 2000000))
        assert_true(++calls < 200);
    assert_true(calls >= 3);
    free(data);
}

static void
cancelling_wakes_whoever_waits(void **state)
{
    struct vault_fixture f;
    struct error err = ERROR_INIT;
    struct content_ref ref;
    (void)state;
    fixture_open(&f);
    vault_writer_cancel(f.writer);
    assert_int_equal(vault_writer_put(f.writer, VAULT_METADATA, "x", 1, &ref, &err), -1);
    assert_int_equal(err.kind, ERROR_CANCELLED);
    fixture_close(&f);
}

/* Every byte of a pack: a changed one is noticed, or the content still comes back as it was. */
static void
no_flipped_byte_of_a_pack_gives_wrong_content(void **state)
{
    struct vault_fixture f;
    struct content_ref refs[3];
    struct error err = ERROR_INIT;
    enum object_class class;
    size_t len;
    static const char text[] = "the quick brown fox jumps over the lazy dog, again and again and again";
    (void)state;
    fixture_open(&f);
    for (int i = 0; i < 3; i++)
        assert_ok(vault_writer_put(f.writer, (enum vault_content)i, text, sizeof(text) - (size_t)i, &refs[i], &err),
                  err);
    assert_ok(vault_writer_flush(f.writer, &err), err);
    assert_int_equal(fake_backend_objects(f.fake), 1);
    uint8_t *pack = fake_backend_object(f.fake, 0, &class, &len);
    unsigned noticed = 0;
    for (size_t at = 0; at < len; at++) {
        pack[at] ^= 0x40;
        struct vault_reader *reader = vault_reader_open(&f.vault, 0, &err);
        for (int i = 0; i < 3; i++) {
            struct error why = ERROR_INIT;
            uint8_t *back = NULL;
            size_t back_len;
            if (vault_reader_get(reader, &refs[i], 1000, &back, &back_len, &why) != 0) {
                assert_true(why.kind == ERROR_CORRUPT || why.kind == ERROR_FORMAT || why.kind == ERROR_UNSUPPORTED);
                noticed++;
                continue;
            }
            assert_int_equal(back_len, sizeof(text) - (size_t)i);
            assert_memory_equal(back, text, back_len);
            free(back);
        }
        vault_reader_close(reader);
        pack[at] ^= 0x40;
    }
    assert_true(noticed > 100);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contents_of_every_size_come_back),
        cmocka_unit_test(equal_content_is_stored_once_also_by_a_later_run),
        cmocka_unit_test(an_insertion_costs_few_new_chunks),
        cmocka_unit_test(several_threads_feed_one_writer),
        cmocka_unit_test(a_failing_backend_fails_every_call_and_hangs_nobody),
        cmocka_unit_test(cancelling_wakes_whoever_waits),
        cmocka_unit_test(no_flipped_byte_of_a_pack_gives_wrong_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
