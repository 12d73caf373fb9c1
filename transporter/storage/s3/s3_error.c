#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/net/xml_scan.h"
#include "transporter/graph/graph_retry.h"
#include "transporter/storage/s3/s3_internal.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct answer {
    char code[S3_CODE_LEN];
    char region[S3_CODE_LEN];
};

struct meaning {
    const char *code;
    enum error_kind kind;
    const char *text;
};

static const struct meaning by_code[] = {
    { "NoSuchBucket", ERROR_CONFIG, "the bucket does not exist" },
    { "InvalidBucketName", ERROR_CONFIG, "the bucket does not exist" },
    { "InvalidAccessKeyId", ERROR_UNAUTHENTICATED, "the access key id is not known there" },
    { "SignatureDoesNotMatch", ERROR_UNAUTHENTICATED, "the secret access key is wrong" },
    { "ExpiredToken", ERROR_UNAUTHENTICATED, "the session token has expired" },
    { "InvalidToken", ERROR_UNAUTHENTICATED, "the session token is wrong" },
    { "QuotaExceeded", ERROR_NO_SPACE, "the quota is used up" },
    { "InsufficientCapacity", ERROR_NO_SPACE, "the storage is full" },
    { "XMinioStorageFull", ERROR_NO_SPACE, "the storage is full" },
    { "BadDigest", ERROR_NETWORK, "bytes were damaged on their way" },
    { "InvalidDigest", ERROR_NETWORK, "bytes were damaged on their way" },
    { "XAmzContentSHA256Mismatch", ERROR_NETWORK, "bytes were damaged on their way" },
    { "XAmzContentChecksumMismatch", ERROR_NETWORK, "bytes were damaged on their way" },
    { "IncompleteBody", ERROR_NETWORK, "bytes were lost on their way" },
    { "RequestTimeout", ERROR_TIMEOUT, "bytes did not arrive in time" },
    { "SlowDown", ERROR_THROTTLED, "asks for fewer requests" },
    { "Throttling", ERROR_THROTTLED, "asks for fewer requests" },
    { "RequestLimitExceeded", ERROR_THROTTLED, "asks for fewer requests" },
    { "ConditionalRequestConflict", ERROR_CONFLICT, "somebody else writes the same object" },
    { "OperationAborted", ERROR_CONFLICT, "another operation on the same object is under way" },
    { "InvalidObjectState", ERROR_CONFIG,
      "the object lies in an archive class: restore it to a class that can be read" },
    { "EntityTooLarge", ERROR_LIMIT, "the object is larger than the storage takes" },
    { "NoSuchUpload", ERROR_NOT_FOUND, "the upload is gone" },
};

static const struct meaning by_status[] = {
    { "401", ERROR_UNAUTHENTICATED, "the credentials are not accepted" },
    { "403", ERROR_DENIED, "the access key is not allowed to do that: check its policy" },
    { "405", ERROR_UNSUPPORTED, "does not offer that operation" },
    { "408", ERROR_TIMEOUT, "bytes did not arrive in time" },
    { "409", ERROR_CONFLICT, "another operation is under way" },
    { "416", ERROR_CORRUPT, "the object is shorter than what refers to it: it was cut off" },
    { "429", ERROR_THROTTLED, "asks for fewer requests" },
    { "501", ERROR_UNSUPPORTED, "does not offer that operation" },
    { "503", ERROR_THROTTLED, "asks for fewer requests" },
    { "507", ERROR_NO_SPACE, "the storage is full" },
};

static int
on_error_element(void *ctx, const char *path, const char *text, struct error *err)
{
    (void)err;
    struct answer *answer = ctx;
    if (strcmp(path, "Error/Code") == 0)
        snprintf(answer->code, sizeof(answer->code), "%s", text);
    else if (strcmp(path, "Error/Region") == 0)
        snprintf(answer->region, sizeof(answer->region), "%s", text);
    return 0;
}

/* What goes into an operator's line: letters and digits only, whatever the peer sent. */
static void
keep_word(char *text)
{
    text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")] = '\0';
}

