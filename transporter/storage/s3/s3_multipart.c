#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/net/xml_scan.h"
#include "transporter/storage/s3/s3_internal.h"
#include "transporter/storage/storage_retry.h"

#include <stdio.h>
#include <string.h>

#define PART_MIN    ((uint64_t)8 << 20)
#define PARTS_MAX   10000
#define SIZE_MAX_S3 ((uint64_t)5 << 40)
#define STARTS_MAX  3

struct part {
    char etag[S3_ETAG_LEN];
    char sha256_base64[45];
};

struct upload {
    struct s3 *s3;
    const struct s3_put_order *order;
    char id[S3_UPLOAD_ID_LEN];
    uint64_t part_size;
    size_t part_count;
    struct part *parts;
};

static int
on_created_element(void *ctx, const char *path, const char *text, struct error *err)
{
    struct upload *upload = ctx;
    if (strcmp(path, "InitiateMultipartUploadResult/UploadId") != 0)
        return 0;
    if (text[0] == '\0' || strlen(text) >= sizeof(upload->id))
        return FAIL(err, ERROR_FORMAT, 0, "an upload without a usable id");
    snprintf(upload->id, sizeof(upload->id), "%s", text);
    return 0;
}

static int
start(struct upload *upload, struct error *err)
{
    struct http_response response;
    struct s3_request request = { .method = "POST", .key = upload->order->key };
    s3_request_query(&request, "uploads", "");
    s3_put_headers(upload->s3, upload->order, &request);
    s3_request_header(&request, "x-amz-checksum-algorithm", "SHA256");
    int failed = s3_request_run(upload->s3, &request, &response, err);
    if (failed == 0)
        failed = xml_scan(response.body.data, response.body.len, on_created_element, upload, err);
    if (failed == 0 && upload->id[0] == '\0')
        failed = FAIL(err, ERROR_FORMAT, 0, "%s starts an upload without an id", upload->s3->location.where);
    http_response_clear(&response);
    return failed;
}

static int
send_part(void *ctx, size_t index, struct error *err)
{
    struct upload *upload = ctx;
    const struct storage_content *content = upload->order->content;
    struct part *part = &upload->parts[index];
    uint64_t offset = index * upload->part_size, left = content->size - offset;
    uint64_t len = left < upload->part_size ? left : upload->part_size;
    struct s3_hash hash;
    struct http_response response;
    char number[12];

    if (s3_hash_content(content, offset, len, false, &hash, err) != 0)
        return -1;
    snprintf(number, sizeof(number), "%zu", index + 1);
    struct s3_request request = { .method = "PUT",
                                  .key = upload->order->key,
                                  .content = content,
                                  .offset = offset,
                                  .len = len,
                                  .sha256 = hash.sha256 };
    s3_request_query(&request, "partNumber", number);
    s3_request_query(&request, "uploadId", upload->id);
    s3_request_header(&request, "x-amz-checksum-sha256", hash.sha256_base64);
    int failed = s3_request_run(upload->s3, &request, &response, err);
    const char *etag = failed == 0 ? http_response_header(&response, "ETag") : NULL;
    if (failed == 0 && (etag == NULL || strlen(etag) >= sizeof(part->etag) || strpbrk(etag, "<>&") != NULL))
        failed = FAIL(err, ERROR_FORMAT, 0, "%s takes a part without a usable ETag", upload->s3->location.where);
    if (failed == 0) {
        snprintf(part->etag, sizeof(part->etag), "%s", etag);
        memcpy(part->sha256_base64, hash.sha256_base64, sizeof(part->sha256_base64));
    }
    http_response_clear(&response);
    return failed;
}

static int
list_parts(const struct upload *upload, struct buffer *xml, struct error *err)
{
    if (buffer_append_text(xml, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">", err) !=
        0)
        return -1;
    for (size_t i = 0; i < upload->part_count; i++)
        if (buffer_printf(xml, err,
                          "<Part><ChecksumSHA256>%s</ChecksumSHA256><ETag>%s</ETag><PartNumber>%zu</PartNumber></Part>",
                          upload->parts[i].sha256_base64, upload->parts[i].etag, i + 1) != 0)
            return -1;
    return buffer_append_text(xml, "</CompleteMultipartUpload>", err);
}

