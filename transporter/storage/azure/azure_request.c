#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "transporter/storage/azure/azure_date.h"
#include "transporter/storage/azure/azure_internal.h"
#include "transporter/storage/storage_retry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SERVICE_VERSION "2021-12-02"
#define HEADERS_MAX     (AZURE_SIGN_HEADERS_MAX - 3)

/* What goes out: header values are borrowed from the call and from here. */
struct outgoing {
    struct azure_sign_header at[AZURE_SIGN_HEADERS_MAX];
    size_t count;
    char date[AZURE_DATE_LEN];
    char *lines[AZURE_SIGN_HEADERS_MAX];
    char *path, *url;
};

static void
clear_outgoing(struct outgoing *out)
{
    for (size_t i = 0; i < out->count; i++)
        free(out->lines[i]);
    if (out->url != NULL)
        secret_zero(out->url, strlen(out->url)); /* a SAS is in there */
    free(out->url);
    free(out->path);
}

static void
add(struct outgoing *out, const char *name, const char *value)
{
    out->lines[out->count] = memory_printf("%s: %s", name, value);
    out->at[out->count++] = (struct azure_sign_header){ name, value };
}

/* As the URL has it: with the path that the endpoint itself may have. */
static char *
path_of(const struct azure *azure, const struct azure_call *call)
{
    const char *own = strchr(azure->origin + strlen("https://"), '/');

    return memory_printf("%s/%s%s%s", own != NULL ? own : "", azure->container, call->blob != NULL ? "/" : "",
                         call->blob != NULL ? call->blob : "");
}

static char *
url_of(const struct azure *azure, const struct azure_call *call, const char *path)
{
    int host = (int)(strlen("https://") + strcspn(azure->origin + strlen("https://"), "/"));
    bool query = call->query != NULL, sas = azure->sas != NULL;

    return memory_printf("%.*s%s%s%s%s%s", host, azure->origin, path, query || sas ? "?" : "", query ? call->query : "",
                         query && sas ? "&" : "", sas ? secret_text(azure->sas) : "");
}

static int
sign(const struct azure *azure, const struct azure_call *call, struct outgoing *out, struct error *err)
{
    const struct azure_sign_request request = { .method = call->method,
                                                .account = azure->account,
                                                .path = out->path,
                                                .query = call->query,
                                                .headers = out->at,
                                                .header_count = out->count,
                                                .content_length = call->len };
    char signature[AZURE_SIGNATURE_LEN];

    if (azure_sign(&request, azure->key, signature, err) != 0)
        return -1;
    out->lines[out->count] = memory_printf("Authorization: SharedKey %s:%s", azure->account, signature);
    out->at[out->count++] = (struct azure_sign_header){ "Authorization", "" };
    return 0;
}

static int
build(const struct azure *azure, const struct azure_call *call, struct outgoing *out, struct error *err)
{
    if (call->header_count > HEADERS_MAX)
        return FAIL(err, ERROR_INTERNAL, 0, "a request with %zu headers", call->header_count);
    azure_date_format(clock_wall_ms(azure->clock) / 1000 * 1000, out->date);
    add(out, "x-ms-date", out->date);
    add(out, "x-ms-version", SERVICE_VERSION);
    for (size_t i = 0; i < call->header_count; i++)
        add(out, call->headers[i].name, call->headers[i].value);
    out->path = path_of(azure, call);
    out->url = url_of(azure, call, out->path);
    return azure->key != NULL ? sign(azure, call, out, err) : 0;
}

int
azure_content_read(void *ctx, uint64_t offset, void *out, size_t capacity, size_t *len, struct error *err)
{
    const struct azure_content_part *part = ctx;
    ssize_t n;

    if (offset > part->len || capacity > part->len - offset)
        capacity = offset < part->len ? (size_t)(part->len - offset) : 0;
    if (part->content->data != NULL) {
        memcpy(out, (const uint8_t *)part->content->data + part->offset + offset, capacity);
        *len = capacity;
        return 0;
    }
    do
        n = pread(part->content->fd, out, capacity, (off_t)(part->offset + offset));
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return FAIL(err, error_kind_from_errno(errno), errno, "reading what is to be stored: %s", strerror(errno));
    if (n == 0 && capacity > 0)
        return FAIL(err, ERROR_INTERNAL, 0, "what is to be stored is shorter than announced");
    *len = (size_t)n;
    return 0;
}

int
azure_request_once(struct azure *azure, const struct azure_call *call, struct http_response *response, bool *passing,
                   struct error *err)
{
    struct outgoing out = { .count = 0 };
    struct azure_content_part part = { call->content, call->offset, call->len };
    bool body = call->content != NULL && call->len > 0;

    *response = (struct http_response)HTTP_RESPONSE_INIT;
    *passing = false;
    if (build(azure, call, &out, err) != 0) {
        clear_outgoing(&out);
        return -1;
    }
    const struct http_request request = { .method = call->method,
                                          .url = out.url,
                                          .headers = (const char *const *)out.lines,
                                          .header_count = out.count,
                                          .body_fn = body ? azure_content_read : NULL,
                                          .body_ctx = &part,
                                          .body_len = call->len,
                                          .sink = call->sink,
                                          .head = call->head,
                                          .sink_ctx = call->sink_ctx,
                                          .body_ceiling = call->body_ceiling };
    int failed = http_client_perform(azure->http, &request, response, err);
    clear_outgoing(&out);
    if (failed != 0) {
        *passing = err->kind == ERROR_NETWORK || err->kind == ERROR_TIMEOUT;
        return error_wrap(err, "storage %s/%s", azure->account, azure->container);
    }
    if (http_response_header(response, "x-ms-version-id") != NULL)
        atomic_store(&azure->versioned, true);
    if (response->status >= 200 && response->status <= 299)
        return 0;
    *passing = azure_fail(azure, call, response, err);
    return -1;
}

int
azure_request(struct azure *azure, const struct azure_call *call, struct http_response *response, unsigned *tries,
              struct error *err)
{
    struct error why = ERROR_INIT;
    struct storage_retry retry;
    unsigned sent = 0;
    bool passing;

    storage_retry_begin(&retry, azure->clock, azure->tries_max);
    for (;;) {
        int failed = azure_request_once(azure, call, response, &passing, &why);
        sent++;
        if (tries != NULL)
            *tries = sent;
        if (failed == 0)
            return 0;
        if (!passing || !storage_retry_again(&retry, &why))
            break;
        http_response_clear(response);
    }
    if (err != NULL && !error_is_set(err))
        *err = why;
    return -1;
}
