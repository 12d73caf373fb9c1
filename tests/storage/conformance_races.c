#include "common/base/memory.h"
#include "tests/storage/conformance.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB     ((size_t)1 << 20)
#define WRITERS 16

struct race {
    pthread_barrier_t start;
    char name[STORAGE_NAME_LEN];
    size_t len;
};

struct writer {
    struct race *race;
    pthread_t thread;
    uint8_t *data;
    enum error_kind result;
    char text[512];
};

static void *
write_one(void *arg)
{
    struct writer *writer = arg;
    struct error err = ERROR_INIT;
    pthread_barrier_wait(&writer->race->start);
    storage_put(conformance.storage, writer->race->name, writer->data, writer->race->len, 0, &err);
    writer->result = err.kind;
    snprintf(writer->text, sizeof(writer->text), "%s", err.text);
    return NULL;
}

static void
race_of(size_t len, const char *rest)
{
    struct race race = { .len = len };
    struct writer writers[WRITERS], *winner = NULL;
    unsigned won = 0;
    conformance_name(race.name, rest);
    pthread_barrier_init(&race.start, NULL, WRITERS);
    for (size_t i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){ .race = &race, .data = malloc(len) };
        assert_non_null(writers[i].data);
        conformance_fill(writers[i].data, len, 1000 + i);
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_one, &writers[i]), 0);
    }
    for (size_t i = 0; i < WRITERS; i++)
        pthread_join(writers[i].thread, NULL);
    for (size_t i = 0; i < WRITERS; i++) {
        if (writers[i].result == ERROR_NONE) {
            winner = &writers[i];
            won++;
        } else if (writers[i].result != ERROR_EXISTS) {
            fail_msg("a loser got %s: %s", error_kind_name(writers[i].result), writers[i].text);
        }
    }
    assert_int_equal(won, 1);
    conformance_expect(conformance.storage, race.name, winner->data, len);
    for (size_t i = 0; i < WRITERS; i++)
        free(writers[i].data);
    pthread_barrier_destroy(&race.start);
}

static void
of_sixteen_writers_one_wins(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        char rest[32];
        snprintf(rest, sizeof(rest), "races/small-%d", i);
        race_of(1000, rest);
    }
}

/* Of a size that drivers send in parts. */
static void
of_sixteen_writers_of_large_objects_one_wins(void **state)
{
    (void)state;
    race_of(9 * MIB + 1, "races/large");
}

struct watch {
    char name[STORAGE_NAME_LEN];
    const uint8_t *data;
    size_t len;
    atomic_bool stop;
    atomic_uint looked;
    unsigned seen, wrong;
};

static void *
look(void *arg)
{
    struct watch *watch = arg;
    while (!watch->stop) {
        struct error err = ERROR_INIT;
        uint8_t *got = NULL;
        size_t len = 0;
        if (storage_get(conformance.storage, watch->name, watch->len + MIB, &got, &len, &err) == 0) {
            watch->seen++;
            watch->wrong += len != watch->len || memcmp(got, watch->data, len) != 0;
        } else {
            watch->wrong += err.kind != ERROR_NOT_FOUND;
        }
        free(got);
        watch->looked++;
    }
    return NULL;
}

static void
readers_see_all_or_nothing(void **state)
{
    struct watch watch = { .len = 9 * MIB + 1 };
    uint8_t *data = malloc(watch.len);
    pthread_t thread;
    (void)state;
    assert_non_null(data);
    conformance_fill(data, watch.len, 5);
    watch.data = data;
    for (int i = 0; i < 3; i++) {
        struct error err = ERROR_INIT;
        char rest[32];
        snprintf(rest, sizeof(rest), "races/watched-%d", i);
        conformance_name(watch.name, rest);
        watch.stop = false;
        watch.looked = 0;
        assert_int_equal(pthread_create(&thread, NULL, look, &watch), 0);
        assert_ok(storage_put(conformance.storage, watch.name, data, watch.len, 0, &err), err);
        /* One look that began after the put had returned. */
        for (unsigned at = watch.looked; watch.looked < at + 2;)
            sched_yield();
        watch.stop = true;
        pthread_join(thread, NULL);
    }
    assert_int_equal(watch.wrong, 0);
    assert_true(watch.seen >= 3);
    free(data);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(of_sixteen_writers_one_wins),
    cmocka_unit_test(of_sixteen_writers_of_large_objects_one_wins),
    cmocka_unit_test(readers_see_all_or_nothing),
};

const struct conformance_group conformance_races = { "races", tests, ARRAY_LEN(tests) };
