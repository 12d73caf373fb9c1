#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/net/http_client_internal.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define HEADER_CEILING ((size_t)64 << 10)
#define BODY_CEILING   ((size_t)64 << 10)

/* One request on one handle; errors of our own callbacks are kept in err while libcurl winds down. */
struct transfer {
    CURL *easy;
    const struct http_request *request;
    struct http_response *response;
    uint64_t body_at;
    bool head_seen;
    struct error err;
};

static size_t
on_curl_header(char *line, size_t size, size_t count, void *ctx)
{
    struct transfer *t = ctx;
    return http_response_add(t->response, line, size * count, &t->err) == 0 ? size * count : 0;
}

static size_t
on_curl_body(char *data, size_t size, size_t count, void *ctx)
{
    struct transfer *t = ctx;
    const struct http_request *request = t->request;
    size_t len = size * count;
    long status = 0;

    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    t->response->status = (int)status;
    t->response->received += len;
    if (request->sink == NULL || status < 200 || status > 299)
        return buffer_append(&t->response->body, data, len, &t->err) == 0 ? len : 0;
    if (!t->head_seen && request->head != NULL && request->head(request->sink_ctx, t->response, &t->err) != 0)
        return 0;
    t->head_seen = true;
    return request->sink(request->sink_ctx, data, len, &t->err) == 0 ? len : 0;
}

static size_t
on_curl_read(char *out, size_t size, size_t count, void *ctx)
{
    struct transfer *t = ctx;
    uint64_t left = t->request->body_len - t->body_at;
    size_t capacity = size * count, len = 0;

    if (capacity > left)
        capacity = (size_t)left;
    if (capacity == 0)
        return 0;
    if (t->request->body_fn(t->request->body_ctx, t->body_at, out, capacity, &len, &t->err) != 0)
        return CURL_READFUNC_ABORT;
    if (len == 0 || len > capacity) {
        FAIL(&t->err, ERROR_INTERNAL, 0, "request body ended early");
        return CURL_READFUNC_ABORT;
    }
    t->body_at += len;
    return len;
}

static int
on_curl_seek(void *ctx, curl_off_t offset, int origin)
{
    struct transfer *t = ctx;

    if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > t->request->body_len)
        return CURL_SEEKFUNC_FAIL;
    t->body_at = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

static int
on_curl_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    struct transfer *t = ctx;
    return atomic_load_explicit(t->request->cancel, memory_order_relaxed) ? 1 : 0;
}

static void
set_body(struct transfer *t, const char *method)
{
    const struct http_request *request = t->request;
    CURL *easy = t->easy;

    if (request->body_fn != NULL) {
        curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_curl_read);
        curl_easy_setopt(easy, CURLOPT_READDATA, t);
        curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_curl_seek);
        curl_easy_setopt(easy, CURLOPT_SEEKDATA, t);
        curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->body_len);
    } else if (request->body != NULL || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
               strcmp(method, "PATCH") == 0) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body != NULL ? request->body : "");
    } else if (strcmp(method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        return;
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
}

static struct curl_slist *
header_list(const struct http_request *request)
{
    /* libcurl invents a form content type and waits for 100-continue unless told otherwise. */
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    bool typed = false;

    for (size_t i = 0; i < request->header_count; i++) {
        typed |= strncasecmp(request->headers[i], "Content-Type:", 13) == 0;
        list = curl_slist_append(list, request->headers[i]);
    }
    if (!typed)
        list = curl_slist_append(list, "Content-Type:");
    return list;
}

/* "host:port" for error texts: the rest of a URL may hold a token. */
static void
host_of(const char *url, char *out, size_t size)
{
    const char *start = strstr(url, "://");
    start = start != NULL ? start + 3 : url;
    size_t len = strcspn(start, "/?#");
    const char *at = memchr(start, '@', len);
    if (at != NULL) {
        len -= (size_t)(at + 1 - start);
        start = at + 1;
    }
    snprintf(out, size, "%.*s", (int)(len < 200 ? len : 200), start);
}

static CURLcode
run(struct transfer *t, const char *method, char *detail)
{
    const struct http_request *request = t->request;
    CURL *easy = t->easy;
    struct curl_slist *headers = header_list(request);

    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_curl_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_curl_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail);
    if (request->timeout_ms != 0)
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    if (request->compressed)
        curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    if (request->cancel != NULL) {
        curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_curl_progress);
        curl_easy_setopt(easy, CURLOPT_XFERINFODATA, t);
        curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    }
    set_body(t, method);
    CURLcode code = curl_easy_perform(easy);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    return code;
}

int
http_client_perform(struct http_client *client, const struct http_request *request, struct http_response *response,
                    struct error *err)
{
    struct transfer t = { .request = request, .response = response, .err = ERROR_INIT };
    char detail[CURL_ERROR_SIZE] = "", host[256];
    const char *method = request->method != NULL ? request->method : "GET";

    *response = (struct http_response)HTTP_RESPONSE_INIT;
    buffer_init(&response->headers, HEADER_CEILING);
    buffer_init(&response->body, request->body_ceiling != 0 ? request->body_ceiling : BODY_CEILING);
    if (request->cancel != NULL && atomic_load(request->cancel))
        return FAIL(err, ERROR_CANCELLED, 0, "cancelled");
    t.easy = http_client_take(client, err);
    if (t.easy == NULL)
        return -1;
    CURLcode code = run(&t, method, detail);
    long status = 0;
    curl_easy_getinfo(t.easy, CURLINFO_RESPONSE_CODE, &status);
    response->status = (int)status;
    http_client_put(client, t.easy);
    host_of(request->url, host, sizeof(host));
    if (error_is_set(&t.err)) {
        if (err != NULL && !error_is_set(err))
            *err = t.err;
        return -1;
    }
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return FAIL(err, ERROR_CANCELLED, 0, "cancelled");
    if (code != CURLE_OK)
        return http_client_fail(code, host, detail, err);
    /* An empty 2xx answer still has a head. */
    if (request->sink != NULL && request->head != NULL && !t.head_seen && status >= 200 && status <= 299)
        return request->head(request->sink_ctx, response, err);
    return 0;
}
