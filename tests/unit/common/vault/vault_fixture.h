#ifndef LONGHAUL_TESTS_UNIT_COMMON_VAULT_VAULT_FIXTURE_H
#define LONGHAUL_TESTS_UNIT_COMMON_VAULT_VAULT_FIXTURE_H

/* A vault over memory, opened without the cost of a password (which test_vault.c covers). */

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/vault/vault_format.h"
#include "common/vault/vault_internal.h"
#include "common/vault/vault_reader.h"
#include "common/vault/vault_writer.h"
#include "tests/fakes/fake_backend.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct vault_fixture {
    struct fake_backend *fake;
    struct vault vault;
    struct vault_reader *reader;
    struct vault_writer *writer;
};

/* xorshift, so that a failure can be repeated. */
static inline uint64_t
fixture_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static inline void
fixture_open_writer(struct vault_fixture *f, size_t pack_bytes)
{
    struct error err = ERROR_INIT;
    struct vault_writer_options options = { .pack_bytes = pack_bytes };
    f->writer = vault_writer_open(&f->vault, &options, &err);
    assert_non_null(f->writer);
}

static inline void
fixture_open(struct vault_fixture *f)
{
    struct error err = ERROR_INIT;
    uint8_t key[VAULT_KEY_LEN] = { 7 };
    uint64_t seed = 88172645463325252u;
    memset(f, 0, sizeof(*f));
    f->fake = fake_backend_new();
    f->vault.backend = fake_backend_of(f->fake);
    f->vault.clock = clock_system();
    f->vault.compression_level = 3;
    f->vault.version = VAULT_FORMAT_NEWEST;
    f->vault.sizes = chunker_sizes_new;
    snprintf(f->vault.id, sizeof(f->vault.id), "vault-test");
    f->vault.naming = secret_new(key, sizeof(key), &err);
    f->vault.data = secret_new(key, sizeof(key), &err);
    f->vault.points = secret_new(key, sizeof(key), &err);
    for (int i = 0; i < CHUNKER_TABLE; i++)
        f->vault.gear[i] = fixture_random(&seed);
    f->reader = vault_reader_open(&f->vault, 0, &err);
    fixture_open_writer(f, 0);
}

/* Reader and writer anew: nothing remembered. */
static inline void
fixture_reopen(struct vault_fixture *f)
{
    struct error err = ERROR_INIT;
    vault_reader_close(f->reader);
    vault_writer_close(f->writer);
    f->reader = vault_reader_open(&f->vault, 0, &err);
    fixture_open_writer(f, 0);
}

static inline void
fixture_close(struct vault_fixture *f)
{
    vault_writer_close(f->writer);
    vault_reader_close(f->reader);
    secret_free(f->vault.naming);
    secret_free(f->vault.data);
    secret_free(f->vault.points);
    fake_backend_free(f->fake);
}

#define assert_ok(expression, error)                                                                                   \
    do {                                                                                                               \
        if ((expression) != 0)                                                                                         \
            fail_msg("%s: %s", #expression, (error).text);                                                             \
    } while (0)

#endif
