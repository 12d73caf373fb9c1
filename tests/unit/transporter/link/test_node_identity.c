#include "transporter/link/node_identity.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/crypto/certificate.h"
#include "common/crypto/private_file.h"
#include "common/crypto/sealing_key.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/scratch_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define DAY_MS INT64_C(86400000)

struct fixture {
    struct scratch_folder folder;
    struct fake_clock fake;
    struct key_pair *root_key, *key;
    struct sealing_key *sealing_key;
    char *root, *leaf;
    struct node_identity_facts facts;
};

static char *
issue(const struct fixture *f, const struct key_pair *key, const char *node_id)
{
    CLEANUP(buffer_clear) struct buffer request = BUFFER_INIT(CERTIFICATE_REQUEST_MAX);
    if (certificate_request_new(key, &request, NULL) != 0)
        abort();
    struct certificate_issue how = { .clock = &f->fake.clock,
                                     .authority_pem = f->root,
                                     .authority_key = f->root_key,
                                     .request_der = request.data,
                                     .request_len = request.len,
                                     .node_id = node_id,
                                     .lifetime_ms = 30 * DAY_MS };
    return certificate_issue(&how, NULL);
}

static int
set_up(void **state)
{
    struct fixture *f = MEMORY_NEW(struct fixture);
    scratch_folder_init(&f->folder);
    fake_clock_init(&f->fake, 5);
    f->root_key = key_pair_new(NULL);
    f->root = certificate_issue_authority(&f->fake.clock, f->root_key, "test", 365 * DAY_MS, NULL);
    if (node_identity_keys(f->folder.path, &f->key, &f->sealing_key, NULL) != 0)
        return -1;
    f->leaf = issue(f, f->key, "transporter-1");
    f->facts = (struct node_identity_facts){ .node_id = "transporter-1",
                                             .name = "nas1",
                                             .director_node_id = "director-1",
                                             .director_host = "director.example",
                                             .director_port = 8443,
                                             .certificate_pem = f->leaf,
                                             .authority_pem = f->root,
                                             .grant_key = key_pair_point(f->root_key) };
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;
    key_pair_free(f->root_key);
    key_pair_free(f->key);
    sealing_key_free(f->sealing_key);
    free(f->root);
    free(f->leaf);
    scratch_folder_clear(&f->folder);
    free(f);
    return 0;
}

static struct node_identity *
load(struct fixture *f, struct error *err)
{
    return node_identity_load(f->folder.path, &f->fake.clock, err);
}

static void
it_comes_back_as_it_was_given(void **state)
{
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    assert_null(load(f, &err));
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_non_null(strstr(err.text, "longhaul transporter invite"));
    assert_int_equal(node_identity_create(f->folder.path, &f->facts, NULL), 0);
    struct node_identity *identity = load(f, NULL);
    assert_string_equal(node_identity_id(identity), "transporter-1");
    assert_string_equal(node_identity_name(identity), "nas1");
    assert_string_equal(node_identity_director_id(identity), "director-1");
    assert_string_equal(node_identity_director_host(identity), "director.example");
    assert_int_equal(node_identity_director_port(identity), 8443);
    assert_memory_equal(node_identity_grant_key(identity), f->facts.grant_key, KEY_POINT_LEN);
    assert_memory_equal(sealing_key_point(node_identity_sealing_key(identity)), sealing_key_point(f->sealing_key),
                        KEY_POINT_LEN);
    uint8_t key[32];
    key_pair_spki_sha256(f->key, key);
    assert_memory_equal(node_identity_key_sha256(identity), key, 32);
    assert_non_null(node_identity_tls_client(identity));
    assert_non_null(node_identity_tls_server(identity));
    node_identity_free(identity);
    error_clear(&err);
    assert_int_equal(node_identity_create(f->folder.path, &f->facts, &err), -1);
    assert_int_equal(err.kind, ERROR_EXISTS);
}