static void
read_answer(const struct http_response *response, struct answer *answer)
{
    const char *region = http_response_header(response, "x-amz-bucket-region");
    *answer = (struct answer){ .code = "" };
    if (response->body.len > 0)
        (void)xml_scan(response->body.data, response->body.len, on_error_element, answer, NULL);
    if (region != NULL)
        snprintf(answer->region, sizeof(answer->region), "%s", region);
    keep_word(answer->code);
    keep_word(answer->region);
}

void
s3_error_code(const struct http_response *response, char out[S3_CODE_LEN])
{
    struct answer answer;
    read_answer(response, &answer);
    memcpy(out, answer.code, S3_CODE_LEN);
}

static int
fail_skewed(const struct s3 *s3, const struct http_response *response, struct error *err)
{
    const char *date = http_response_header(response, "Date");
    time_t theirs = date != NULL ? curl_getdate(date, NULL) : (time_t)-1;
    if (theirs == (time_t)-1)
        return FAIL(err, ERROR_CONFIG, response->status,
                    "%s: the clocks differ too much: set this machine's clock (NTP)", s3->location.where);
    long long off = (long long)(clock_wall_ms(s3->clock) / 1000) - (long long)theirs;
    return FAIL(err, ERROR_CONFIG, response->status,
                "%s: this machine's clock is %lld s %s of the storage's: set it (NTP)", s3->location.where, llabs(off),
                off < 0 ? "behind" : "ahead");
}

static const struct meaning *
find(const struct meaning *table, size_t count, const char *code)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i].code, code) == 0)
            return &table[i];
    return NULL;
}

static int
fail_object(const struct s3 *s3, const struct s3_request *request, const struct http_response *response,
            struct error *err)
{
    const char *where = s3->location.where, *name = s3_request_name(s3, request->key);
    if (response->status == 412)
        return FAIL(err, ERROR_EXISTS, 412, "%s already has an object %s", where, name);
    return FAIL(err, ERROR_NOT_FOUND, response->status, "%s has no object %s", where, name);
}

int
s3_error_fail(const struct s3 *s3, const struct s3_request *request, const struct http_response *response,
              struct error *err)
{
    const char *where = s3->location.where;
    struct answer answer;
    char status[12];
    read_answer(response, &answer);
    snprintf(status, sizeof(status), "%d", response->status);
    if (strcmp(answer.code, "RequestTimeTooSkewed") == 0)
        return fail_skewed(s3, response, err);
    if (answer.region[0] != '\0' && strcmp(answer.region, s3->location.region) != 0 &&
        (response->status == 301 || response->status == 400 || response->status == 307))
        return FAIL(err, ERROR_CONFIG, response->status, "%s is in region %s, not in %s: correct the region", where,
                    answer.region, s3->location.region);
    if (response->status == 301 || strcmp(answer.code, "AuthorizationHeaderMalformed") == 0)
        return FAIL(err, ERROR_CONFIG, response->status, "%s must be reached by another region or endpoint than %s",
                    where, s3->location.region);
    const struct meaning *meaning = find(by_code, ARRAY_LEN(by_code), answer.code);
    if (meaning == NULL && request->key != NULL && (response->status == 404 || response->status == 412))
        return fail_object(s3, request, response, err);
    if (meaning == NULL)
        meaning = find(by_status, ARRAY_LEN(by_status), status);
    enum error_kind kind = meaning != NULL           ? meaning->kind
                           : response->status >= 500 ? ERROR_UNAVAILABLE
                           : response->status == 404 ? ERROR_NOT_FOUND
                                                     : ERROR_UNSUPPORTED;
    FAIL(err, kind, response->status, "%s: %s%s%s (%s %s, HTTP %d)", where,
         request->key != NULL ? s3_request_name(s3, request->key) : "", request->key != NULL ? ": " : "",
         meaning != NULL ? meaning->text : "the request was not carried out", request->method,
         answer.code[0] != '\0' ? answer.code : "without a reason", response->status);
    if (kind == ERROR_THROTTLED || kind == ERROR_UNAVAILABLE)
        err->retry_after_ms = graph_retry_hint(response, clock_wall_ms(s3->clock)).retry_after_ms;
    return -1;
}
