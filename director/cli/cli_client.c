#include "director/cli/cli_client.h"

#include "common/base/buffer.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "director/cli/cli_client_internal.h"
#include "director/cli/cli_settings.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_S 120L
#define PAGE      "500"

struct cli_client {
    CURL *curl;
    struct cli_settings settings;
};

static size_t
on_curl_data(char *data, size_t size, size_t count, void *ctx)
{
    return buffer_append(ctx, data, size * count, NULL) == 0 ? size * count : 0;
}

CURL *
cli_client_curl_new(struct error *err)
{
    CURL *curl = curl_easy_init();

    if (curl == NULL) {
        FAIL(err, ERROR_INTERNAL, 0, "the HTTP library does not start");
        return NULL;
    }
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "longhaul/" LONGHAUL_VERSION);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_curl_data);
    return curl;
}

int
cli_client_curl_error(CURLcode code, const char *director, struct error *err)
{
    switch (code) { /* libcurl's enum; the rest has no advice of its own */
    case CURLE_PEER_FAILED_VERIFICATION:
        return FAIL(err, ERROR_DENIED, (int)code,
                    "%s does not have a certificate for this name from the director's authority; is it the right "
                    "director? if so, run longhaul login again",
                    director);
    case CURLE_SSL_CACERT_BADFILE:
        return FAIL(err, ERROR_CONFIG, (int)code,
                    "the director's authority (--ca or LONGHAUL_CA) is no certificate in PEM");
    case CURLE_OPERATION_TIMEDOUT:
        return FAIL(err, ERROR_TIMEOUT, (int)code, "%s did not answer in time", director);
    case CURLE_WRITE_ERROR:
        return FAIL(err, ERROR_LIMIT, (int)code, "the answer is larger than %zu bytes", CLI_CLIENT_REPLY_LIMIT);
    default:
        return FAIL(err, ERROR_NETWORK, (int)code, "cannot reach the director at %s: %s; is longhaul-director running?",
                    director, curl_easy_strerror(code));
    }
}

static int
client_open(struct cli *cli, struct error *err)
{
    struct cli_client *client = MEMORY_NEW(struct cli_client);

    cli->client = client;
    if (cli_settings_load(cli, &client->settings, err) != 0 || (client->curl = cli_client_curl_new(err)) == NULL)
        return -1;
    struct curl_blob authority = { .data = client->settings.ca_pem,
                                   .len = strlen(client->settings.ca_pem),
                                   .flags = CURL_BLOB_NOCOPY };
    curl_easy_setopt(client->curl, CURLOPT_CAINFO_BLOB, &authority);
    curl_easy_setopt(client->curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl_easy_setopt(client->curl, CURLOPT_XOAUTH2_BEARER, secret_text(client->settings.token));
    return 0;
}

void
cli_client_close(struct cli_client *client)
{
    if (client == NULL)
        return;
    curl_easy_cleanup(client->curl);
    cli_settings_clear(&client->settings);
    free(client);
}

/* What the director says about a failure is passed on as if it had happened here. */
static int
check_status(const struct cli_client *client, long status, json_t *reply, struct error *err)
{
    json_t *error = json_object_get(reply, "error");
    const char *kind = json_string_value(json_object_get(error, "kind"));
    const char *message = json_string_value(json_object_get(error, "message"));

    if (status >= 200 && status < 300 && reply != NULL)
        return 0;
    if (kind == NULL || message == NULL || status < 400)
        return FAIL(err, ERROR_FORMAT, (int)status, "%s answered HTTP %ld, not as a Longhaul director does",
                    client->settings.director, status);
    return FAIL(err, error_kind_from_name(kind), (int)status, "%s", message);
}

static json_t *
perform(struct cli_client *client, const char *url, const char *method, const char *body, struct error *err)
{
    CLEANUP(buffer_clear) struct buffer reply = BUFFER_INIT(CLI_CLIENT_REPLY_LIMIT);
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    long status = 0;

    headers = curl_slist_append(headers, "Expect:");
    curl_easy_setopt(client->curl, CURLOPT_URL, url);
    curl_easy_setopt(client->curl, CURLOPT_HTTPGET, 1L);
    if (body != NULL) {
        curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(client->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body));
        curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
    } else {
        curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, NULL);
    }
    curl_easy_setopt(client->curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, &reply);
    CURLcode code = curl_easy_perform(client->curl);
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    if (code != CURLE_OK) {
        cli_client_curl_error(code, client->settings.director, err);
        return NULL;
    }
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    json_t *json = reply.len == 0 ? NULL : json_loadb((const char *)reply.data, reply.len, 0, NULL);
    if (check_status(client, status, json, err) == 0)
        return json;
    json_decref(json);
    return NULL;
}

