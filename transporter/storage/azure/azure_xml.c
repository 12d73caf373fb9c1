#include "transporter/storage/azure/azure_xml.h"

#include "common/base/error.h"
#include "common/net/xml_scan.h"
#include "transporter/storage/azure/azure_date.h"

#include <stdlib.h>
#include <string.h>

#define ROOT "EnumerationResults"
#define BLOB ROOT "/Blobs/Blob"

struct listing {
    struct azure_xml_blob blob;
    bool usable, seen;
    char *marker;
    azure_xml_found_fn *found;
    void *ctx;
};

static void
begin_blob(struct listing *listing)
{
    memset(&listing->blob, 0, sizeof(listing->blob));
    listing->usable = true;
}

static bool
keep(char *out, size_t size, const char *text)
{
    size_t len = strlen(text);

    if (len >= size)
        return false;
    memcpy(out, text, len + 1);
    return true;
}

/* It goes into URLs as it is. */
static bool
keep_version(struct azure_xml_blob *blob, const char *text)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:.-_";
    return strspn(text, letters) == strlen(text) && keep(blob->version, sizeof(blob->version), text);
}

static bool
keep_size(struct azure_xml_blob *blob, const char *text)
{
    char *end;
    unsigned long long n = strtoull(text, &end, 10);

    blob->size = n;
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && n <= INT64_MAX;
}

/* A part of a blob; its path starts below BLOB. */
static void
take_part(struct listing *listing, const char *part, const char *text)
{
    struct azure_xml_blob *blob = &listing->blob;
    bool good = true;

    if (strcmp(part, "Name") == 0)
        good = keep(blob->name, sizeof(blob->name), text);
    else if (strcmp(part, "VersionId") == 0)
        good = keep_version(blob, text);
    else if (strcmp(part, "IsCurrentVersion") == 0)
        blob->current = strcmp(text, "true") == 0;
    else if (strcmp(part, "Properties/Content-Length") == 0)
        good = keep_size(blob, text);
    else if (strcmp(part, "Properties/Last-Modified") == 0)
        blob->modified_ms = azure_date_parse(text);
    else if (strcmp(part, "Properties/ImmutabilityPolicyUntilDate") == 0)
        blob->lock_until_ms = azure_date_parse(text);
    else if (strcmp(part, "Properties/LegalHold") == 0)
        blob->held = strcmp(text, "true") == 0;
    listing->usable = listing->usable && good;
}

static int
on_scan_element(void *ctx, const char *path, const char *text, struct error *err)
{
    struct listing *listing = ctx;

    if (strcmp(path, BLOB) == 0) {
        bool tell = listing->usable && listing->blob.name[0] != '\0';
        int stopped = tell ? listing->found(listing->ctx, &listing->blob, err) : 0;
        begin_blob(listing);
        return stopped;
    }
    if (strncmp(path, BLOB "/", strlen(BLOB "/")) == 0)
        take_part(listing, path + strlen(BLOB "/"), text);
    else if (strcmp(path, ROOT "/NextMarker") == 0 && !keep(listing->marker, AZURE_XML_MARKER_LEN, text))
        return FAIL(err, ERROR_LIMIT, 0, "the list of blobs goes on at a place whose name is too long");
    listing->seen |= strcmp(path, ROOT) == 0;
    return 0;
}

int
azure_xml_blobs(const void *data, size_t len, azure_xml_found_fn *found, void *ctx, char marker[AZURE_XML_MARKER_LEN],
                struct error *err)
{
    struct listing listing = { .marker = marker, .found = found, .ctx = ctx };

    marker[0] = '\0';
    begin_blob(&listing);
    if (xml_scan(data, len, on_scan_element, &listing, err) != 0)
        return -1;
    return listing.seen ? 0 : FAIL(err, ERROR_FORMAT, 0, "the answer is not a list of blobs");
}
