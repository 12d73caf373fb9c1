#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/storage/azure/azure_date.h"
#include "transporter/storage/azure/azure_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static enum azure_lock_mode
mode_of(const char *text)
{
    if (text != NULL && strcasecmp(text, "locked") == 0)
        return AZURE_LOCK_LOCKED;
    return text != NULL && strcasecmp(text, "unlocked") == 0 ? AZURE_LOCK_UNLOCKED : AZURE_LOCK_NONE;
}

static int
read_properties(const struct http_response *response, const char *name, struct azure_properties *out, struct error *err)
{
    const char *length = http_response_header(response, "Content-Length");
    const char *token = http_response_header(response, AZURE_TOKEN_HEADER);
    const char *hold = http_response_header(response, "x-ms-legal-hold");
    char *end;

    *out = (struct azure_properties){ .held = hold != NULL && strcasecmp(hold, "true") == 0 };
    if (length == NULL || length[0] < '0' || length[0] > '9')
        return FAIL(err, ERROR_FORMAT, 0, "the answer about %s tells no length", name);
    out->stat.size = strtoull(length, &end, 10);
    out->stat.modified_ms = azure_date_parse(http_response_header(response, "Last-Modified"));
    out->mode = mode_of(http_response_header(response, AZURE_MODE_HEADER));
    /* A date without a mode is not a lock that anybody keeps. */
    if (out->mode != AZURE_LOCK_NONE)
        out->stat.lock_until_ms = azure_date_parse(http_response_header(response, AZURE_UNTIL_HEADER));
    if (token != NULL)
        snprintf(out->token, sizeof(out->token), "%s", token);
    return 0;
}

int
azure_properties_get(struct azure *azure, const char *name, const char *version, struct azure_properties *out,
                     struct error *err)
{
    char blob[AZURE_BLOB_LEN], query[AZURE_XML_VERSION_LEN + 16];
    CLEANUP(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;

    azure_blob_name(azure, name, blob);
    snprintf(query, sizeof(query), "versionid=%s", version);
    const struct azure_call call = {
        .method = "HEAD", .what = "looking at", .name = name, .blob = blob, .query = version[0] != '\0' ? query : NULL
    };
    if (azure_request(azure, &call, &response, NULL, err) != 0)
        return -1;
    return read_properties(&response, name, out, err);
}

int
azure_stat(struct storage *storage, const char *name, struct storage_stat *stat, struct error *err)
{
    struct azure *azure = (struct azure *)storage;
    struct azure_properties properties;
    char version[AZURE_XML_VERSION_LEN];
    struct error why = ERROR_INIT;

    if (azure_version_choose(azure, name, version, &why) == 0 &&
        azure_properties_get(azure, name, version, &properties, &why) != 0 &&
        azure_version_left(azure, name, version, &why))
        azure_properties_get(azure, name, version, &properties, &why);
    if (!error_is_set(&why))
        *stat = properties.stat;
    return azure_pass(&why, err);
}
