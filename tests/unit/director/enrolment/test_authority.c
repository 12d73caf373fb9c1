#include "director/enrolment/authority.h"

#include "common/base/buffer.h"
#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/grant.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/scratch_folder.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define HOUR_MS INT64_C(3600000)

struct fixture {
    struct scratch_folder folder;
    struct fake_clock fake;
    struct authority *authority;
};

static struct authority *
open_authority(struct fixture *f, struct error *err)
{
    struct authority_options options = { .clock = &f->fake.clock,
                                         .state_dir = f->folder.path,
                                         .certificate_lifetime_ms = 30 * HOUR_MS };
    return authority_open(&options, err);
}

static int
set_up(void **state)
{
    struct fixture *f = MEMORY_NEW(struct fixture);
    scratch_folder_init(&f->folder);
    fake_clock_init(&f->fake, 3);
    f->authority = open_authority(f, NULL);
    *state = f;
    return f->authority != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;
    authority_free(f->authority);
    scratch_folder_clear(&f->folder);
    free(f);
    return 0;
}

static void
path_in(const struct fixture *f, const char *name, char out[PATH_MAX + 64])
{
    snprintf(out, PATH_MAX + 64, "%s/authority/%s", f->folder.path, name);
}

static void
it_is_the_same_after_a_restart(void **state)
{
    struct fixture *f = *state;
    struct authority *again = open_authority(f, NULL);
    assert_non_null(again);
    assert_string_equal(authority_node_id(again), authority_node_id(f->authority));
    assert_memory_equal(authority_node_id(again), "director-", 9);
    assert_string_equal(authority_fingerprint(again), authority_fingerprint(f->authority));
    assert_memory_equal(authority_grant_key(again), authority_grant_key(f->authority), KEY_POINT_LEN);
    authority_free(again);
}

static void
its_files_are_private(void **state)
{
    struct fixture *f = *state;
    char path[PATH_MAX + 64];
    struct stat st;
    int count = 0;
    path_in(f, "", path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    DIR *dir = opendir(path);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        path_in(f, entry->d_name, path);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        count++;
    }
    closedir(dir);
    assert_int_equal(count, 5);
}

static void
what_is_missing_or_mixed_up_is_named(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = { "root.key", "grant.key", "node.key", "node.pem" };
    char path[PATH_MAX + 64], aside[PATH_MAX + 64];
    path_in(f, "aside", aside);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct error err = ERROR_INIT;
        path_in(f, names[i], path);
        assert_int_equal(rename(path, aside), 0);
        assert_null(open_authority(f, &err));
        assert_int_equal(err.kind, ERROR_CONFIG);
        assert_non_null(strstr(err.text, names[i]));
        assert_int_equal(rename(aside, path), 0);
    }
    struct error err = ERROR_INIT;
    CLEANUP(key_pair_free_p) struct key_pair *other = key_pair_new(NULL);
    path_in(f, "root.key", path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(key_pair_save(other, path, NULL), 0);
    assert_null(open_authority(f, &err));
    assert_non_null(strstr(err.text, "do not belong together"));
}

/* As after a power cut while the files were made for the first time. */
static void
making_goes_on_where_it_stopped(void **state)
{
    struct fixture *f = *state;
    char path[PATH_MAX + 64];
    path_in(f, "root.pem", path);
    assert_int_equal(unlink(path), 0);
    path_in(f, "node.key", path);
    assert_int_equal(unlink(path), 0);
    struct error err = ERROR_INIT;
    struct authority *again = open_authority(f, &err);
    assert_non_null(again);
    assert_memory_equal(authority_grant_key(again), authority_grant_key(f->authority), KEY_POINT_LEN);
    authority_free(again);
}

static int64_t
own_certificate_ends(const struct fixture *f)
{
    char path[PATH_MAX + 64], pem[4096] = "";
    struct certificate_info info;
    path_in(f, "node.pem", path);
    FILE *file = fopen(path, "r");
    assert_true(fread(pem, 1, sizeof(pem) - 1, file) > 0);
    fclose(file);
    assert_int_equal(certificate_inspect(pem, &info, NULL), 0);
    assert_string_equal(info.node_id, authority_node_id(f->authority));
    return info.not_after_ms;
}

