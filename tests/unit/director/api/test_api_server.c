#include "director/api/api_server.h"

#include "common/crypto/digest.h"
#include "director/api/api_token.h"
#include "director/store/store_tenants.h"
#include "director/store/store_tokens.h"
#include "tests/unit/director/api/api_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void
health_is_public_and_everything_else_is_not(void **state)
{
    struct api_fixture *f = *state;
    static const char *const paths[] = { "/api/v1/tenants", "/api/v1/nonsense", "/", "/api/v1/health/x" };
    static const char *const tokens[] = { NULL, "", "lhat_wrong", "lhat_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" };
    long status;
    api_fixture_go(f);
    json_t *health = api_fixture_call(f, NULL, "GET", "/api/v1/health", NULL, 0, &status);
    assert_int_equal(status, 200);
    assert_string_equal(json_string_value(json_object_get(health, "status")), "ok");
    json_decref(health);
    json_t *first = NULL;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        for (size_t k = 0; k < ARRAY_LEN(tokens); k++) {
            json_t *reply = api_fixture_call(f, tokens[k], "GET", paths[i], NULL, 0, &status);
            assert_int_equal(status, 401);
            assert_true(first == NULL || json_equal(first, reply));
            if (first == NULL)
                first = json_incref(reply);
            json_decref(reply);
        }
    json_decref(first);
}

static void
an_expired_token_is_no_token(void **state)
{
    struct api_fixture *f = *state;
    struct store_token token = { .name = "old", .scope = STORE_TOKEN_ADMIN };
    struct error err = ERROR_INIT;
    char text[API_TOKEN_LEN];
    long status;
    api_token_new(clock_system(), text);
    digest_sha256(text, strlen(text), token.token_sha256);
    token.expires_ms = clock_wall_ms(clock_system()) - 1;
    assert_int_equal(store_tokens_add(director_store(f->director), &token, &err), 0);
    api_fixture_go(f);
    json_decref(api_fixture_call(f, text, "GET", "/api/v1/tenants", NULL, 0, &status));
    assert_int_equal(status, 401);
}

static void
the_first_token_is_made_once_and_private(void **state)
{
    struct api_fixture *f = *state;
    CLEANUP(memory_free_p) char *path = memory_printf("%s/admin.token", f->folder.path);
    struct stat before, after;
    struct error err = ERROR_INIT;
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(before.st_mode & 0777, 0600);
    assert_int_equal(api_token_bootstrap(director_store(f->director), f->folder.path, clock_system(), &err), 0);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(strlen(f->token), API_TOKEN_LEN - 1);
}

static void
what_is_wrong_with_a_request_is_said(void **state)
{
    struct api_fixture *f = *state;
    api_fixture_go(f);
    api_fixture_refuse(f, 404, "not_found", "GET", "/api/v1/nonsense", NULL);
    api_fixture_refuse(f, 404, "not_found", "GET", "/api/v1/tenants/nobody", NULL);
    api_fixture_refuse(f, 405, "unsupported", "DELETE", "/api/v1/tenants", NULL);
    api_fixture_refuse(f, 405, "unsupported", "OPTIONS", "/api/v1/tenants", NULL);
    api_fixture_refuse(f, 400, "format", "POST", "/api/v1/tenants", "{\"name\":");
    api_fixture_refuse(f, 400, "usage", "POST", "/api/v1/tenants", "{\"nam\":\"x\"}");
    api_fixture_refuse(f, 400, "usage", "POST", "/api/v1/tenants", "");
    api_fixture_refuse(f, 400, "usage", "POST", "/api/v1/tenants", "{\"name\":\"with blank\"}");
    api_fixture_refuse(f, 400, "usage", "GET", "/api/v1/tenants?limit=0", NULL);
    api_fixture_refuse(f, 400, "usage", "GET", "/api/v1/tenants?limit=ten", NULL);
}

static void
bodies_have_a_ceiling(void **state)
{
    struct api_fixture *f = *state;
    size_t limit = (size_t)1 << 20;
    CLEANUP(memory_free_p) char *large = memset(memory_new(limit + 2), ' ', limit + 1);
    long status;
    memcpy(large, "{\"name\":\"acme\"}", 15);
    api_fixture_go(f);
    json_t *reply = api_fixture_call(f, f->token, "POST", "/api/v1/tenants", large, limit + 1, &status);
    assert_true(status == 413 || status == 0); /* the connection may end before the answer is read */
    json_decref(reply);
    reply = api_fixture_call(f, f->token, "POST", "/api/v1/tenants", large, limit, &status);
    assert_int_equal(status, 201);
    json_decref(reply);
}

/* Sizes around those of the library's buffer and of TLS records: nothing may wait for bytes that are there already. */
static void
bodies_of_every_size_arrive(void **state)
{
    struct api_fixture *f = *state;
    static const size_t sizes[] = { 15, 4095, 4096, 8192, 16384, 20479, 20480, 20481, 65536, 262144, 524288, 1 << 20 };
    CLEANUP(memory_free_p) char *body = memset(memory_new((1 << 20) + 1), ' ', 1 << 20);
    long status;
    memcpy(body, "{\"nome\":\"acme\"}", 15);
    api_fixture_go(f);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        json_decref(api_fixture_call(f, f->token, "POST", "/api/v1/tenants", body, sizes[i], &status));
        assert_int_equal(status, 400);
    }
}

