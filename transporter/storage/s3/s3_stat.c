#include "common/base/error.h"
#include "transporter/storage/s3/s3_internal.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
read_length(const struct s3 *s3, const struct http_response *response, uint64_t *size, struct error *err)
{
    const char *text = http_response_header(response, "Content-Length");
    char *end = NULL;
    errno = 0;
    unsigned long long value = text != NULL && text[0] >= '0' && text[0] <= '9' ? strtoull(text, &end, 10) : 0;
    if (end == NULL || *end != '\0' || errno != 0)
        return FAIL(err, ERROR_FORMAT, 0, "%s does not tell the size of an object", s3->location.where);
    *size = value;
    return 0;
}

int
s3_stat_head(struct s3 *s3, const char *key, const char *version, struct s3_head *head, struct error *err)
{
    struct s3_request request = { .method = "HEAD", .key = key };
    struct http_response response;
    if (version != NULL && version[0] != '\0')
        s3_request_query(&request, "versionId", version);
    int failed = s3_request_run(s3, &request, &response, err);
    *head = (struct s3_head){ .version = "" };
    if (failed == 0)
        failed = read_length(s3, &response, &head->stat.size, err);
    if (failed == 0) {
        const char *modified = http_response_header(&response, "Last-Modified");
        const char *id = http_response_header(&response, "x-amz-version-id");
        const char *put_id = http_response_header(&response, "x-amz-meta-longhaul-put");
        time_t at = modified != NULL ? curl_getdate(modified, NULL) : (time_t)-1;
        head->stat.modified_ms = at == (time_t)-1 ? 0 : (int64_t)at * 1000;
        head->stat.lock_until_ms = s3_lock_of(&response, s3->location.lock_mode);
        snprintf(head->version, sizeof(head->version), "%s", id != NULL ? id : "");
        snprintf(head->put_id, sizeof(head->put_id), "%s", put_id != NULL ? put_id : "");
    }
    http_response_clear(&response);
    return failed;
}

int
s3_stat(struct storage *storage, const char *name, struct storage_stat *stat, struct error *err)
{
    struct s3 *s3 = s3_of(storage);
    char key[S3_KEY_LEN], version[S3_VERSION_LEN];
    struct s3_head head;
    s3_request_key(s3, name, key);
    if (s3_versions_choose(s3, key, version, err) != 0)
        return -1;
    if (s3_stat_head(s3, key, version, &head, err) != 0 &&
        (!s3_versions_hidden(s3, key, version, err) || s3_stat_head(s3, key, version, &head, err) != 0))
        return -1;
    *stat = head.stat;
    return 0;
}
