#include "common/vault/pack_marks.h"
#include "common/vault/vault_writer.h"
#include "tests/unit/transporter/vault_fixture.h"

#include <unistd.h>

#define assert_ok(expression, error)                                                                                   \
    do {                                                                                                               \
        if ((expression) != 0)                                                                                         \
            fail_msg("%s: %s", #expression, (error).text);                                                             \
    } while (0)

#define LEN 3000 /* never cut */

/* Bytes that do not compress, the same for each seed. */
static struct content_ref
put(struct vault_fixture *f, uint64_t seed, uint64_t *stored)
{
    struct error err = ERROR_INIT;
    struct content_ref ref;
    struct vault_writer_progress progress;
    struct vault_writer *writer = vault_writer_open(f->vault, NULL, &err);
    uint8_t data[LEN];
    uint64_t x = seed * 2654435761U + 1;
    for (size_t i = 0; i < LEN; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        data[i] = (uint8_t)(x >> 11);
    }
    assert_ok(vault_writer_put(writer, VAULT_FILE, data, LEN, &ref, &err), err);
    assert_ok(vault_writer_flush(writer, &err), err);
    vault_writer_progress(writer, &progress);
    *stored = progress.bytes_new;
    vault_writer_close(writer);
    return ref;
}

static int
read_back(struct vault_fixture *f, const struct content_ref *ref, struct error *err)
{
    CLEANUP(vault_reader_close_p) struct vault_reader *reader = vault_reader_open(f->vault, 0, err);
    CLEANUP(memory_free_p) uint8_t *data = NULL;
    size_t len;
    return vault_reader_get(reader, ref, LEN, &data, &len, err);
}

static struct chunk_place
place_of(struct vault_fixture *f, const struct content_ref *ref, bool writing)
{
    struct error err = ERROR_INIT;
    struct chunk_place place;
    assert_ok(writing ? vault_host_find_chunks(f->host, &ref->id, 1, &place, &err)
                      : vault_host_locate_chunks(f->host, &ref->id, 1, &place, &err),
              err);
    return place;
}

static void
mark(struct vault_fixture *f, const struct chunk_place *place, uint32_t group, bool good, uint64_t *ordinal)
{
    struct error err = ERROR_INIT;
    struct vault_mark one = { .group = group, .good = good };
    snprintf(one.pack, sizeof(one.pack), "%s", place->pack);
    assert_ok(vault_host_quarantine(f->host, &one, 1, ordinal, &err), err);
}

/* With another state folder, as after a disaster. */
static void
reopen(struct vault_fixture *f, char state)
{
    vault_host_close(f->host);
    f->state_dir[strlen(f->state_dir) - 1] = state;
    mkdir(f->state_dir, 0700);
    vault_fixture_open_host(f);
    struct vault *vault = vault_share(f->vault, vault_host_backend(f->host));
    vault_close(f->vault);
    f->vault = vault;
}

static void
flip(struct vault_fixture *f, const struct chunk_place *place)
{
    struct error err = ERROR_INIT;
    CLEANUP(memory_free_p) char *object = memory_printf("vault-1/packs/%s", place->pack);
    CLEANUP(memory_free_p) char *real = NULL;
    assert_ok(f->storage->driver->path(f->storage, object, &real, &err), err);
    chmod(real, 0600);
    FILE *file = fopen(real, "r+b");
    assert_non_null(file);
    fseek(file, (long)place->group_offset + 5, SEEK_SET);
    int byte = fgetc(file);
    fseek(file, (long)place->group_offset + 5, SEEK_SET);
    fputc(byte ^ 1, file);
    fclose(file);
}

static void
what_is_marked_is_stored_again_and_found_by_readers(void **state)
{
    struct vault_fixture f;
    struct error err = ERROR_INIT;
    uint64_t stored, ordinal = 0;
    (void)state;
    vault_fixture_init(&f);
    struct content_ref ref = put(&f, 1, &stored);
    assert_int_equal(stored, LEN);
    put(&f, 1, &stored);
    assert_int_equal(stored, 0);
    struct chunk_place first = place_of(&f, &ref, true);
    flip(&f, &first);
    assert_int_equal(read_back(&f, &ref, &err), -1);
    assert_int_equal(err.kind, ERROR_CORRUPT);
    mark(&f, &first, first.group, false, &ordinal);
    assert_int_equal(ordinal, 1);
    assert_false(place_of(&f, &ref, true).known);
    assert_true(place_of(&f, &ref, false).known);
    reopen(&f, '2');
    assert_false(place_of(&f, &ref, true).known);
    put(&f, 1, &stored);
    assert_int_equal(stored, LEN);
    struct chunk_place second = place_of(&f, &ref, true);
    assert_string_not_equal(second.pack, first.pack);
    err = (struct error)ERROR_INIT;
    assert_ok(read_back(&f, &ref, &err), err);
    reopen(&f, '3');
    assert_string_equal(place_of(&f, &ref, false).pack, second.pack);
    vault_fixture_clear(&f);
}

static void
readers_try_every_place(void **state)
{
    struct vault_fixture f;
    struct error err = ERROR_INIT;
    struct chunk_place places[VAULT_PLACES_MAX];
    uint64_t stored, ordinal;
    size_t count;
    (void)state;
    vault_fixture_init(&f);
    struct content_ref ref = put(&f, 2, &stored);
    struct chunk_place first = place_of(&f, &ref, true);
    mark(&f, &first, PACK_MARK_WHOLE, false, &ordinal);
    put(&f, 2, &stored);
    struct chunk_place second = place_of(&f, &ref, true);
    /* Of the two, the one that is thought to be good is damaged. */
    flip(&f, &second);
    assert_ok(vault_host_chunk_places(f.host, &ref.id, places, &count, &err), err);
    assert_int_equal(count, 2);
    assert_string_equal(places[0].pack, second.pack);
    assert_string_equal(places[1].pack, first.pack);
    assert_ok(read_back(&f, &ref, &err), err);
    flip(&f, &first);
    assert_int_equal(read_back(&f, &ref, &err), -1);
    assert_int_equal(err.kind, ERROR_CORRUPT);
    vault_fixture_clear(&f);
}

static void
a_mark_is_taken_away(void **state)
{
    struct vault_fixture f;
    uint64_t stored, ordinal;
    (void)state;
    vault_fixture_init(&f);
    struct content_ref ref = put(&f, 3, &stored);
    struct chunk_place place = place_of(&f, &ref, true);
    mark(&f, &place, place.group, false, &ordinal);
    mark(&f, &place, PACK_MARK_WHOLE, false, &ordinal);
    assert_false(place_of(&f, &ref, true).known);
    mark(&f, &place, PACK_MARK_WHOLE, true, &ordinal);
    assert_int_equal(ordinal, 3);
    assert_true(place_of(&f, &ref, true).known);
    reopen(&f, '2');
    assert_true(place_of(&f, &ref, true).known);
    vault_fixture_clear(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_marked_is_stored_again_and_found_by_readers),
        cmocka_unit_test(readers_try_every_place),
        cmocka_unit_test(a_mark_is_taken_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