static void
lists_come_in_pages(void **state)
{
    struct api_fixture *f = *state;
    CLEANUP(memory_free_p) char *path = memory_strdup("/api/v1/tenants?limit=2");
    size_t seen = 0, pages = 0;
    api_fixture_go(f);
    for (int i = 0; i < 5; i++) {
        CLEANUP(memory_free_p) char *body = memory_printf("{\"name\":\"tenant%d\"}", i);
        json_decref(api_fixture_expect(f, 201, "POST", "/api/v1/tenants", body));
    }
    for (bool more = true; more; pages++) {
        json_t *page = api_fixture_expect(f, 200, "GET", path, NULL), *next = json_object_get(page, "next");
        seen += json_array_size(json_object_get(page, "items"));
        more = json_is_string(next);
        free(path);
        path = memory_printf("/api/v1/tenants?limit=2&after=%s", more ? json_string_value(next) : "");
        json_decref(page);
    }
    assert_int_equal(seen, 5);
    assert_int_equal(pages, 3);
}

/* Makes a token over the API; it is the test's to free. */
static char *
make_token(struct api_fixture *f, const char *body)
{
    json_t *made = api_fixture_expect(f, 201, "POST", "/api/v1/tokens", body);
    char *token = memory_strdup(json_string_value(json_object_get(made, "token")));
    json_decref(made);
    return token;
}

static long
status_with(struct api_fixture *f, const char *token, const char *method, const char *path, const char *body)
{
    long status;
    json_decref(api_fixture_call(f, token, method, path, body, body == NULL ? 0 : strlen(body), &status));
    return status;
}

static void
a_scope_allows_what_it_says(void **state)
{
    struct api_fixture *f = *state;
    api_fixture_go(f);
    json_decref(api_fixture_expect(f, 201, "POST", "/api/v1/tenants", "{\"name\":\"acme\"}"));
    CLEANUP(memory_free_p) char *viewer = make_token(f, "{\"name\":\"v\",\"scope\":\"viewer\"}");
    CLEANUP(memory_free_p) char *desk = make_token(f, "{\"name\":\"o\",\"scope\":\"operator\"}");
    assert_int_equal(status_with(f, viewer, "GET", "/api/v1/tenants/acme", NULL), 200);
    assert_int_equal(status_with(f, viewer, "POST", "/api/v1/tenants/acme/discover", "{}"), 403);
    assert_int_equal(status_with(f, viewer, "GET", "/api/v1/tokens", NULL), 403);
    assert_int_equal(status_with(f, desk, "POST", "/api/v1/tenants/acme/discover", "{\"x\":1}"), 400);
    assert_int_equal(status_with(f, desk, "POST", "/api/v1/tenants", "{\"name\":\"b\"}"), 403);
    assert_int_equal(status_with(f, desk, "DELETE", "/api/v1/tokens/v", NULL), 403);
    json_decref(api_fixture_expect(f, 200, "DELETE", "/api/v1/tokens/v", NULL));
    assert_int_equal(status_with(f, viewer, "GET", "/api/v1/tenants", NULL), 401);
    api_fixture_refuse(f, 400, "usage", "DELETE", "/api/v1/tokens/first-admin", NULL);
}

static void
a_bound_token_sees_its_tenant_only(void **state)
{
    struct api_fixture *f = *state;
    long status;
    api_fixture_go(f);
    json_decref(api_fixture_expect(f, 201, "POST", "/api/v1/tenants", "{\"name\":\"mine\"}"));
    json_decref(api_fixture_expect(f, 201, "POST", "/api/v1/tenants", "{\"name\":\"other\"}"));
    CLEANUP(memory_free_p) char *token = make_token(f, "{\"name\":\"m\",\"scope\":\"admin\",\"tenant\":\"mine\"}");
    json_t *list = api_fixture_call(f, token, "GET", "/api/v1/tenants", NULL, 0, &status);
    assert_int_equal(json_array_size(json_object_get(list, "items")), 1);
    json_decref(list);
    json_t *events = api_fixture_call(f, token, "GET", "/api/v1/events", NULL, 0, &status);
    assert_int_equal(status, 200);
    size_t i;
    json_t *event;
    json_array_foreach (json_object_get(events, "items"), i, event)
        assert_string_not_equal(json_string_value(json_object_get(event, "text")), "other");
    json_decref(events);
    assert_int_equal(status_with(f, token, "GET", "/api/v1/tenants/mine", NULL), 200);
    assert_int_equal(status_with(f, token, "GET", "/api/v1/tenants/other", NULL), 404);
    assert_int_equal(status_with(f, token, "GET", "/api/v1/tenants/other/objects", NULL), 404);
    assert_int_equal(status_with(f, token, "GET", "/api/v1/runs?tenant=other", NULL), 404);
    assert_int_equal(status_with(f, token, "DELETE", "/api/v1/tenants/mine", NULL), 403);
    assert_int_equal(status_with(f, token, "GET", "/api/v1/repositories", NULL), 403);
    assert_int_equal(status_with(f, token, "POST", "/api/v1/invites", "{\"name\":\"x\"}"), 403);
    assert_int_equal(status_with(f, token, "POST", "/api/v1/tokens", "{\"name\":\"x\",\"scope\":\"admin\"}"), 403);
}

