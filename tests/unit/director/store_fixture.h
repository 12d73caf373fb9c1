#ifndef LONGHAUL_TESTS_UNIT_DIRECTOR_STORE_FIXTURE_H
#define LONGHAUL_TESTS_UNIT_DIRECTOR_STORE_FIXTURE_H

/* A store on a scratch file under a fake clock, and a small world in it: one tenant with a credential, a host with a
 * repository, a vault that is ready, and two mailboxes. */

#include "common/base/error.h"
#include "common/base/memory.h"
#include "director/store/store_objects.h"
#include "director/store/store_repositories.h"
#include "director/store/store_secrets.h"
#include "director/store/store_tenants.h"
#include "director/store/store_transporters.h"
#include "director/store/store_vaults.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/scratch_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct store_fixture {
    struct scratch_folder folder;
    struct fake_clock clock;
    struct store *store;
    char path[PATH_MAX + 16];
    struct store_tenant tenant;
    struct store_secret microsoft, password, storage;
    struct store_transporter host;
    struct store_repository repository;
    struct store_vault vault;
    struct store_object mailbox[2];
};

#define assert_ok(expression)                                                                                          \
    do {                                                                                                               \
        if ((expression) != 0)                                                                                         \
            fail_msg("%s: %s (%s)", #expression, err.text, error_kind_name(err.kind));                                 \
    } while (0)

#define assert_fails(expression, expected)                                                                             \
    do {                                                                                                               \
        error_clear(&err);                                                                                             \
        assert_int_equal((expression), -1);                                                                            \
        assert_string_equal(error_kind_name(err.kind), error_kind_name(expected));                                     \
        error_clear(&err);                                                                                             \
    } while (0)

static inline int
store_fixture_setup(void **state)
{
    struct store_fixture *f = MEMORY_NEW(struct store_fixture);
    struct error err = ERROR_INIT;

    scratch_folder_init(&f->folder);
    fake_clock_init(&f->clock, 7);
    snprintf(f->path, sizeof(f->path), "%s/director.db", f->folder.path);
    f->store = store_open(f->path, &f->clock.clock, &err);
    *state = f;
    if (f->store == NULL)
        fprintf(stderr, "%s\n", err.text);
    return f->store != NULL ? 0 : -1;
}

static inline int
store_fixture_teardown(void **state)
{
    struct store_fixture *f = *state;

    store_close(f->store);
    scratch_folder_clear(&f->folder);
    free(f);
    return 0;
}

static inline void
store_fixture_reopen(struct store_fixture *f)
{
    struct error err = ERROR_INIT;

    store_close(f->store);
    f->store = store_open(f->path, &f->clock.clock, &err);
    assert_non_null(f->store);
}

static inline void
store_fixture_transporter(struct store_fixture *f, struct store_transporter *t, const char *name)
{
    struct error err = ERROR_INIT;

    memset(t, 0, sizeof(*t));
    identifier_new(&f->clock.clock, "transporter", t->id);
    snprintf(t->name, sizeof(t->name), "%s", name);
    t->sealing_key[0] = 4;
    t->task_slots = 4;
    assert_ok(store_transporters_add(f->store, t, &err));
}

static inline void
store_fixture_seal(struct store_fixture *f, struct store_secret *secret, const char *transporter)
{
    struct error err = ERROR_INIT;

    assert_ok(store_secrets_put_slot(f->store, secret->id, transporter, (const uint8_t *)"sealed", 6, &err));
}

static inline void
store_fixture_secret(struct store_fixture *f, struct store_secret *secret, enum store_secret_purpose purpose)
{
    struct error err = ERROR_INIT;

    memset(secret, 0, sizeof(*secret));
    secret->purpose = purpose;
    if (purpose != STORE_SECRET_STORAGE)
        memcpy(secret->tenant, f->tenant.id, sizeof(secret->tenant));
    assert_ok(store_secrets_add(f->store, secret, &err));
}

static inline void
store_fixture_populate(struct store_fixture *f)
{
    struct error err = ERROR_INIT;

    snprintf(f->tenant.name, sizeof(f->tenant.name), "contoso");
    assert_ok(store_tenants_add(f->store, &f->tenant, &err));
    if (f->host.id[0] == '\0')
        store_fixture_transporter(f, &f->host, "host");
    store_fixture_secret(f, &f->microsoft, STORE_SECRET_MICROSOFT365);
    store_fixture_secret(f, &f->password, STORE_SECRET_VAULT_PASSWORD);
    store_fixture_secret(f, &f->storage, STORE_SECRET_STORAGE);
    store_fixture_seal(f, &f->storage, f->host.id);
    assert_ok(store_tenants_set_secret(f->store, f->tenant.id, f->microsoft.id, &err));
    snprintf(f->repository.name, sizeof(f->repository.name), "nas1");
    memcpy(f->repository.host, f->host.id, sizeof(f->repository.host));
    memcpy(f->repository.storage_secret, f->storage.id, sizeof(f->storage.id));
    assert_ok(store_repositories_add(f->store, &f->repository, &err));
    snprintf(f->vault.name, sizeof(f->vault.name), "contoso-vault");
    memcpy(f->vault.tenant, f->tenant.id, sizeof(f->vault.tenant));
    memcpy(f->vault.repository, f->repository.id, sizeof(f->vault.repository));
    memcpy(f->vault.password_secret, f->password.id, sizeof(f->vault.password_secret));
    assert_ok(store_vaults_add(f->store, &f->vault, &err));
    assert_ok(store_vaults_set_state(f->store, f->vault.id, STORE_VAULT_READY, &err));
    for (int i = 0; i < 2; i++) {
        memcpy(f->mailbox[i].tenant, f->tenant.id, sizeof(f->mailbox[i].tenant));
        f->mailbox[i].kind = STORE_OBJECT_MAILBOX;
        snprintf(f->mailbox[i].name, sizeof(f->mailbox[i].name), "user%d@contoso.example", i);
        snprintf(f->mailbox[i].external_id, sizeof(f->mailbox[i].external_id), "guid-%d", i);
        assert_ok(store_objects_put(f->store, &f->mailbox[i], &err));
    }
}

static inline int
store_fixture_setup_populated(void **state)
{
    if (store_fixture_setup(state) != 0)
        return -1;
    store_fixture_populate(*state);
    return 0;
}

/* For lists: counts rows in *ctx, an unsigned. */
#define STORE_FIXTURE_COUNT(name, row_type)                                                                            \
    static int name(void *ctx, const struct row_type *row, struct error *err)                                          \
    {                                                                                                                  \
        (void)row;                                                                                                     \
        (void)err;                                                                                                     \
        (*(unsigned *)ctx)++;                                                                                          \
        return 0;                                                                                                      \
    }                                                                                                                  \
    struct row_type

#endif
