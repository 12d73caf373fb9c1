#include "tests/storage/conformance.h"

#include "common/base/clock.h"
#include "common/base/identifier.h"
#include "common/base/memory.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct conformance conformance;

const char *
conformance_name(char name[STORAGE_NAME_LEN], const char *rest)
{
    snprintf(name, STORAGE_NAME_LEN, "%s/%s", conformance.vault, rest);
    return name;
}

void
conformance_fill(uint8_t *data, size_t len, uint64_t seed)
{
    uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (size_t i = 0; i < len; i++) {
        if (i % 8 == 0) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
        }
        data[i] = (uint8_t)(x >> (i % 8 * 8));
    }
}

struct expected {
    const uint8_t *data;
    size_t len, at;
};

static int
on_block(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    struct expected *expected = ctx;
    (void)err;
    assert_true(len <= (size_t)1 << 20);
    assert_true(len <= expected->len - expected->at);
    assert_true(len == 0 || memcmp(data, expected->data + expected->at, len) == 0);
    expected->at += len;
    return 0;
}

void
conformance_expect(struct storage *storage, const char *name, const uint8_t *data, size_t len)
{
    struct error err = ERROR_INIT;
    uint8_t *got = NULL;
    size_t got_len = 0;
    struct expected expected = { data, len, 0 };
    struct storage_stat stat;
    assert_ok(storage_get(storage, name, len, &got, &got_len, &err), err);
    assert_int_equal(got_len, len);
    assert_true(len == 0 || memcmp(got, data, len) == 0);
    free(got);
    assert_ok(storage_get_range(storage, name, 0, len, on_block, &expected, &err), err);
    assert_int_equal(expected.at, len);
    assert_ok(storage_stat(storage, name, &stat, &err), err);
    assert_int_equal(stat.size, len);
}

void
conformance_expect_nothing(struct storage *storage, const char *name)
{
    struct error err = ERROR_INIT;
    uint8_t *got = NULL;
    size_t got_len = 0;
    struct storage_stat stat;
    assert_fails(storage_get(storage, name, 1 << 20, &got, &got_len, &err), ERROR_NOT_FOUND, err);
    assert_fails(storage_get_range(storage, name, 0, 0, on_block, NULL, &err), ERROR_NOT_FOUND, err);
    assert_fails(storage_stat(storage, name, &stat, &err), ERROR_NOT_FOUND, err);
}

int
conformance_file(const void *data, size_t len)
{
    int fd = memfd_create("conformance", MFD_CLOEXEC);
    assert_true(fd >= 0);
    for (size_t at = 0; at < len;) {
        ssize_t n = write(fd, (const char *)data + at, len - at);
        assert_true(n > 0);
        at += (size_t)n;
    }
    return fd;
}

struct storage *
conformance_open(const char *location, bool create, struct error *err)
{
    return storage_open(location, strlen(location), clock_system(), create, err);
}

static char *
read_location(const char *file)
{
    char text[8192];
    FILE *in = fopen(file, "re");
    if (in == NULL) {
        fprintf(stderr, "%s cannot be read\n", file);
        exit(64);
    }
    size_t n = fread(text, 1, sizeof(text) - 1, in);
    fclose(in);
    text[n] = '\0';
    return memory_strdup(text);
}

static void
usage(void)
{
    fprintf(stderr, "usage: conformance LOCATION.json [OPTIONS]\n"
                    "The location must never have been attached. Objects under locks stay in it.\n"
                    "  --locks                the location enforces locks: try them (without: it must refuse them)\n"
                    "  --long                 also a file of 200 MB\n"
                    "  --denied FILE          a location whose objects may not be written\n"
                    "  --unavailable FILE     a location that cannot be reached\n"
                    "  --lose-marker COMMAND  takes what marks the location as attached away; run last\n");
    exit(64);
}

static const char *
parse(int argc, char **argv)
{
    static const struct option options[] = {
        { "locks", no_argument, NULL, 'l' },
        { "long", no_argument, NULL, 'L' },
        { "denied", required_argument, NULL, 'd' },
        { "unavailable", required_argument, NULL, 'u' },
        { "lose-marker", required_argument, NULL, 'm' },
        { NULL, 0, NULL, 0 },
    };
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'l')
            conformance.wants_locks = true;
        else if (option == 'L')
            conformance.is_long = true;
        else if (option == 'd')
            conformance.denied = read_location(optarg);
        else if (option == 'u')
            conformance.unavailable = read_location(optarg);
        else if (option == 'm')
            conformance.lose_marker = optarg;
        else
            usage();
    }
    if (optind + 1 != argc)
        usage();
    return argv[optind];
}

int
main(int argc, char **argv)
{
    static const struct conformance_group *const groups[] = {
        &conformance_objects, &conformance_lists, &conformance_races, &conformance_locks, &conformance_opening,
    };
    struct error err = ERROR_INIT;
    int failed = 0;
    conformance.location = read_location(parse(argc, argv));
    identifier_new(clock_system(), "vault", conformance.vault);
    /* Before anything is there: what was never attached must not look like an empty repository. */
    conformance.storage = conformance_open(conformance.location, false, &err);
    if (conformance.storage != NULL || err.kind != ERROR_UNAVAILABLE) {
        fprintf(stderr, "a location that was never attached: %s %s\n", error_kind_name(err.kind), err.text);
        return 1;
    }
    err = (struct error)ERROR_INIT;
    conformance.storage = conformance_open(conformance.location, true, &err);
    if (conformance.storage == NULL) {
        fprintf(stderr, "the location cannot be attached: %s %s\n", error_kind_name(err.kind), err.text);
        return 1;
    }
    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        failed += _cmocka_run_group_tests(groups[i]->name, groups[i]->tests, groups[i]->count, NULL, NULL);
    storage_close(conformance.storage);
    free(conformance.location);
    return failed == 0 ? 0 : 1;
}