static long
handshake(struct api_fixture *f, long from, long to)
{
    CLEANUP(buffer_clear) struct buffer reply = BUFFER_INIT(4096);
    CLEANUP(memory_free_p) char *url = memory_printf("https://127.0.0.1:%u/api/v1/health", api_server_port(f->server));
    api_fixture_prepare(f, f->curl);
    curl_easy_setopt(f->curl, CURLOPT_URL, url);
    curl_easy_setopt(f->curl, CURLOPT_WRITEDATA, &reply);
    curl_easy_setopt(f->curl, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(f->curl, CURLOPT_SSLVERSION, from | to);
    curl_easy_setopt(f->curl, CURLOPT_SSL_CIPHER_LIST, "DEFAULT@SECLEVEL=0");
    return (long)curl_easy_perform(f->curl);
}

static void
tls_below_1_2_is_refused(void **state)
{
    struct api_fixture *f = *state;
    api_fixture_go(f);
    assert_int_equal(handshake(f, CURL_SSLVERSION_TLSv1_0, CURL_SSLVERSION_MAX_TLSv1_1), CURLE_SSL_CONNECT_ERROR);
    assert_int_equal(handshake(f, CURL_SSLVERSION_TLSv1_2, CURL_SSLVERSION_MAX_TLSv1_2), CURLE_OK);
    assert_int_equal(handshake(f, CURL_SSLVERSION_TLSv1_3, CURL_SSLVERSION_MAX_TLSv1_3), CURLE_OK);
}

static int
connect_plain(const struct api_fixture *f)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(api_server_port(f->server)) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* Waits for the server to end the connection; what it sent before is counted. */
static size_t
drain_until_closed(int fd)
{
    char bytes[512];
    size_t total = 0;
    struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
    while (poll(&poll_fd, 1, 60000) == 1) {
        ssize_t n = recv(fd, bytes, sizeof(bytes), 0);
        if (n <= 0)
            break;
        total += (size_t)n;
        assert_null(memmem(bytes, (size_t)n, "HTTP/1.1 200", 12));
    }
    close(fd);
    return total;
}

static void
plain_http_gets_no_answer(void **state)
{
    struct api_fixture *f = *state;
    static const char request[] = "GET /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n";
    api_fixture_go(f);
    int fd = connect_plain(f);
    assert_int_equal(send(fd, request, sizeof(request) - 1, 0), (ssize_t)sizeof(request) - 1);
    drain_until_closed(fd);
}

static void
connections_are_bounded_and_come_free_again(void **state)
{
    struct api_fixture *f = *state;
    int fds[API_FIXTURE_CONNECTIONS + 4];
    long status = 0;
    api_fixture_go(f);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        fds[i] = connect_plain(f);
    for (size_t i = API_FIXTURE_CONNECTIONS; i < ARRAY_LEN(fds); i++)
        assert_int_equal(drain_until_closed(fds[i]), 0); /* those above the bound are closed at once */
    json_decref(api_fixture_call(f, NULL, "GET", "/api/v1/health", NULL, 0, &status));
    assert_int_equal(status, 0);
    for (size_t i = 0; i < API_FIXTURE_CONNECTIONS; i++)
        close(fds[i]);
    for (int tries = 0; status != 200 && tries < 100; tries++) {
        json_decref(api_fixture_call(f, NULL, "GET", "/api/v1/health", NULL, 0, &status));
        poll(NULL, 0, status == 200 ? 0 : 20);
    }
    assert_int_equal(status, 200);
}

#define WITH_DIRECTOR(test) cmocka_unit_test_setup_teardown(test, api_fixture_setup, api_fixture_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DIRECTOR(health_is_public_and_everything_else_is_not),
        WITH_DIRECTOR(an_expired_token_is_no_token),
        WITH_DIRECTOR(the_first_token_is_made_once_and_private),
        WITH_DIRECTOR(what_is_wrong_with_a_request_is_said),
        WITH_DIRECTOR(bodies_have_a_ceiling),
        WITH_DIRECTOR(bodies_of_every_size_arrive),
        WITH_DIRECTOR(lists_come_in_pages),
        WITH_DIRECTOR(a_scope_allows_what_it_says),
        WITH_DIRECTOR(a_bound_token_sees_its_tenant_only),
        WITH_DIRECTOR(tls_below_1_2_is_refused),
        WITH_DIRECTOR(plain_http_gets_no_answer),
        WITH_DIRECTOR(connections_are_bounded_and_come_free_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
