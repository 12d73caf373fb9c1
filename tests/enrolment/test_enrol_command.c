#include "tests/enrolment/enrolment_world.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/rpc/rpc_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define ARGUMENTS_MAX 16

/* Runs the command; what it prints to fd comes back in out. */
static int
run(struct enrolment_world *w, int fd, const char *line, char out[4096])
{
    char copy[1024], path[PATH_MAX + 32], *argv[ARGUMENTS_MAX + 1] = { NULL }, *rest = NULL;
    int argc = 0;
    snprintf(copy, sizeof(copy), "%s", line);
    for (char *word = strtok_r(copy, " ", &rest); word != NULL && argc < ARGUMENTS_MAX;
         word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    snprintf(path, sizeof(path), "%s/printed", w->folder.path);
    FILE *printed = fopen(path, "w+");
    assert_non_null(printed);
    fflush(NULL);
    int kept = dup(fd);
    dup2(fileno(printed), fd);
    int rc = enrol_command(argc, argv, &w->machine_clock.clock);
    fflush(NULL);
    dup2(kept, fd);
    close(kept);
    rewind(printed);
    size_t n = fread(out, 1, 4095, printed);
    out[n] = '\0';
    fclose(printed);
    return rc;
}

static char *
invited_line(struct enrolment_world *w)
{
    char address[64];
    enrolment_world_invite(w, "nas1");
    snprintf(address, sizeof(address), "127.0.0.1:%u", rpc_server_port(w->server));
    CLEANUP(memory_free_p) char *command = invite_command(w->token, address, authority_fingerprint(w->authority));
    const char *prefix = "longhaul-transporter ";
    assert_memory_equal(command, prefix, strlen(prefix));
    return memory_printf("%s --state-dir %s", command + strlen(prefix), w->machine[0]);
}

static void
the_line_of_the_invite_enrols(void **state)
{
    struct enrolment_world *w = *state;
    char out[4096];
    CLEANUP(memory_free_p) char *line = invited_line(w);
    assert_int_equal(run(w, 1, line, out), 0);
    struct node_identity *identity = node_identity_load(w->machine[0], &w->machine_clock.clock, NULL);
    assert_non_null(identity);
    char fingerprint[SEALING_KEY_FINGERPRINT_LEN];
    sealing_key_fingerprint(sealing_key_point(node_identity_sealing_key(identity)), fingerprint);
    assert_non_null(strstr(out, node_identity_id(identity)));
    assert_non_null(strstr(out, fingerprint));
    assert_null(strstr(out, w->token));
    node_identity_free(identity);
    assert_int_equal(run(w, 2, line, out), error_kind_exit_code(ERROR_EXISTS));
    assert_non_null(strstr(out, "enrolled already"));
}

static void
the_token_may_come_from_standard_input(void **state)
{
    struct enrolment_world *w = *state;
    char out[4096];
    int ends[2];
    CLEANUP(memory_free_p) char *line = invited_line(w);
    char *token = strstr(line, "lhi_");
    char *tail = memory_strdup(token + INVITE_TOKEN_LEN - 1);
    snprintf(token, strlen(token) + 1, "-%s", tail);
    memory_free_p(&tail);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], w->token, strlen(w->token)), (ssize_t)strlen(w->token));
    assert_int_equal(write(ends[1], "\n", 1), 1);
    close(ends[1]);
    dup2(ends[0], 0);
    close(ends[0]);
    assert_int_equal(run(w, 1, line, out), 0);
    assert_non_null(strstr(out, "enrolled as nas1"));
}

static void
wrong_usage_shows_the_usage(void **state)
{
    struct enrolment_world *w = *state;
    static const char *const lines[] = {
        "enrol", "enrol --director d:1 --fingerprint aa", "enrol --nonsense", "enrol more", "enrol --token",
    };
    char out[4096];
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        assert_int_equal(run(w, 2, lines[i], out), error_kind_exit_code(ERROR_USAGE));
        assert_non_null(strstr(out, "usage: longhaul-transporter enrol"));
    }
    assert_int_equal(run(w, 2, "enrol --director nowhere --fingerprint aa --token lhi_x", out),
                     error_kind_exit_code(ERROR_USAGE));
    assert_non_null(strstr(out, "host:port"));
    assert_int_equal(run(w, 1, "enrol --help", out), 0);
    assert_non_null(strstr(out, "--state-dir"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enrolment_world_set_up, enrolment_world_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_line_of_the_invite_enrols),
        TEST(the_token_may_come_from_standard_input),
        TEST(wrong_usage_shows_the_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
