#include "transporter/storage/azure/azure_sign.h"

#include "common/base/buffer.h"
#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/digest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TEXT_CEILING ((size_t)64 << 10)

static int
append_lower(struct buffer *out, const char *text, size_t len, struct error *err)
{
    for (size_t i = 0; i < len; i++)
        if (buffer_append_u8(out, (uint8_t)tolower((unsigned char)text[i]), err) != 0)
            return -1;
    return 0;
}

static const char *
header_value(const struct azure_sign_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (strcasecmp(request->headers[i].name, name) == 0)
            return request->headers[i].value;
    return "";
}

/* The standard headers by place. Date stays empty: x-ms-date is always there and wins. */
static int
append_standard(const struct azure_sign_request *request, struct buffer *out, struct error *err)
{
    static const char *const after_length[] = { "Content-MD5",         "Content-Type", "",
                                                "If-Modified-Since",   "If-Match",     "If-None-Match",
                                                "If-Unmodified-Since", "Range" };
    if (buffer_printf(out, err, "%s\n%s\n%s\n", request->method, header_value(request, "Content-Encoding"),
                      header_value(request, "Content-Language")) != 0)
        return -1;
    if (request->content_length > 0 &&
        buffer_printf(out, err, "%llu", (unsigned long long)request->content_length) != 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(after_length); i++)
        if (buffer_printf(out, err, "\n%s", header_value(request, after_length[i])) != 0)
            return -1;
    return buffer_append(out, "\n", 1, err);
}

static int
compare_headers(const void *a, const void *b)
{
    const struct azure_sign_header *x = *(const struct azure_sign_header *const *)a;
    const struct azure_sign_header *y = *(const struct azure_sign_header *const *)b;
    return strcasecmp(x->name, y->name);
}

static int
append_service_headers(const struct azure_sign_request *request, struct buffer *out, struct error *err)
{
    const struct azure_sign_header *sorted[AZURE_SIGN_HEADERS_MAX];
    size_t count = 0;

    if (request->header_count > AZURE_SIGN_HEADERS_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "a request with %zu headers", request->header_count);
    for (size_t i = 0; i < request->header_count; i++)
        if (strncasecmp(request->headers[i].name, "x-ms-", 5) == 0)
            sorted[count++] = &request->headers[i];
    qsort(sorted, count, sizeof(sorted[0]), compare_headers);
    for (size_t i = 0; i < count; i++)
        if (append_lower(out, sorted[i]->name, strlen(sorted[i]->name), err) != 0 ||
            buffer_printf(out, err, ":%s\n", sorted[i]->value) != 0)
            return -1;
    return 0;
}

struct parameter {
    const char *name, *value;
    size_t name_len, value_len;
};

static int
compare_parameters(const void *a, const void *b)
{
    const struct parameter *x = a, *y = b;
    size_t shorter = x->name_len < y->name_len ? x->name_len : y->name_len;
    int order = strncasecmp(x->name, y->name, shorter);
    return order != 0 ? order : (x->name_len > y->name_len) - (x->name_len < y->name_len);
}

static size_t
split_query(const char *query, struct parameter out[AZURE_SIGN_PARAMETERS_MAX])
{
    size_t count = 0;

    while (query != NULL && *query != '\0') {
        size_t len = strcspn(query, "&");
        const char *equals = memchr(query, '=', len);
        size_t name_len = equals != NULL ? (size_t)(equals - query) : len;
        if (count == AZURE_SIGN_PARAMETERS_MAX)
            return SIZE_MAX;
        out[count++] = (struct parameter){ .name = query,
                                           .name_len = name_len,
                                           .value = equals != NULL ? equals + 1 : query + len,
                                           .value_len = equals != NULL ? len - name_len - 1 : 0 };
        query += query[len] == '&' ? len + 1 : len;
    }
    return count;
}

static int
append_decoded(struct buffer *out, const char *text, size_t len, struct error *err)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = (uint8_t)text[i];
        char digits[3] = { 0 };
        if (byte == '%' && i + 2 < len) {
            memcpy(digits, text + i + 1, 2);
            if (encoding_unhex(digits, &byte, 1) == 0)
                i += 2;
        }
        if (buffer_append_u8(out, byte, err) != 0)
            return -1;
    }
    return 0;
}

static int
append_resource(const struct azure_sign_request *request, struct buffer *out, struct error *err)
{
    struct parameter parameters[AZURE_SIGN_PARAMETERS_MAX];
    size_t count = split_query(request->query, parameters);

    if (count == SIZE_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "a request with more than %d parameters", AZURE_SIGN_PARAMETERS_MAX);
    if (buffer_printf(out, err, "/%s%s", request->account, request->path) != 0)
        return -1;
    qsort(parameters, count, sizeof(parameters[0]), compare_parameters);
    for (size_t i = 0; i < count; i++) {
        const struct parameter *p = &parameters[i];
        if (buffer_append(out, "\n", 1, err) != 0 || append_lower(out, p->name, p->name_len, err) != 0 ||
            buffer_append(out, ":", 1, err) != 0 || append_decoded(out, p->value, p->value_len, err) != 0)
            return -1;
    }
    return 0;
}

int
azure_sign_text(const struct azure_sign_request *request, struct buffer *out, struct error *err)
{
    return append_standard(request, out, err) == 0 && append_service_headers(request, out, err) == 0 &&
                   append_resource(request, out, err) == 0
               ? 0
               : -1;
}

int
azure_sign(const struct azure_sign_request *request, const struct secret *key, char out[AZURE_SIGNATURE_LEN],
           struct error *err)
{
    CLEANUP(buffer_clear) struct buffer text = BUFFER_INIT(TEXT_CEILING);
    uint8_t mac[DIGEST_LEN];

    if (azure_sign_text(request, &text, err) != 0)
        return -1;
    hmac_sha256(secret_bytes(key), secret_len(key), text.data, text.len, mac);
    encoding_base64(mac, sizeof(mac), out);
    return 0;
}
