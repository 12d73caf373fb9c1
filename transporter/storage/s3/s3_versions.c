#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/net/xml_scan.h"
#include "transporter/storage/s3/s3_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_CEILING ((size_t)8 << 20)
#define VERSIONS_MAX 100000
#define MARKER_LEN   2048

/* ListObjectVersions: keys in order, the versions of one from the newest to the oldest. */
struct versions_page {
    char key[S3_KEY_LEN];
    struct s3_version version;
    struct storage_stat stat;
    int (*visit)(struct versions_page *page, struct error *err); /* after each version */
    void *ctx;
    bool more, enough;
    char next_key[MARKER_LEN], next_version[S3_VERSION_LEN];
};

static int
copy_text(char *out, size_t size, const char *text, struct error *err)
{
    if (strlen(text) >= size)
        return FAIL(err, ERROR_FORMAT, 0, "a listing of versions with a text that is too long");
    snprintf(out, size, "%s", text);
    return 0;
}

static int
end_version(struct versions_page *page, bool marker, struct error *err)
{
    page->version.marker = marker;
    int failed = page->enough ? 0 : page->visit(page, err);
    page->key[0] = '\0';
    page->version.id[0] = '\0';
    page->stat = (struct storage_stat){ .size = 0 };
    return failed;
}

static int
on_versions_element(void *ctx, const char *path, const char *text, struct error *err)
{
    struct versions_page *page = ctx;
    static const char root[] = "ListVersionsResult/";
    if (strncmp(path, root, strlen(root)) != 0)
        return 0;
    path += strlen(root);
    const char *field = strchr(path, '/');
    if (field != NULL) {
        field++;
        if (strcmp(field, "Key") == 0)
            snprintf(page->key, sizeof(page->key), "%s", strlen(text) < sizeof(page->key) ? text : "");
        else if (strcmp(field, "VersionId") == 0)
            return copy_text(page->version.id, sizeof(page->version.id), text, err);
        else if (strcmp(field, "Size") == 0)
            page->stat.size = strtoull(text, NULL, 10);
        else if (strcmp(field, "LastModified") == 0 && clock_parse_ms(text, &page->stat.modified_ms) != 0)
            page->stat.modified_ms = 0;
        return 0;
    }
    if (strcmp(path, "Version") == 0 || strcmp(path, "DeleteMarker") == 0)
        return end_version(page, path[0] == 'D', err);
    if (strcmp(path, "IsTruncated") == 0)
        page->more = strcmp(text, "true") == 0;
    else if (strcmp(path, "NextKeyMarker") == 0)
        return copy_text(page->next_key, sizeof(page->next_key), text, err);
    else if (strcmp(path, "NextVersionIdMarker") == 0)
        return copy_text(page->next_version, sizeof(page->next_version), text, err);
    return 0;
}

/* Versions of one key follow each other: the last one with data is the first that was written. */
struct first_listing {
    const struct s3 *s3;
    storage_found_fn *found;
    void *ctx;
    char key[S3_KEY_LEN];
    struct storage_stat stat;
};

static int
tell_first(const struct first_listing *listing, struct error *err)
{
    const char *prefix = listing->s3->location.prefix;
    if (strncmp(listing->key, prefix, strlen(prefix)) != 0 || !storage_name_valid(listing->key + strlen(prefix)))
        return 0;
    return listing->found(listing->ctx, listing->key + strlen(prefix), &listing->stat, err);
}

static int
keep_first(struct versions_page *page, struct error *err)
{
    struct first_listing *listing = page->ctx;
    if (page->version.marker)
        return 0;
    if (strcmp(page->key, listing->key) != 0 && listing->key[0] != '\0' && tell_first(listing, err) != 0)
        return -1;
    memcpy(listing->key, page->key, sizeof(listing->key));
    listing->stat = page->stat;
    return 0;
}

int
s3_versions_read(struct s3 *s3, const void *xml, size_t len, storage_found_fn *found, void *ctx, struct error *err)
{
    CLEANUP(memory_free_p) struct versions_page *page = MEMORY_NEW(struct versions_page);
    struct first_listing listing = { .s3 = s3, .found = found, .ctx = ctx };
    page->visit = keep_first;
    page->ctx = &listing;
    return xml_scan(xml, len, on_versions_element, page, err);
}

