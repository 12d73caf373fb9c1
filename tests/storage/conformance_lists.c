#include "common/base/memory.h"
#include "tests/storage/conformance.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* More than one page of any storage (1,000 of S3, 5,000 of Azure are asked for with smaller pages by the drivers). */
#define MANY    1203
#define WRITERS 8

struct part {
    pthread_t thread;
    int first;
    struct error err;
};

static void *
put_part(void *arg)
{
    struct part *part = arg;
    char name[STORAGE_NAME_LEN], rest[64];
    for (int i = part->first; i < MANY; i += WRITERS) {
        snprintf(rest, sizeof(rest), "many/object-%d", i);
        if (storage_put(conformance.storage, conformance_name(name, rest), "0123456789", (size_t)(i % 11), 0,
                        &part->err) != 0)
            break;
    }
    return NULL;
}

static int
on_one_of_many(void *ctx, const char *name, const struct storage_stat *stat, struct error *err)
{
    uint8_t *seen = ctx;
    int i = -1;
    size_t head = strlen(conformance.vault);
    (void)err;
    assert_memory_equal(name, conformance.vault, head);
    assert_int_equal(sscanf(name + head, "/many/object-%d", &i), 1);
    assert_true(i >= 0 && i < MANY);
    assert_int_equal(stat->size, i % 11);
    assert_int_equal(stat->lock_until_ms, 0);
    assert_true(stat->modified_ms > 0);
    seen[i]++;
    return 0;
}

static void
a_listing_has_each_object_once(void **state)
{
    struct part parts[WRITERS];
    struct error err = ERROR_INIT;
    static uint8_t seen[MANY];
    char name[STORAGE_NAME_LEN];
    (void)state;
    for (int i = 0; i < WRITERS; i++) {
        parts[i] = (struct part){ .first = i, .err = ERROR_INIT };
        assert_int_equal(pthread_create(&parts[i].thread, NULL, put_part, &parts[i]), 0);
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(parts[i].thread, NULL);
    for (int i = 0; i < WRITERS; i++)
        assert_string_equal(parts[i].err.text, "");
    assert_ok(storage_list(conformance.storage, conformance_name(name, "many"), on_one_of_many, seen, &err), err);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(seen[i], 1);
}

struct names {
    const char *wanted[4];
    unsigned count;
};

static int
on_name(void *ctx, const char *name, const struct storage_stat *stat, struct error *err)
{
    struct names *names = ctx;
    char full[STORAGE_NAME_LEN];
    (void)stat;
    (void)err;
    for (size_t i = 0; i < ARRAY_LEN(names->wanted) && names->wanted[i] != NULL; i++)
        if (strcmp(name, conformance_name(full, names->wanted[i])) == 0) {
            names->count++;
            return 0;
        }
    fail_msg("%s is not below the prefix", name);
    return -1;
}

static void
a_prefix_is_of_whole_parts(void **state)
{
    static const char *const objects[] = { "list/a", "list/ab", "list/a/b", "list-2/c", "lis/d", "list" };
    static const struct names wanted[] = {
        { { "list/a", "list/ab", "list/a/b" }, 3 },
        { { "list/a/b" }, 1 },
        { { "lis/d" }, 1 },
        { { NULL }, 0 },
        { { NULL }, 0 },
    };
    static const char *const prefixes[] = { "list", "list/a", "lis", "li", "list/ab" };
    struct error err = ERROR_INIT;
    char name[STORAGE_NAME_LEN];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(objects); i++)
        assert_ok(storage_put(conformance.storage, conformance_name(name, objects[i]), "x", 1, 0, &err), err);
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        struct names found = wanted[i];
        found.count = 0;
        assert_ok(storage_list(conformance.storage, conformance_name(name, prefixes[i]), on_name, &found, &err), err);
        assert_int_equal(found.count, wanted[i].count);
    }
}

static int
on_stop(void *ctx, const char *name, const struct storage_stat *stat, struct error *err)
{
    unsigned *calls = ctx;
    (void)name;
    (void)stat;
    ++*calls;
    return FAIL(err, ERROR_CANCELLED, 0, "enough");
}

static void
who_lists_may_stop(void **state)
{
    struct error err = ERROR_INIT;
    char name[STORAGE_NAME_LEN];
    unsigned calls = 0;
    (void)state;
    assert_fails(storage_list(conformance.storage, conformance_name(name, "list"), on_stop, &calls, &err),
                 ERROR_CANCELLED, err);
    assert_int_equal(calls, 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_listing_has_each_object_once),
    cmocka_unit_test(a_prefix_is_of_whole_parts),
    cmocka_unit_test(who_lists_may_stop),
};

const struct conformance_group conformance_lists = { "lists", tests, ARRAY_LEN(tests) };
