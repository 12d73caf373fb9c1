#include "common/net/aws_sigv4.h"

#include "common/base/buffer.h"
#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/digest.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ALGORITHM    "AWS4-HMAC-SHA256"
#define TEXT_CEILING ((size_t)64 << 10)
#define HEX_LEN      (2 * DIGEST_LEN + 1)
#define DAY_LEN      8

void
aws_sigv4_date(int64_t wall_ms, char out[AWS_SIGV4_DATE_LEN])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(out, AWS_SIGV4_DATE_LEN, "%Y%m%dT%H%M%SZ", &tm);
}

int
aws_sigv4_encode(struct buffer *out, const char *text, bool keep_slash, struct error *err)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (; *text != '\0'; text++) {
        int failed = strchr(plain, *text) != NULL || (keep_slash && *text == '/')
                         ? buffer_append(out, text, 1, err)
                         : buffer_printf(out, err, "%%%02X", (unsigned)(unsigned char)*text);
        if (failed != 0)
            return -1;
    }
    return 0;
}

static int
compare_pairs(const void *a, const void *b)
{
    const struct aws_sigv4_pair *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : strcmp(x->value, y->value);
}

static int
sort_pairs(struct aws_sigv4_pair *sorted, const struct aws_sigv4_pair *pairs, size_t count, struct error *err)
{
    if (count > AWS_SIGV4_PAIRS_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "too many fields in a request to sign");
    memcpy(sorted, pairs, count * sizeof(*pairs));
    qsort(sorted, count, sizeof(*sorted), compare_pairs);
    return 0;
}

int
aws_sigv4_query(struct buffer *out, const struct aws_sigv4_pair *pairs, size_t count, struct error *err)
{
    struct aws_sigv4_pair sorted[AWS_SIGV4_PAIRS_MAX];
    if (count == 0)
        return 0;
    /* Our names are plain ASCII letters and digits: encoding does not change their order. */
    if (sort_pairs(sorted, pairs, count, err) != 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if ((i > 0 && buffer_append(out, "&", 1, err) != 0) || aws_sigv4_encode(out, sorted[i].name, false, err) != 0 ||
            buffer_append(out, "=", 1, err) != 0 || aws_sigv4_encode(out, sorted[i].value, false, err) != 0)
            return -1;
    }
    return 0;
}

/* Ends trimmed, runs of spaces made one. */
static int
append_value(struct buffer *out, const char *value, struct error *err)
{
    value += strspn(value, " ");
    for (size_t len; *value != '\0'; value += len, value += strspn(value, " ")) {
        len = strcspn(value, " ");
        if (buffer_append(out, value, len, err) != 0)
            return -1;
        if (value[len + strspn(value + len, " ")] != '\0' && buffer_append(out, " ", 1, err) != 0)
            return -1;
    }
    return 0;
}

static int
append_canonical(struct buffer *out, const struct aws_sigv4_request *request, const struct aws_sigv4_pair *headers,
                 const char *names, struct error *err)
{
    if (buffer_printf(out, err, "%s\n%s\n%s\n", request->method, request->path, request->query) != 0)
        return -1;
    for (size_t i = 0; i < request->header_count; i++) {
        if (buffer_append_text(out, headers[i].name, err) != 0 || buffer_append(out, ":", 1, err) != 0 ||
            append_value(out, headers[i].value, err) != 0 || buffer_append(out, "\n", 1, err) != 0)
            return -1;
    }
    return buffer_printf(out, err, "\n%s\n%s", names, request->payload);
}

static int
append_names(struct buffer *out, const struct aws_sigv4_pair *headers, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++)
        if ((i > 0 && buffer_append(out, ";", 1, err) != 0) || buffer_append_text(out, headers[i].name, err) != 0)
            return -1;
    return 0;
}

static int
derive(const struct aws_sigv4_key *key, const char *day, uint8_t out[DIGEST_LEN], struct error *err)
{
    size_t len = secret_len(key->secret_key);
    CLEANUP(secret_free_p) struct secret *start = secret_reserve(4 + len, err);
    if (start == NULL)
        return -1;
    memcpy(secret_bytes_mutable(start), "AWS4", 4);
    memcpy(secret_bytes_mutable(start) + 4, secret_bytes(key->secret_key), len);
    hmac_sha256(secret_bytes(start), secret_len(start), day, DAY_LEN, out);
    hmac_sha256(out, DIGEST_LEN, key->region, strlen(key->region), out);
    hmac_sha256(out, DIGEST_LEN, key->service, strlen(key->service), out);
    hmac_sha256(out, DIGEST_LEN, "aws4_request", strlen("aws4_request"), out);
    return 0;
}

int
aws_sigv4_sign(const struct aws_sigv4_key *key, const struct aws_sigv4_request *request, const char *date,
               struct buffer *authorization, struct error *err)
{
    CLEANUP(buffer_clear) struct buffer text = BUFFER_INIT(TEXT_CEILING);
    CLEANUP(buffer_clear) struct buffer name_list = BUFFER_INIT(TEXT_CEILING);
    struct aws_sigv4_pair headers[AWS_SIGV4_PAIRS_MAX];
    uint8_t signing[DIGEST_LEN], digest[DIGEST_LEN];
    char hex[HEX_LEN];

    if (sort_pairs(headers, request->headers, request->header_count, err) != 0 ||
        append_names(&name_list, headers, request->header_count, err) != 0)
        return -1;
    const char *names = buffer_text(&name_list, err);
    if (names == NULL || append_canonical(&text, request, headers, names, err) != 0)
        return -1;
    digest_sha256(text.data, text.len, digest);
    encoding_hex(digest, sizeof(digest), hex);
    buffer_consume(&text, text.len);
    if (buffer_printf(&text, err, ALGORITHM "\n%s\n%.*s/%s/%s/aws4_request\n%s", date, DAY_LEN, date, key->region,
                      key->service, hex) != 0 ||
        derive(key, date, signing, err) != 0)
        return -1;
    hmac_sha256(signing, sizeof(signing), text.data, text.len, digest);
    secret_zero(signing, sizeof(signing));
    encoding_hex(digest, sizeof(digest), hex);
    return buffer_printf(authorization, err,
                         ALGORITHM " Credential=%s/%.*s/%s/%s/aws4_request,SignedHeaders=%s,Signature=%s",
                         key->access_key_id, DAY_LEN, date, key->region, key->service, names, hex);
}
