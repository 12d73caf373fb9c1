#include "common/net/http_client.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/fakes/scripted_https.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct fixture {
    struct scripted_https *server;
    struct http_client *client;
    struct http_response response;
    struct error err;
    char url[256];
};

static int
set_up(void **state)
{
    struct fixture *f = MEMORY_NEW(struct fixture);
    f->server = scripted_https_new();
    f->client = http_client_new(&(struct http_client_options){ .extra_ca = scripted_https_ca(f->server) }, &f->err);
    assert_non_null(f->client);
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;
    http_response_clear(&f->response);
    http_client_free(f->client);
    scripted_https_free(f->server);
    free(f);
    return 0;
}

static int
get(struct fixture *f, struct http_request request, const char *path)
{
    snprintf(f->url, sizeof(f->url), "%s%s", scripted_https_origin(f->server), path);
    request.url = f->url;
    http_response_clear(&f->response);
    error_clear(&f->err);
    return http_client_perform(f->client, &request, &f->response, &f->err);
}

static void
gives_status_headers_and_body(void **state)
{
    struct fixture *f = *state;
    scripted_https_reply(f->server, "GET /a?x=%27 HTTP/1.1", 404, "X-One:  yes \r\nx-two: 2\r\n", "gone");
    assert_int_equal(get(f, (struct http_request){ .method = "GET" }, "/a?x=%27"), 0);
    assert_int_equal(f->response.status, 404);
    assert_string_equal(http_response_header(&f->response, "x-one"), "yes");
    assert_string_equal(http_response_header(&f->response, "X-TWO"), "2");
    assert_null(http_response_header(&f->response, "X-Three"));
    assert_int_equal(f->response.body.len, 4);
    assert_memory_equal(f->response.body.data, "gone", 4);
}

static void
does_not_follow_redirects(void **state)
{
    struct fixture *f = *state;
    scripted_https_reply(f->server, "GET /a", 302, "Location: {origin}/b\r\n", "");
    assert_int_equal(get(f, (struct http_request){ .method = NULL }, "/a"), 0);
    assert_int_equal(f->response.status, 302);
    assert_non_null(strstr(http_response_header(&f->response, "location"), "/b"));
}

static int
body_of_x(void *ctx, uint64_t offset, void *out, size_t capacity, size_t *len, struct error *err)
{
    (void)ctx;
    (void)offset;
    (void)err;
    *len = capacity < 1000 ? capacity : 1000;
    memset(out, 'x', *len);
    return 0;
}

static void
sends_bodies_of_known_length(void **state)
{
    struct fixture *f = *state;
    static const char *const headers[] = { "Content-Type: text/plain" };
    struct http_request request = {
        .method = "PUT", .body_fn = body_of_x, .body_len = 5000, .headers = headers, .header_count = 1
    };
    scripted_https_reply(f->server, "PUT /up", 201, "", "");
    scripted_https_reply(f->server, "POST /empty", 204, "", "");
    assert_int_equal(get(f, request, "/up"), 0);
    assert_int_equal(f->response.status, 201);
    const char *seen = scripted_https_request(f->server, 0);
    assert_non_null(strstr(seen, "Content-Length: 5000\r\n"));
    assert_non_null(strstr(seen, "Content-Type: text/plain\r\n"));
    assert_null(strstr(seen, "Expect:"));
    assert_int_equal(strspn(strstr(seen, "\r\n\r\n") + 4, "x"), 5000);
    assert_int_equal(get(f, (struct http_request){ .method = "POST" }, "/empty"), 0);
    seen = scripted_https_request(f->server, 1);
    assert_non_null(strstr(seen, "Content-Length: 0\r\n"));
    assert_null(strstr(seen, "Content-Type:"));
}

static int
count_bytes(void *ctx, const void *data, size_t len, struct error *err)
{
    (void)data;
    (void)err;
    *(size_t *)ctx += len;
    return 0;
}

static int
refuse_bytes(void *ctx, const void *data, size_t len, struct error *err)
{
    (void)ctx;
    (void)data;
    (void)len;
    return FAIL(err, ERROR_NO_SPACE, 28, "sink is full");
}