static int
read_page(struct s3 *s3, struct versions_page *page, const char *prefix, struct error *err)
{
    CLEANUP(memory_free_p) char *from_key = memory_strdup(page->next_key);
    CLEANUP(memory_free_p) char *from_version = memory_strdup(page->next_version);
    struct http_response response;
    struct s3_request request = { .method = "GET", .ceiling = PAGE_CEILING };
    s3_request_query(&request, "versions", "");
    s3_request_query(&request, "prefix", prefix);
    if (from_key[0] != '\0')
        s3_request_query(&request, "key-marker", from_key);
    if (from_version[0] != '\0')
        s3_request_query(&request, "version-id-marker", from_version);
    page->next_key[0] = page->next_version[0] = '\0';
    page->more = false;
    int failed = s3_request_run(s3, &request, &response, err);
    if (failed == 0)
        failed = xml_scan(response.body.data, response.body.len, on_versions_element, page, err);
    if (failed == 0 && page->more &&
        (page->next_key[0] == '\0' ||
         (strcmp(page->next_key, from_key) == 0 && strcmp(page->next_version, from_version) == 0)))
        failed = FAIL(err, ERROR_FORMAT, 0, "%s: a listing that is cut off and does not go on", s3->location.where);
    http_response_clear(&response);
    return failed;
}

static int
read_pages(struct s3 *s3, struct versions_page *page, const char *prefix, struct error *err)
{
    do
        if (read_page(s3, page, prefix, err) != 0)
            return -1;
    while (page->more && !page->enough);
    return 0;
}

struct collection {
    const char *key;
    struct s3_version *versions;
    size_t count, capacity;
};

static int
collect(struct versions_page *page, struct error *err)
{
    struct collection *all = page->ctx;
    if (strcmp(page->key, all->key) != 0) {
        page->enough = page->key[0] != '\0'; /* the key itself comes before all that begin with it */
        return 0;
    }
    if (all->count == VERSIONS_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "an object has more than %d versions", VERSIONS_MAX);
    if (all->count == all->capacity) {
        size_t capacity = all->capacity == 0 ? 4 : 2 * all->capacity;
        struct s3_version *more = memory_array(capacity, sizeof(*more), 2 * VERSIONS_MAX * sizeof(*more), err);
        if (more == NULL)
            return -1;
        if (all->count > 0)
            memcpy(more, all->versions, all->count * sizeof(*more));
        free(all->versions);
        all->versions = more;
        all->capacity = capacity;
    }
    all->versions[all->count++] = page->version;
    return 0;
}

int
s3_versions_of(struct s3 *s3, const char *key, struct s3_version **versions, size_t *count, struct error *err)
{
    CLEANUP(memory_free_p) struct versions_page *page = MEMORY_NEW(struct versions_page);
    struct collection all = { .key = key };
    page->visit = collect;
    page->ctx = &all;
    if (read_pages(s3, page, key, err) != 0) {
        free(all.versions);
        return -1;
    }
    *versions = all.versions;
    *count = all.count;
    return 0;
}

int
s3_versions_first(struct s3 *s3, const char *key, char version[S3_VERSION_LEN], struct error *err)
{
    CLEANUP(memory_free_p) struct s3_version *versions = NULL;
    size_t count = 0;
    if (s3_versions_of(s3, key, &versions, &count, err) != 0)
        return -1;
    for (size_t i = count; i-- > 0;) {
        if (!versions[i].marker) {
            memcpy(version, versions[i].id, S3_VERSION_LEN);
            return 0;
        }
    }
    return FAIL(err, ERROR_NOT_FOUND, 404, "%s has no object %s", s3->location.where, s3_request_name(s3, key));
}

int
s3_versions_choose(struct s3 *s3, const char *key, char version[S3_VERSION_LEN], struct error *err)
{
    version[0] = '\0';
    return s3->location.first_versions && s3->versioned ? s3_versions_first(s3, key, version, err) : 0;
}

bool
s3_versions_hidden(struct s3 *s3, const char *key, char version[S3_VERSION_LEN], struct error *err)
{
    struct error ignored = ERROR_INIT;
    if (err->kind != ERROR_NOT_FOUND || s3->location.first_versions ||
        (s3->storage.features & STORAGE_HAS_LOCKS) == 0 || s3_versions_first(s3, key, version, &ignored) != 0)
        return false;
    error_clear(err);
    return true;
}

int
s3_versions_list(struct s3 *s3, const char *prefix, storage_found_fn *found, void *ctx, struct error *err)
{
    CLEANUP(memory_free_p) struct versions_page *page = MEMORY_NEW(struct versions_page);
    struct first_listing listing = { .s3 = s3, .found = found, .ctx = ctx };
    page->visit = keep_first;
    page->ctx = &listing;
    if (read_pages(s3, page, prefix, err) != 0)
        return -1;
    return listing.key[0] != '\0' ? tell_first(&listing, err) : 0;
}
