#include "transporter/storage/s3/s3_location.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"

#include <stdlib.h>
#include <string.h>

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static const char *
text_of(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

static int
need(const json_t *json, const char *name, const char *allowed, size_t max, const char **value, struct error *err)
{
    *value = text_of(json, name);
    if (*value == NULL || **value == '\0')
        return FAIL(err, ERROR_CONFIG, 0, "S3 storage needs \"%s\"", name);
    if (strlen(*value) > max || (*value)[strspn(*value, allowed)] != '\0')
        return FAIL(err, ERROR_CONFIG, 0, "\"%s\" of the S3 storage is too long or has characters that cannot be in it",
                    name);
    return 0;
}

static int
read_endpoint(struct s3_location *location, const char *endpoint, const char *bucket, bool virtual_host,
              struct error *err)
{
    static const char scheme[] = "https://";
    size_t skip = strlen(scheme), len = strlen(endpoint);
    if (strncmp(endpoint, scheme, skip) != 0)
        return FAIL(err, ERROR_CONFIG, 0, "\"endpoint\" of the S3 storage begins with https://");
    len -= len > skip && endpoint[len - 1] == '/';
    const char *host = endpoint + skip;
    size_t host_len = len - skip;
    if (host_len == 0 || strspn(host, LETTERS ".-:[]") < host_len)
        return FAIL(err, ERROR_CONFIG, 0, "\"endpoint\" of the S3 storage is https://host or https://host:port");
    if (virtual_host && (strchr(bucket, '.') != NULL || strchr(bucket, '_') != NULL))
        return FAIL(err, ERROR_CONFIG, 0, "bucket %s cannot be part of a host name: set \"style\":\"path\"", bucket);
    location->origin = virtual_host ? memory_printf("%s%s.%.*s", scheme, bucket, (int)host_len, host)
                                    : memory_printf("%s%.*s", scheme, (int)host_len, host);
    location->host = location->origin + skip;
    location->bucket_path = virtual_host ? memory_strdup("") : memory_printf("/%s", bucket);
    location->where = memory_printf("S3 bucket %s at %.*s", bucket, (int)host_len, host);
    return 0;
}

static int
read_style(const json_t *json, const char *endpoint, bool *virtual_host, struct error *err)
{
    const char *style = text_of(json, "style");
    if (style == NULL)
        *virtual_host = strstr(endpoint, ".amazonaws.com") != NULL;
    else if (strcmp(style, "virtual") == 0 || strcmp(style, "path") == 0)
        *virtual_host = style[0] == 'v';
    else
        return FAIL(err, ERROR_CONFIG, 0, "\"style\" of the S3 storage is path or virtual");
    return 0;
}

static int
read_prefix(struct s3_location *location, const json_t *json, struct error *err)
{
    const char *prefix = text_of(json, "prefix");
    if (prefix == NULL)
        prefix = "";
    prefix += strspn(prefix, "/");
    size_t len = strlen(prefix);
    while (len > 0 && prefix[len - 1] == '/')
        len--;
    if (len > S3_PREFIX_MAX || strspn(prefix, LETTERS "._-/") < len || strstr(prefix, "//") != NULL ||
        strstr(prefix, "..") != NULL)
        return FAIL(err, ERROR_CONFIG, 0, "\"prefix\" of the S3 storage is up to %d of letters, digits and . _ - /",
                    S3_PREFIX_MAX);
    location->prefix = len > 0 ? memory_printf("%.*s/", (int)len, prefix) : memory_strdup("");
    return 0;
}

static int
read_choices(struct s3_location *location, const json_t *json, struct error *err)
{
    const char *mode = text_of(json, "lock_mode"), *versions = text_of(json, "versions");
    const json_t *tries = json_object_get(json, "tries");
    if (mode == NULL || strcmp(mode, "none") == 0)
        location->lock_mode = S3_LOCK_NONE;
    else if (strcmp(mode, "governance") == 0)
        location->lock_mode = S3_LOCK_GOVERNANCE;
    else if (strcmp(mode, "compliance") == 0)
        location->lock_mode = S3_LOCK_COMPLIANCE;
    else
        return FAIL(err, ERROR_CONFIG, 0, "\"lock_mode\" of the S3 storage is none, governance or compliance");
    if (versions != NULL && strcmp(versions, "first") != 0 && strcmp(versions, "latest") != 0)
        return FAIL(err, ERROR_CONFIG, 0, "\"versions\" of the S3 storage is latest or first");
    location->first_versions = versions != NULL && versions[0] == 'f';
    if (tries != NULL && (!json_is_integer(tries) || json_integer_value(tries) < 1 || json_integer_value(tries) > 20))
        return FAIL(err, ERROR_CONFIG, 0, "\"tries\" of the S3 storage is a number from 1 to 20");
    location->tries = (unsigned)json_integer_value(tries);
    return 0;
}

static int
read_secrets(struct s3_location *location, const json_t *json, struct error *err)
{
    const char *secret_key, *token = text_of(json, "session_token");
    /* Any visible character: peers other than AWS choose their own alphabet. The token travels in a header. */
    static const char visible[] = LETTERS "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
    if (need(json, "secret_access_key", visible, 1024, &secret_key, err) != 0)
        return -1;
    if (token != NULL && need(json, "session_token", visible, 8192, &token, err) != 0)
        return -1;
    location->secret_key = secret_new(secret_key, strlen(secret_key), err);
    if (location->secret_key == NULL)
        return -1;
    if (token != NULL && (location->session_token = secret_new(token, strlen(token), err)) == NULL)
        return -1;
    return 0;
}

int
s3_location_read(struct s3_location *location, const json_t *json, struct error *err)
{
    const char *endpoint, *bucket, *region, *id, *ca = text_of(json, "ca_pem");
    bool virtual_host = false;

    *location = (struct s3_location){ .tries = 0 };
    if (need(json, "endpoint", LETTERS ".-:[]/", 256, &endpoint, err) != 0 ||
        need(json, "bucket", LETTERS "._-", 63, &bucket, err) != 0 ||
        need(json, "region", LETTERS "-_", 64, &region, err) != 0 ||
        need(json, "access_key_id", LETTERS "._-+=@", 128, &id, err) != 0 ||
        read_style(json, endpoint, &virtual_host, err) != 0 ||
        read_endpoint(location, endpoint, bucket, virtual_host, err) != 0 || read_prefix(location, json, err) != 0 ||
        read_choices(location, json, err) != 0 || read_secrets(location, json, err) != 0)
        return -1;
    location->region = memory_strdup(region);
    location->access_key_id = memory_strdup(id);
    location->ca_pem = ca != NULL && ca[0] != '\0' ? memory_strdup(ca) : NULL;
    return 0;
}

void
s3_location_clear(struct s3_location *location)
{
    free(location->where);
    free(location->origin);
    free(location->bucket_path);
    free(location->prefix);
    free(location->region);
    free(location->access_key_id);
    free(location->ca_pem);
    secret_free(location->secret_key);
    secret_free(location->session_token);
    *location = (struct s3_location){ .tries = 0 };
}