static int
on_completed_element(void *ctx, const char *path, const char *text, struct error *err)
{
    (void)text;
    (void)err;
    if (strcmp(path, "CompleteMultipartUploadResult") == 0)
        *(bool *)ctx = true;
    return 0;
}

/* AWS answers 200 before it is done: what counts is the document. */
static int
check_completed(const struct upload *upload, const struct s3_request *request, struct http_response *response,
                struct error *err)
{
    bool completed = false;
    if (xml_scan(response->body.data, response->body.len, on_completed_element, &completed, err) != 0)
        return -1;
    if (completed)
        return 0;
    response->status = 500;
    return s3_error_fail(upload->s3, request, response, err);
}

static int
send_complete(struct upload *upload, const struct storage_content *xml, char version[S3_VERSION_LEN], struct error *err)
{
    struct s3_hash hash;
    struct http_response response;
    if (s3_hash_content(xml, 0, xml->size, false, &hash, err) != 0)
        return -1;
    struct s3_request request = {
        .method = "POST", .key = upload->order->key, .content = xml, .len = xml->size, .sha256 = hash.sha256
    };
    s3_request_query(&request, "uploadId", upload->id);
    s3_put_condition(upload->s3, &request);
    int failed = s3_request_try(upload->s3, &request, &response, err);
    if (failed == 0)
        failed = check_completed(upload, &request, &response, err);
    const char *id = failed == 0 ? http_response_header(&response, "x-amz-version-id") : NULL;
    snprintf(version, S3_VERSION_LEN, "%s", id != NULL ? id : "");
    http_response_clear(&response);
    return failed;
}

static int
complete(struct upload *upload, char version[S3_VERSION_LEN], struct error *err)
{
    CLEANUP(buffer_clear) struct buffer xml = BUFFER_INIT((size_t)4 << 20);
    if (list_parts(upload, &xml, err) != 0)
        return -1;
    const struct storage_content content = { .data = xml.data, .fd = -1, .size = xml.len };
    struct storage_retry retry;
    storage_retry_begin(&retry, upload->s3->clock, upload->s3->location.tries);
    do
        if (send_complete(upload, &content, version, err) == 0)
            return 0;
    while (err->kind != ERROR_CONFLICT && storage_retry_again(&retry, err));
    if (!s3_put_is_ours(upload->s3, upload->order, NULL, version))
        return -1;
    error_clear(err);
    return 0;
}

/* The parts of an upload that nobody ends are stored, and paid for, unseen. */
static void
abandon(const struct upload *upload)
{
    struct error ignored = ERROR_INIT;
    struct http_response response;
    struct s3_request request = { .method = "DELETE", .key = upload->order->key };
    s3_request_query(&request, "uploadId", upload->id);
    (void)s3_request_run(upload->s3, &request, &response, &ignored);
    http_response_clear(&response);
}

static int
put_once(struct upload *upload, char version[S3_VERSION_LEN], struct error *err)
{
    upload->id[0] = '\0';
    if (start(upload, err) != 0)
        return -1;
    if (s3_parallel_run(upload->s3, upload->part_count, send_part, upload, err) == 0 &&
        complete(upload, version, err) == 0)
        return 0;
    abandon(upload);
    return -1;
}

int
s3_multipart_put(struct s3 *s3, const struct s3_put_order *order, char version[S3_VERSION_LEN], struct error *err)
{
    uint64_t size = order->content->size;
    struct upload upload = { .s3 = s3, .order = order, .part_size = PART_MIN };
    if (size > SIZE_MAX_S3)
        return FAIL(err, ERROR_LIMIT, 0, "%s: an object has at most 5 TiB", s3->location.where);
    while (upload.part_size * PARTS_MAX < size)
        upload.part_size *= 2;
    upload.part_count = (size_t)((size + upload.part_size - 1) / upload.part_size);
    CLEANUP(memory_free_p)
    struct part *parts = memory_array(upload.part_count, sizeof(*parts), PARTS_MAX * sizeof(*parts), err);
    if (parts == NULL)
        return -1;
    upload.parts = parts;
    for (int starts = 1;; starts++) {
        if (put_once(&upload, version, err) == 0)
            return 0;
        /* Somebody wrote the name at the same time: AWS wants the upload to start again. */
        if (err->kind != ERROR_CONFLICT || starts == STARTS_MAX)
            return -1;
        error_clear(err);
        if (s3_put_absent(s3, order->key, err) != 0)
            return -1;
    }
}
