#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/storage/azure/azure_internal.h"

#include <ctype.h>
#include <string.h>

#define PAGE         1000
#define PAGE_CEILING ((size_t)16 << 20)
#define QUERY_LIMIT  ((size_t)32 << 10)

static int
append_encoded(struct buffer *out, const char *text, struct error *err)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        bool plain = c < 0x80 && (isalnum(c) || strchr("-._~", c) != NULL);
        if ((plain ? buffer_append(out, text, 1, err) : buffer_printf(out, err, "%%%02X", c)) != 0)
            return -1;
    }
    return 0;
}

static int
make_query(struct buffer *out, const char *prefix, const char *include, unsigned page, const char *marker,
           struct error *err)
{
    if (buffer_printf(out, err, "restype=container&comp=list&maxresults=%u&prefix=", page) != 0 ||
        append_encoded(out, prefix, err) != 0)
        return -1;
    if (include[0] != '\0' &&
        (buffer_append_text(out, "&include=", err) != 0 || append_encoded(out, include, err) != 0))
        return -1;
    if (marker[0] != '\0' && (buffer_append_text(out, "&marker=", err) != 0 || append_encoded(out, marker, err) != 0))
        return -1;
    return buffer_text(out, err) != NULL ? 0 : -1;
}

int
azure_list_blobs(struct azure *azure, const char *prefix, const char *include, unsigned page, azure_xml_found_fn *found,
                 void *ctx, struct error *err)
{
    char marker[AZURE_XML_MARKER_LEN] = "", before[AZURE_XML_MARKER_LEN];

    do {
        CLEANUP(buffer_clear) struct buffer query = BUFFER_INIT(QUERY_LIMIT);
        CLEANUP(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
        if (make_query(&query, prefix, include, page, marker, err) != 0)
            return -1;
        const struct azure_call call = {
            .method = "GET", .what = "listing", .query = (const char *)query.data, .body_ceiling = PAGE_CEILING
        };
        memcpy(before, marker, sizeof(before));
        if (azure_request(azure, &call, &response, NULL, err) != 0 ||
            azure_xml_blobs(response.body.data, response.body.len, found, ctx, marker, err) != 0)
            return -1;
        if (marker[0] != '\0' && strcmp(before, marker) == 0)
            return FAIL(err, ERROR_FORMAT, 0, "storage %s/%s lists the same page again and again", azure->account,
                        azure->container);
    } while (marker[0] != '\0');
    return 0;
}

/* Versions of one name follow each other, the oldest first: an object is told when the next name comes. */
struct listing {
    const struct azure *azure;
    storage_found_fn *found;
    void *ctx;
    char name[STORAGE_NAME_LEN]; /* "" before the first */
    struct storage_stat stat;
};

static int
tell(struct listing *listing, struct error *err)
{
    return listing->name[0] == '\0' ? 0 : listing->found(listing->ctx, listing->name, &listing->stat, err);
}

static int
on_list_object(void *ctx, const struct azure_xml_blob *blob, struct error *err)
{
    struct listing *listing = ctx;
    size_t skip = strlen(listing->azure->prefix);

    if (strncmp(blob->name, listing->azure->prefix, skip) != 0 || strlen(blob->name + skip) >= STORAGE_NAME_LEN ||
        !storage_name_valid(blob->name + skip))
        return 0;
    bool same = strcmp(listing->name, blob->name + skip) == 0;
    if (same && (!blob->current || listing->azure->first_versions))
        return 0;
    if (!same) {
        if (tell(listing, err) != 0)
            return -1;
        memcpy(listing->name, blob->name + skip, strlen(blob->name + skip) + 1);
    }
    listing->stat = (struct storage_stat){ .size = blob->size, .modified_ms = blob->modified_ms };
    return 0;
}

int
azure_list(struct storage *storage, const char *prefix, storage_found_fn *found, void *ctx, struct error *err)
{
    struct azure *azure = (struct azure *)storage;
    struct listing listing = { .azure = azure, .found = found, .ctx = ctx };
    const char *include = azure->lock_mode != AZURE_LOCK_NONE || azure->first_versions ? "versions" : "";
    char below[AZURE_BLOB_LEN + 1];

    azure_blob_name(azure, prefix, below);
    memcpy(below + strlen(below), "/", 2);
    if (azure_list_blobs(azure, below, include, PAGE, on_list_object, &listing, err) != 0)
        return -1;
    return tell(&listing, err);
}

struct versions {
    const char *blob;
    azure_xml_found_fn *found;
    void *ctx;
};

static int
on_list_version(void *ctx, const struct azure_xml_blob *blob, struct error *err)
{
    const struct versions *versions = ctx;
    return strcmp(blob->name, versions->blob) == 0 ? versions->found(versions->ctx, blob, err) : 0;
}

int
azure_list_versions(struct azure *azure, const char *name, azure_xml_found_fn *found, void *ctx, struct error *err)
{
    char blob[AZURE_BLOB_LEN];
    struct versions versions = { .blob = blob, .found = found, .ctx = ctx };

    azure_blob_name(azure, name, blob);
    return azure_list_blobs(azure, blob, "versions,immutabilitypolicy,legalhold", PAGE, on_list_version, &versions,
                            err);
}

/* Versions are named by their time, so the smallest is the oldest. */
static int
on_list_oldest(void *ctx, const struct azure_xml_blob *blob, struct error *err)
{
    char *version = ctx;
    (void)err;
    if (blob->version[0] != '\0' && (version[0] == '\0' || strcmp(blob->version, version) < 0))
        memcpy(version, blob->version, AZURE_XML_VERSION_LEN);
    return 0;
}

int
azure_version_choose(struct azure *azure, const char *name, char version[AZURE_XML_VERSION_LEN], struct error *err)
{
    version[0] = '\0';
    return azure->first_versions ? azure_list_versions(azure, name, on_list_oldest, version, err) : 0;
}

bool
azure_version_left(struct azure *azure, const char *name, char version[AZURE_XML_VERSION_LEN], struct error *why)
{
    struct error failed = ERROR_INIT;

    if (why->kind != ERROR_NOT_FOUND || azure->lock_mode == AZURE_LOCK_NONE)
        return false;
    version[0] = '\0';
    if (azure_list_versions(azure, name, on_list_oldest, version, &failed) != 0) {
        *why = failed;
        return false;
    }
    if (version[0] == '\0')
        return false;
    error_clear(why);
    return true;
}