static void
all_of_it_is_private(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = { "node.key", "sealing.key", "identity.json" };
    assert_int_equal(node_identity_create(f->folder.path, &f->facts, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char path[PATH_MAX + 64];
        struct stat st;
        struct error err = ERROR_INIT;
        snprintf(path, sizeof(path), "%s/identity/%s", f->folder.path, names[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_int_equal(chmod(path, 0644), 0);
        assert_null(load(f, &err));
        assert_int_equal(err.kind, ERROR_CONFIG);
        assert_non_null(strstr(err.text, names[i]));
        assert_int_equal(chmod(path, 0600), 0);
    }
}

static void
keys_are_made_once(void **state)
{
    struct fixture *f = *state;
    struct key_pair *key = NULL;
    struct sealing_key *sealing_key = NULL;
    assert_int_equal(node_identity_keys(f->folder.path, &key, &sealing_key, NULL), 0);
    assert_memory_equal(key_pair_point(key), key_pair_point(f->key), KEY_POINT_LEN);
    assert_memory_equal(sealing_key_point(sealing_key), sealing_key_point(f->sealing_key), KEY_POINT_LEN);
    assert_memory_not_equal(key_pair_point(key), sealing_key_point(sealing_key), KEY_POINT_LEN);
    key_pair_free(key);
    sealing_key_free(sealing_key);
}

static void
files_of_different_nodes_are_noticed(void **state)
{
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    CLEANUP(memory_free_p) char *other = issue(f, f->root_key, "transporter-1");
    f->facts.certificate_pem = other;
    assert_int_equal(node_identity_create(f->folder.path, &f->facts, NULL), 0);
    assert_null(load(f, &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_non_null(strstr(err.text, "do not belong together"));
}

static void
a_damaged_card_is_a_configuration_error(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {
        "", "{", "[]", "{\"format\": 2}", "{\"format\": 1}", "{\"format\":1,\"node_id\":\"x\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        char path[PATH_MAX + 64];
        struct error err = ERROR_INIT;
        snprintf(path, sizeof(path), "%s/identity/identity.json", f->folder.path);
        assert_int_equal(private_file_replace(path, texts[i], strlen(texts[i]), NULL), 0);
        assert_null(load(f, &err));
        assert_int_equal(err.kind, ERROR_CONFIG);
        assert_non_null(strstr(err.text, "identity.json"));
    }
}

static void
a_renewed_certificate_survives_a_restart(void **state)
{
    struct fixture *f = *state;
    int64_t begins = 0, ends = 0, kept_ends = 0;
    assert_int_equal(node_identity_create(f->folder.path, &f->facts, NULL), 0);
    struct node_identity *identity = load(f, NULL);
    fake_clock_advance(&f->fake, (uint64_t)(20 * DAY_MS));
    CLEANUP(memory_free_p) char *fresh = issue(f, f->key, "transporter-1");
    assert_int_equal(node_identity_renewed(identity, fresh, f->root, NULL), 0);
    node_identity_validity(identity, &begins, &ends);
    assert_int_equal(ends, f->fake.wall_ms + 30 * DAY_MS);
    node_identity_free(identity);
    identity = load(f, NULL);
    node_identity_validity(identity, &begins, &kept_ends);
    assert_int_equal(kept_ends, ends);
    node_identity_free(identity);
}

static void
a_certificate_that_is_not_ours_is_not_installed(void **state)
{
    struct fixture *f = *state;
    int64_t begins = 0, before = 0, after = 0;
    assert_int_equal(node_identity_create(f->folder.path, &f->facts, NULL), 0);
    struct node_identity *identity = load(f, NULL);
    node_identity_validity(identity, &begins, &before);
    fake_clock_advance(&f->fake, (uint64_t)DAY_MS);
    CLEANUP(memory_free_p) char *other_key = issue(f, f->root_key, "transporter-1");
    CLEANUP(memory_free_p) char *other_node = issue(f, f->key, "transporter-2");
    CLEANUP(memory_free_p)
    char *other_root = certificate_issue_authority(&f->fake.clock, f->root_key, "other", DAY_MS, NULL);
    CLEANUP(memory_free_p) char *good = issue(f, f->key, "transporter-1");
    assert_int_equal(node_identity_renewed(identity, other_key, f->root, NULL), -1);
    assert_int_equal(node_identity_renewed(identity, other_node, f->root, NULL), -1);
    assert_int_equal(node_identity_renewed(identity, good, other_root, NULL), -1);
    assert_int_equal(node_identity_renewed(identity, "junk", f->root, NULL), -1);
    node_identity_validity(identity, &begins, &after);
    assert_int_equal(before, after);
    node_identity_free(identity);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_comes_back_as_it_was_given),
        TEST(all_of_it_is_private),
        TEST(keys_are_made_once),
        TEST(files_of_different_nodes_are_noticed),
        TEST(a_damaged_card_is_a_configuration_error),
        TEST(a_renewed_certificate_survives_a_restart),
        TEST(a_certificate_that_is_not_ours_is_not_installed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
