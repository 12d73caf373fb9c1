#include "common/base/buffer.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/net/xml_scan.h"
#include "transporter/storage/s3/s3_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_CEILING ((size_t)8 << 20)
#define TOKEN_LEN    4096

struct page {
    const struct s3 *s3;
    storage_found_fn *found; /* NULL: count only */
    void *ctx;
    char key[S3_KEY_LEN]; /* "" when it is longer than any of ours */
    struct storage_stat stat;
    size_t count;
    bool more;
    char token[TOKEN_LEN];
};

static int
tell_object(struct page *page, struct error *err)
{
    const char *prefix = page->s3->location.prefix;
    page->count++;
    /* What others put there is none of our business. */
    if (page->found == NULL || strncmp(page->key, prefix, strlen(prefix)) != 0 ||
        !storage_name_valid(page->key + strlen(prefix)))
        return 0;
    return page->found(page->ctx, page->key + strlen(prefix), &page->stat, err);
}

static int
on_page_element(void *ctx, const char *path, const char *text, struct error *err)
{
    struct page *page = ctx;
    if (strcmp(path, "ListBucketResult/Contents/Key") == 0) {
        snprintf(page->key, sizeof(page->key), "%s", strlen(text) < sizeof(page->key) ? text : "");
    } else if (strcmp(path, "ListBucketResult/Contents/Size") == 0) {
        page->stat.size = strtoull(text, NULL, 10);
    } else if (strcmp(path, "ListBucketResult/Contents/LastModified") == 0) {
        if (clock_parse_ms(text, &page->stat.modified_ms) != 0)
            page->stat.modified_ms = 0;
    } else if (strcmp(path, "ListBucketResult/Contents") == 0) {
        int failed = tell_object(page, err);
        page->key[0] = '\0';
        page->stat = (struct storage_stat){ .size = 0 };
        return failed;
    } else if (strcmp(path, "ListBucketResult/IsTruncated") == 0) {
        page->more = strcmp(text, "true") == 0;
    } else if (strcmp(path, "ListBucketResult/NextContinuationToken") == 0) {
        if (strlen(text) >= sizeof(page->token))
            return FAIL(err, ERROR_FORMAT, 0, "a listing goes on with a token that is too long");
        snprintf(page->token, sizeof(page->token), "%s", text);
    }
    return 0;
}

int
s3_list_read(const struct s3 *s3, const void *xml, size_t len, storage_found_fn *found, void *ctx, struct error *err)
{
    CLEANUP(memory_free_p) struct page *page = MEMORY_NEW(struct page);
    page->s3 = s3;
    page->found = found;
    page->ctx = ctx;
    return xml_scan(xml, len, on_page_element, page, err);
}

/* One page; the token is the last one's and becomes the next one's. */
static int
list_page(struct s3 *s3, struct page *page, const char *prefix, const char *limit, struct error *err)
{
    CLEANUP(memory_free_p) char *token = memory_strdup(page->token);
    struct http_response response;
    struct s3_request request = { .method = "GET", .ceiling = PAGE_CEILING };
    s3_request_query(&request, "list-type", "2");
    s3_request_query(&request, "prefix", prefix);
    if (limit != NULL)
        s3_request_query(&request, "max-keys", limit);
    if (token[0] != '\0')
        s3_request_query(&request, "continuation-token", token);
    page->token[0] = '\0';
    page->more = false;
    int failed = s3_request_run(s3, &request, &response, err);
    if (failed == 0)
        failed = xml_scan(response.body.data, response.body.len, on_page_element, page, err);
    if (failed == 0 && page->more && (page->token[0] == '\0' || strcmp(page->token, token) == 0))
        failed = FAIL(err, ERROR_FORMAT, 0, "%s: a listing that is cut off and does not go on", s3->location.where);
    http_response_clear(&response);
    return failed;
}

int
s3_list(struct storage *storage, const char *prefix, storage_found_fn *found, void *ctx, struct error *err)
{
    struct s3 *s3 = s3_of(storage);
    CLEANUP(memory_free_p) char *below = memory_printf("%s%s/", s3->location.prefix, prefix);
    /* Where objects are locked, what somebody hid is there all the same. */
    if (s3->location.first_versions || (s3->storage.features & STORAGE_HAS_LOCKS) != 0)
        return s3_versions_list(s3, below, found, ctx, err);
    CLEANUP(memory_free_p) struct page *page = MEMORY_NEW(struct page);
    page->s3 = s3;
    page->found = found;
    page->ctx = ctx;
    do
        if (list_page(s3, page, below, NULL, err) != 0)
            return -1;
    while (page->more);
    return 0;
}

int
s3_list_any(struct s3 *s3, bool *any, struct error *err)
{
    CLEANUP(memory_free_p) struct page *page = MEMORY_NEW(struct page);
    page->s3 = s3;
    int failed = list_page(s3, page, s3->location.prefix, "1", err);
    *any = page->count > 0;
    return failed;
}