json_t *
cli_client_call(struct cli *cli, const char *method, const char *path, json_t *body, struct error *err)
{
    CLEANUP(memory_free_p) char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
    bool bad_body = body != NULL && text == NULL;

    json_decref(body);
    if (bad_body) {
        FAIL(err, ERROR_USAGE, 0, "a name or text in this command is not UTF-8");
        return NULL;
    }
    if (cli->client == NULL && client_open(cli, err) != 0) {
        cli_client_close(cli->client);
        cli->client = NULL;
        return NULL;
    }
    CLEANUP(memory_free_p) char *url = memory_printf("%s/api/v1%s", cli->client->settings.director, path);
    return perform(cli->client, url, method, text, err);
}

json_t *
cli_client_get(struct cli *cli, const char *path, struct error *err)
{
    return cli_client_call(cli, "GET", path, NULL, err);
}

json_t *
cli_client_post(struct cli *cli, const char *path, json_t *body, struct error *err)
{
    return cli_client_call(cli, "POST", path, body != NULL ? body : json_object(), err);
}

json_t *
cli_client_list(struct cli *cli, const char *path, size_t limit, struct error *err)
{
    json_t *items = json_array(), *next = NULL;
    char count[24];
    bool more = true;

    snprintf(count, sizeof(count), "%zu", limit);
    while (more) {
        char *page_path = memory_strdup(path);
        cli_client_add_query(&page_path, "limit", limit != 0 && limit < 500 ? count : PAGE);
        cli_client_add_query(&page_path, "after", json_string_value(next));
        json_decref(next);
        json_t *page = cli_client_get(cli, page_path, err);
        free(page_path);
        if (page == NULL) {
            json_decref(items);
            return NULL;
        }
        json_array_extend(items, json_object_get(page, "items"));
        next = json_incref(json_object_get(page, "next"));
        json_decref(page);
        more = json_is_string(next) && (limit == 0 || json_array_size(items) < limit);
    }
    json_decref(next);
    while (limit != 0 && json_array_size(items) > limit)
        json_array_remove(items, json_array_size(items) - 1);
    return json_pack("{s:o}", "items", items);
}

/* Everything but unreserved characters (RFC 3986, 2.3). */
static void
append_escaped(struct buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~", c);
        buffer_printf(out, NULL, plain ? "%c" : "%%%02X", c);
    }
}

static char *
take_text(struct buffer *out)
{
    char *text = memory_strdup(buffer_text(out, NULL));

    buffer_clear(out);
    return text;
}

char *
cli_client_path(const char *pattern, ...)
{
    struct buffer out = BUFFER_INIT(64 << 10);
    va_list list;

    va_start(list, pattern);
    for (; *pattern != '\0'; pattern++) {
        if (pattern[0] == '%' && pattern[1] == 's') {
            append_escaped(&out, va_arg(list, const char *));
            pattern++;
        } else {
            buffer_append(&out, pattern, 1, NULL);
        }
    }
    va_end(list);
    return take_text(&out);
}

void
cli_client_add_query(char **path, const char *name, const char *value)
{
    struct buffer out = BUFFER_INIT(64 << 10);

    if (value == NULL)
        return;
    buffer_printf(&out, NULL, "%s%c%s=", *path, strchr(*path, '?') == NULL ? '?' : '&', name);
    append_escaped(&out, value);
    free(*path);
    *path = take_text(&out);
}
