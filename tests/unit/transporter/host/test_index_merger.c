#include "transporter/host/index_merger.h"

#include "common/vault/vault_writer.h"
#include "tests/unit/transporter/vault_fixture.h"
#include "transporter/host/vault_host_internal.h"

#define RUNS 40

static void
segments_of_one_size_are_chosen(void **state)
{
    size_t chosen[8];
    const size_t few[] = { 10, 20, 1000000 };
    const size_t same[] = { 5000000, 10, 20, 90000, 30, 40 };
    const size_t large[] = { 100000, 120000, 10, 110000, 130000, 20 };
    (void)state;
    assert_int_equal(index_merger_choose(few, ARRAY_LEN(few), chosen, 8), 0);
    assert_int_equal(index_merger_choose(same, ARRAY_LEN(same), chosen, 8), 4);
    assert_int_equal(chosen[0], 1);
    assert_int_equal(chosen[3], 5);
    assert_int_equal(index_merger_choose(large, ARRAY_LEN(large), chosen, 8), 4);
    assert_int_equal(chosen[0], 0);
    assert_int_equal(chosen[3], 4);
}

static int
count_one(void *ctx, const char *name, struct error *err)
{
    (void)name;
    (void)err;
    ++*(unsigned *)ctx;
    return 0;
}

static unsigned
segments_stored(struct vault_fixture *f)
{
    struct error err = ERROR_INIT;
    unsigned count = 0;
    assert_int_equal(vault_host_list_objects(f->host, OBJECT_INDEX, count_one, &count, &err), 0);
    return count;
}

/* A run with one small content of its own. */
static struct content_ref
run_once(struct vault_fixture *f, unsigned number)
{
    struct error err = ERROR_INIT;
    struct content_ref ref;
    char text[64];
    int n = snprintf(text, sizeof(text), "content number %u", number);
    struct vault_writer *writer = vault_writer_open(f->vault, NULL, &err);
    assert_int_equal(vault_writer_put(writer, VAULT_FILE, text, (size_t)n, &ref, &err), 0);
    if (vault_writer_flush(writer, &err) != 0 || vault_host_write_segment(f->host, &err) != 0)
        vault_fixture_fail(&err);
    vault_writer_close(writer);
    return ref;
}

static void
assert_all_readable(struct vault_fixture *f, const struct content_ref *refs, unsigned count)
{
    struct error err = ERROR_INIT;
    struct vault_reader *reader = vault_reader_open(f->vault, 0, &err);
    for (unsigned i = 0; i < count; i++) {
        char expected[64];
        CLEANUP(memory_free_p) uint8_t *data = NULL;
        size_t len;
        int n = snprintf(expected, sizeof(expected), "content number %u", i);
        if (vault_reader_get(reader, &refs[i], 64, &data, &len, &err) != 0)
            vault_fixture_fail(&err);
        assert_int_equal(len, n);
        assert_memory_equal(data, expected, len);
    }
    vault_reader_close(reader);
}

static void
merge_all(struct vault_fixture *f)
{
    struct error err = ERROR_INIT;
    int done = 1;
    while (done == 1)
        done = index_merger_run(f->host->merger, &err);
    if (done < 0)
        vault_fixture_fail(&err);
}

static void
reopen(struct vault_fixture *f)
{
    struct error err = ERROR_INIT;
    CLEANUP(secret_free_p) struct secret *password = secret_new("correct horse", 13, &err);
    vault_close(f->vault);
    vault_host_close(f->host);
    vault_fixture_open_host(f);
    f->vault = vault_open(vault_host_backend(f->host), clock_system(), "vault-1", password, &err);
    if (f->vault == NULL)
        vault_fixture_fail(&err);
}

static void
many_runs_leave_few_segments(void **state)
{
    struct vault_fixture f;
    struct content_ref refs[RUNS];
    struct vault_host_stats stats;
    (void)state;
    vault_fixture_init(&f);
    for (unsigned i = 0; i < RUNS; i++)
        refs[i] = run_once(&f, i);
    merge_all(&f);
    vault_host_stats(f.host, &stats);
    assert_true(stats.segments < INDEX_MERGER_FAN);
    assert_int_equal(segments_stored(&f), stats.segments);
    assert_all_readable(&f, refs, RUNS);
    reopen(&f);
    vault_host_stats(f.host, &stats);
    assert_int_equal(stats.recovered_packs, 0);
    assert_all_readable(&f, refs, RUNS);
    vault_fixture_clear(&f);
}

/* A crash between the two steps of a merge: the merged segment is there, and so are those it was made of. */
static void
what_a_killed_merge_left_is_cleared_away(void **state)
{
    struct vault_fixture f;
    struct content_ref refs[INDEX_MERGER_FAN];
    struct error err = ERROR_INIT;
    uint8_t *kept[INDEX_MERGER_FAN];
    size_t lens[INDEX_MERGER_FAN];
    char names[INDEX_MERGER_FAN][STORAGE_NAME_LEN];
    (void)state;
    vault_fixture_init(&f);
    pthread_mutex_lock(&f.host->sweeping); /* keeps the thread from finishing */
    for (unsigned i = 0; i < INDEX_MERGER_FAN; i++) {
        refs[i] = run_once(&f, i);
        vault_host_object_name(f.host, OBJECT_INDEX, index_segment_name(f.host->segments[i]), names[i], &err);
        assert_int_equal(storage_get(f.storage, names[i], 1 << 20, &kept[i], &lens[i], &err), 0);
    }
    pthread_mutex_unlock(&f.host->sweeping);
    merge_all(&f);
    for (unsigned i = 0; i < INDEX_MERGER_FAN; i++) {
        struct storage_stat stat;
        if (storage_stat(f.storage, names[i], &stat, &err) != 0)
            assert_int_equal(storage_put(f.storage, names[i], kept[i], lens[i], 0, &err), 0);
        error_clear(&err);
        free(kept[i]);
    }
    assert_true(segments_stored(&f) > INDEX_MERGER_FAN);
    reopen(&f);
    assert_int_equal(segments_stored(&f), 1);
    assert_all_readable(&f, refs, INDEX_MERGER_FAN);
    vault_fixture_clear(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_of_one_size_are_chosen),
        cmocka_unit_test(many_runs_leave_few_segments),
        cmocka_unit_test(what_a_killed_merge_left_is_cleared_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