static void
its_own_certificate_is_renewed_at_two_thirds(void **state)
{
    struct fixture *f = *state;
    int64_t first = own_certificate_ends(f);
    fake_clock_advance(&f->fake, (uint64_t)(19 * HOUR_MS));
    assert_int_equal(authority_renew_if_due(f->authority, NULL), 0);
    assert_int_equal(own_certificate_ends(f), first);
    fake_clock_advance(&f->fake, (uint64_t)HOUR_MS);
    assert_int_equal(authority_renew_if_due(f->authority, NULL), 1);
    assert_int_equal(own_certificate_ends(f), first + 20 * HOUR_MS);
    assert_int_equal(authority_renew_if_due(f->authority, NULL), 0);
    fake_clock_advance(&f->fake, (uint64_t)(100 * HOUR_MS));
    struct authority *late = open_authority(f, NULL);
    assert_non_null(late);
    assert_int_equal(own_certificate_ends(f), f->fake.wall_ms + 30 * HOUR_MS);
    authority_free(late);
}

static void
it_issues_for_nodes_and_servers(void **state)
{
    struct fixture *f = *state;
    CLEANUP(key_pair_free_p) struct key_pair *key = key_pair_new(NULL);
    CLEANUP(buffer_clear) struct buffer request = BUFFER_INIT(CERTIFICATE_REQUEST_MAX);
    int64_t ends = 0;
    assert_int_equal(certificate_request_new(key, &request, NULL), 0);
    CLEANUP(memory_free_p)
    char *leaf = authority_issue_node(f->authority, request.data, request.len, "transporter-1", &ends, NULL);
    assert_int_equal(ends, f->fake.wall_ms + 30 * HOUR_MS);
    assert_int_equal(
        certificate_check_issued(leaf, authority_root_pem(f->authority), key, "transporter-1", f->fake.wall_ms, NULL),
        0);
    const char *const names[] = { "localhost", "127.0.0.1" };
    char *chain = NULL;
    struct secret *pem = NULL;
    assert_int_equal(authority_issue_server(f->authority, names, 2, &chain, &pem, NULL), 0);
    CLEANUP(key_pair_free_p) struct key_pair *server = key_pair_from_pem(pem, NULL);
    assert_int_equal(
        certificate_check_issued(chain, authority_root_pem(f->authority), server, NULL, f->fake.wall_ms, NULL), 0);
    assert_non_null(strstr(chain, authority_root_pem(f->authority)));
    free(chain);
    secret_free(pem);
}

static void
its_grants_verify_with_its_grant_key(void **state)
{
    struct fixture *f = *state;
    struct grant grant = { .vault_id = "vault-1",
                           .repository_id = "repository-1",
                           .host_node_id = "transporter-h",
                           .operations = GRANT_READ,
                           .task_id = "task-1",
                           .holder_node_id = "transporter-s",
                           .expires_ms = 10 };
    CLEANUP(buffer_clear) struct buffer bytes = BUFFER_INIT(GRANT_MAX);
    assert_int_equal(authority_sign_grant(f->authority, &grant, &bytes, NULL), 0);
    struct grant_check check = { authority_grant_key(f->authority), "transporter-h", "transporter-s",
                                 grant.holder_key_sha256, 5 };
    assert_int_equal(grant_verify(bytes.data, bytes.len, &check, &grant, NULL), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_the_same_after_a_restart),
        TEST(its_files_are_private),
        TEST(what_is_missing_or_mixed_up_is_named),
        TEST(making_goes_on_where_it_stopped),
        TEST(its_own_certificate_is_renewed_at_two_thirds),
        TEST(it_issues_for_nodes_and_servers),
        TEST(its_grants_verify_with_its_grant_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
