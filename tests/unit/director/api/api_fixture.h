#ifndef LONGHAUL_TESTS_UNIT_DIRECTOR_API_API_FIXTURE_H
#define LONGHAUL_TESTS_UNIT_DIRECTOR_API_API_FIXTURE_H

/* A whole director on a thread of its own with an API on a free port of loopback, and a client: libcurl, trusting the
 * director's authority. The store is the test's until api_fixture_go(). */

#include "common/base/buffer.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "director/api/api_server.h"
#include "director/director.h"
#include "director/director_config.h"
#include "director/enrolment/authority.h"
#include "tests/fakes/scratch_folder.h"

#include <curl/curl.h>
#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define API_FIXTURE_CONNECTIONS 16

/* There are two servers in the process, the director's own and the test's with its small limits; libwebsockets 4.1.6
 * forgets TLS contexts when it has served twice. The daemon has one server and forgets none. */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
    return "leak:lws_create_vhost";
}

struct api_fixture {
    struct scratch_folder folder;
    struct config *values;
    struct director_config config;
    struct director *director;
    struct api_server *server;
    pthread_t thread;
    bool running;
    CURL *curl;
    char token[64]; /* the first admin's */
};

/* Torn down on the thread that ran the loop, as in the daemon. */
static inline void *
api_fixture_run(void *ctx)
{
    struct api_fixture *f = ctx;

    director_run(f->director);
    api_server_free(f->server);
    director_free(f->director);
    return NULL;
}

static inline void
api_fixture_go(struct api_fixture *f)
{
    assert_int_equal(pthread_create(&f->thread, NULL, api_fixture_run, f), 0);
    f->running = true;
}

static inline void
api_fixture_read_token(struct api_fixture *f)
{
    CLEANUP(memory_free_p) char *path = memory_printf("%s/admin.token", f->folder.path);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(f->token, sizeof(f->token), file));
    f->token[strcspn(f->token, "\n")] = '\0';
    fclose(file);
}

static inline int
api_fixture_setup(void **state)
{
    static const char *const settings[] = { "rpc.listen=127.0.0.1:0", "api.listen=127.0.0.1:0",
                                            "rpc.advertise=127.0.0.1:1" };
    struct api_fixture *f = MEMORY_NEW(struct api_fixture);
    struct api_server_options options = { .listen = "127.0.0.1:0",
                                          .advertise = "api.example:8440",
                                          .max_connections = API_FIXTURE_CONNECTIONS };
    struct error err = ERROR_INIT;

    log_setup(2, LOG_ERROR);
    scratch_folder_init(&f->folder);
    f->values = config_new(&director_config_schema);
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        assert_int_equal(config_set(f->values, settings[i], &err), 0);
    config_store(f->values, &f->config);
    f->config.state_dir = f->folder.path;
    f->director = director_new(&f->config, clock_system(), &err);
    if (f->director == NULL)
        fail_msg("%s", err.text);
    f->server = api_server_new(director_loop(f->director), f->director, &options, &err);
    if (f->server == NULL)
        fail_msg("%s", err.text);
    api_fixture_read_token(f);
    f->curl = curl_easy_init();
    *state = f;
    return 0;
}

static inline int
api_fixture_teardown(void **state)
{
    struct api_fixture *f = *state;

    curl_easy_cleanup(f->curl);
    if (f->running) {
        director_stop(f->director);
        pthread_join(f->thread, NULL);
    } else {
        api_server_free(f->server);
        director_free(f->director);
    }
    config_free(f->values);
    scratch_folder_clear(&f->folder);
    free(f);
    return 0;
}

static inline size_t
api_fixture_on_data(char *data, size_t size, size_t count, void *ctx)
{
    return buffer_append(ctx, data, size * count, NULL) == 0 ? size * count : 0;
}

static inline void
api_fixture_prepare(struct api_fixture *f, CURL *curl)
{
    const char *root = authority_root_pem(director_authority(f->director));
    struct curl_blob authority = { .data = memory_strdup(root), .len = strlen(root), .flags = CURL_BLOB_COPY };

    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &authority);
    free(authority.data);
    curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 30L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, api_fixture_on_data);
}

/* token NULL: none. body may hold NULs. *status is 0 and the result NULL when there was no answer at all. */
static inline json_t *
api_fixture_call(struct api_fixture *f, const char *token, const char *method, const char *path, const char *body,
                 size_t body_len, long *status)
{
    CLEANUP(buffer_clear) struct buffer reply = BUFFER_INIT((size_t)8 << 20);
    CLEANUP(memory_free_p) char *url = memory_printf("https://127.0.0.1:%u%s", api_server_port(f->server), path);

    api_fixture_prepare(f, f->curl);
    curl_easy_setopt(f->curl, CURLOPT_URL, url);
    curl_easy_setopt(f->curl, CURLOPT_WRITEDATA, &reply);
    if (token != NULL) {
        curl_easy_setopt(f->curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
        curl_easy_setopt(f->curl, CURLOPT_XOAUTH2_BEARER, token);
    }
    if (body != NULL) {
        curl_easy_setopt(f->curl, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(f->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body_len);
    }
    curl_easy_setopt(f->curl, CURLOPT_CUSTOMREQUEST, method);
    *status = 0;
    if (curl_easy_perform(f->curl) != CURLE_OK)
        return NULL;
    curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, status);
    return json_loadb((const char *)reply.data, reply.len, 0, NULL);
}

/* As the admin; the status must be this one. New reference. */
static inline json_t *
api_fixture_expect(struct api_fixture *f, long wanted, const char *method, const char *path, const char *body)
{
    long status;
    json_t *reply = api_fixture_call(f, f->token, method, path, body, body == NULL ? 0 : strlen(body), &status);
    if (status != wanted) {
        char *text = json_dumps(reply, 0);
        fail_msg("%s %s: %ld %s", method, path, status, text != NULL ? text : "");
    }
    assert_non_null(reply);
    return reply;
}

static inline void
api_fixture_refuse(struct api_fixture *f, long wanted, const char *kind, const char *method, const char *path,
                   const char *body)
{
    json_t *reply = api_fixture_expect(f, wanted, method, path, body);
    json_t *error = json_object_get(reply, "error");
    assert_string_equal(json_string_value(json_object_get(error, "kind")), kind);
    assert_true(json_string_length(json_object_get(error, "message")) > 0);
    json_decref(reply);
}

#endif