static void
sink_gets_only_good_answers(void **state)
{
    struct fixture *f = *state;
    size_t count = 0;
    scripted_https_reply(f->server, "GET /bad", 500, "", "trouble");
    scripted_https_reply(f->server, "GET /good", 200, "", "12345");
    scripted_https_reply(f->server, "GET /full", 200, "", "12345");
    struct http_request request = { .sink = count_bytes, .sink_ctx = &count };
    assert_int_equal(get(f, request, "/bad"), 0);
    assert_int_equal(count, 0);
    assert_int_equal(f->response.body.len, 7);
    assert_int_equal(get(f, request, "/good"), 0);
    assert_int_equal(count, 5);
    assert_int_equal(f->response.body.len, 0);
    request.sink = refuse_bytes;
    assert_int_equal(get(f, request, "/full"), -1);
    assert_int_equal(f->err.kind, ERROR_NO_SPACE);
    assert_string_equal(f->err.text, "sink is full");
}

static void
faults_have_kinds_and_clear_words(void **state)
{
    struct fixture *f = *state;
    struct http_request request = { .url = "https://localhost:1/secret-path" };

    scripted_https_cut(f->server, "GET /cut", 200, "", "1234567890", 4);
    assert_int_equal(get(f, (struct http_request){ .method = NULL }, "/cut"), -1);
    assert_int_equal(f->err.kind, ERROR_NETWORK);
    scripted_https_reply(f->server, "GET /big", 200, "", "1234567890");
    assert_int_equal(get(f, (struct http_request){ .body_ceiling = 5 }, "/big"), -1);
    assert_int_equal(f->err.kind, ERROR_LIMIT);
    error_clear(&f->err);
    http_response_clear(&f->response);
    assert_int_equal(http_client_perform(f->client, &request, &f->response, &f->err), -1);
    assert_int_equal(f->err.kind, ERROR_NETWORK);
    assert_string_equal(f->err.text, "localhost:1 does not accept connections");
    error_clear(&f->err);
    request.url = "http://localhost/";
    http_response_clear(&f->response);
    assert_int_equal(http_client_perform(f->client, &request, &f->response, &f->err), -1);
    assert_int_equal(f->err.kind, ERROR_CONFIG);
    assert_string_equal(f->err.text, "not an https URL");
}

static void
an_unknown_authority_is_refused(void **state)
{
    struct fixture *f = *state;
    http_client_free(f->client);
    f->client = http_client_new(&(struct http_client_options){ .extra_ca = NULL }, &f->err);
    assert_int_equal(get(f, (struct http_request){ .method = NULL }, "/a"), -1);
    assert_int_equal(f->err.kind, ERROR_CONFIG);
    assert_non_null(strstr(f->err.text, "is not trusted"));
    assert_null(http_client_new(&(struct http_client_options){ .extra_ca = "/dev/null" }, &f->err));
}

static void
cancel_ends_a_request(void **state)
{
    struct fixture *f = *state;
    atomic_bool cancel = true;
    assert_int_equal(get(f, (struct http_request){ .cancel = &cancel }, "/a"), -1);
    assert_int_equal(f->err.kind, ERROR_CANCELLED);
    assert_int_equal(scripted_https_request_count(f->server), 0);
}

static void *
get_many(void *ctx)
{
    struct fixture *f = ctx;
    for (int i = 0; i < 10; i++) {
        struct http_response response;
        char url[256];
        snprintf(url, sizeof(url), "%s/n", scripted_https_origin(f->server));
        struct http_request request = { .url = url };
        int status = http_client_perform(f->client, &request, &response, NULL);
        bool ok = status == 0 && response.status == 200;
        http_response_clear(&response);
        if (!ok)
            return f;
    }
    return NULL;
}

static void
threads_share_the_pool(void **state)
{
    struct fixture *f = *state;
    pthread_t threads[4];
    for (int i = 0; i < 40; i++)
        scripted_https_reply(f->server, "GET /n", 200, "", "ok");
    for (size_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, get_many, f);
    for (size_t i = 0; i < 4; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(gives_status_headers_and_body, set_up, tear_down),
        cmocka_unit_test_setup_teardown(does_not_follow_redirects, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sends_bodies_of_known_length, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sink_gets_only_good_answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(faults_have_kinds_and_clear_words, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_unknown_authority_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cancel_ends_a_request, set_up, tear_down),
        cmocka_unit_test_setup_teardown(threads_share_the_pool, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
