#ifndef LONGHAUL_TESTS_UNIT_TRANSPORTER_VAULT_FIXTURE_H
#define LONGHAUL_TESTS_UNIT_TRANSPORTER_VAULT_FIXTURE_H

/* A vault on a real host engine in a scratch folder, and what tasks need around it. */

#include "common/base/buffer.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/vault/point.h"
#include "common/vault/vault.h"
#include "common/vault/vault_reader.h"
#include "tests/fakes/scratch_folder.h"
#include "transporter/host/vault_host.h"
#include "transporter/storage/storage.h"
#include "transporter/task/task.h"
#include "transporter/transporter_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

struct vault_fixture {
    struct scratch_folder folder;
    char *state_dir, *scratch, *restore;
    struct storage *storage;
    struct vault_host *host;
    struct vault *vault;
    struct transporter_config config;
    struct task_services services;
};

static inline void
vault_fixture_fail(const struct error *err)
{
    fail_msg("%s", err->text);
}

static inline void
vault_fixture_open_host(struct vault_fixture *f)
{
    struct error err = ERROR_INIT;
    const struct vault_host_options options = { .vault_id = "vault-1", .state_dir = f->state_dir };
    f->host = vault_host_open(f->storage, clock_system(), &options, &err);
    if (f->host == NULL)
        vault_fixture_fail(&err);
}

static inline void
vault_fixture_init(struct vault_fixture *f)
{
    struct error err = ERROR_INIT;
    *f = (struct vault_fixture){ .host = NULL };
    scratch_folder_init(&f->folder);
    f->state_dir = memory_printf("%s/state", f->folder.path);
    f->scratch = memory_printf("%s/state/scratch", f->folder.path);
    f->restore = memory_printf("%s/restore", f->folder.path);
    mkdir(f->state_dir, 0700);
    mkdir(f->scratch, 0700);
    CLEANUP(memory_free_p)
    char *location = memory_printf("{\"driver\":\"local\",\"create\":true,\"path\":\"%s/repository\"}", f->folder.path);
    f->storage = storage_open(location, strlen(location), clock_system(), true, &err);
    if (f->storage == NULL)
        vault_fixture_fail(&err);
    vault_fixture_open_host(f);
    CLEANUP(secret_free_p) struct secret *password = secret_new("correct horse", 13, &err);
    struct vault_backend backend = vault_host_backend(f->host);
    if (vault_create(backend, clock_system(), "vault-1", password, NULL, &err) != 0)
        vault_fixture_fail(&err);
    f->vault = vault_open(backend, clock_system(), "vault-1", password, &err);
    if (f->vault == NULL)
        vault_fixture_fail(&err);
    f->config = (struct transporter_config){
        .state_dir = f->state_dir, .restore_folder = f->restore, .task_slots = 1, .pipeline_threads = 2
    };
    f->services = (struct task_services){ .clock = clock_system(), .config = &f->config };
}

static inline void
vault_fixture_clear(struct vault_fixture *f)
{
    vault_close(f->vault);
    vault_host_close(f->host);
    storage_close(f->storage);
    scratch_folder_clear(&f->folder);
    free(f->state_dir);
    free(f->scratch);
    free(f->restore);
}

#endif
