#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "transporter/storage/azure/azure_internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ORIGIN_MAX 300
#define TRIES_MAX  100
#define KEY_MAX    512
#define SAS_MAX    ((size_t)4096)

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static const char *
text_of(const json_t *location, const char *field)
{
    const char *text = json_string_value(json_object_get(location, field));
    return text != NULL && text[0] != '\0' ? text : NULL;
}

static bool
made_of(const char *text, const char *letters, size_t least, size_t most)
{
    size_t len = strlen(text);
    return len >= least && len <= most && strspn(text, letters) == len;
}

static int
read_endpoint(struct azure *azure, const char *endpoint, struct error *err)
{
    if (endpoint == NULL) {
        azure->origin = memory_printf("https://%s.blob.core.windows.net", azure->account);
        return 0;
    }
    size_t len = strlen(endpoint);
    bool good = strncmp(endpoint, "https://", 8) == 0 && len < ORIGIN_MAX && len > 8 &&
                strspn(endpoint, LOWER UPPER DIGITS ":/.-_[]") == len && strstr(endpoint + 8, "//") == NULL;
    if (!good)
        return FAIL(err, ERROR_CONFIG, 0,
                    "the endpoint of an Azure storage is an https URL, as https://ACCOUNT.blob.core.windows.net");
    while (endpoint[len - 1] == '/')
        len--;
    azure->origin = memory_printf("%.*s", (int)len, endpoint);
    return 0;
}

static int
read_prefix(struct azure *azure, const char *prefix, struct error *err)
{
    size_t at = 0;

    for (const char *part = prefix != NULL ? prefix : ""; *part != '\0';) {
        size_t len = strcspn(part, "/");
        if (len > 0 &&
            (part[0] == '.' || strspn(part, LOWER UPPER DIGITS "._-") < len || at + len + 2 > sizeof(azure->prefix)))
            return FAIL(err, ERROR_CONFIG, 0,
                        "the prefix in an Azure container is made of letters, digits, '.', '_', '-' and '/', and no "
                        "part of it begins with '.'");
        if (len > 0) {
            memcpy(azure->prefix + at, part, len);
            at += len;
            azure->prefix[at++] = '/';
        }
        part += part[len] == '/' ? len + 1 : len;
    }
    azure->prefix[at] = '\0';
    return 0;
}

static int
read_key(struct azure *azure, const char *text, struct error *err)
{
    size_t len = KEY_MAX;
    CLEANUP(secret_free_p) struct secret *room = secret_reserve(KEY_MAX, err);

    if (room == NULL)
        return -1;
    if (encoding_unbase64(text, strlen(text), secret_bytes_mutable(room), &len, NULL) != 0 || len == 0)
        return FAIL(err, ERROR_CONFIG, 0, "the key of an Azure storage account is base64, as the portal shows it");
    azure->key = secret_new(secret_bytes(room), len, err);
    return azure->key != NULL ? 0 : -1;
}

static int
read_sas(struct azure *azure, const char *text, struct error *err)
{
    text += text[0] == '?';
    size_t len = strlen(text);
    if (len > SAS_MAX || strstr(text, "sig=") == NULL || strspn(text, LOWER UPPER DIGITS "-._~!$&'()*+,;=:@%/?") != len)
        return FAIL(err, ERROR_CONFIG, 0, "a SAS of Azure storage is a text as ?sv=…&sig=…");
    azure->sas = secret_new(text, len, err);
    return azure->sas != NULL ? 0 : -1;
}

static int
read_credentials(struct azure *azure, const json_t *location, struct error *err)
{
    const char *key = text_of(location, "account_key"), *sas = text_of(location, "sas");

    if ((key == NULL) == (sas == NULL))
        return FAIL(err, ERROR_CONFIG, 0, "Azure storage needs either \"account_key\" or \"sas\"");
    return key != NULL ? read_key(azure, key, err) : read_sas(azure, sas, err);
}

static int
read_lock_mode(struct azure *azure, const char *mode, struct error *err)
{
    if (mode == NULL || strcmp(mode, "none") == 0)
        azure->lock_mode = AZURE_LOCK_NONE;
    else if (strcmp(mode, "unlocked") == 0)
        azure->lock_mode = AZURE_LOCK_UNLOCKED;
    else if (strcmp(mode, "locked") == 0)
        azure->lock_mode = AZURE_LOCK_LOCKED;
    else
        return FAIL(err, ERROR_CONFIG, 0, "lock mode '%s' is not known; known: none, unlocked, locked", mode);
    azure->storage.features = azure->lock_mode != AZURE_LOCK_NONE ? STORAGE_HAS_LOCKS : 0;
    return 0;
}

static int
read_reading(struct azure *azure, const json_t *location, struct error *err)
{
    const char *versions = text_of(location, "versions");
    const json_t *tries = json_object_get(location, "tries");

    if (versions != NULL && strcmp(versions, "latest") != 0 && strcmp(versions, "first") != 0)
        return FAIL(err, ERROR_CONFIG, 0, "versions '%s' are not known; known: latest, first", versions);
    if (tries != NULL &&
        (!json_is_integer(tries) || json_integer_value(tries) < 1 || json_integer_value(tries) > TRIES_MAX))
        return FAIL(err, ERROR_CONFIG, 0, "\"tries\" is a number from 1 to %d", TRIES_MAX);
    azure->first_versions = versions != NULL && strcmp(versions, "first") == 0;
    azure->tries_max = (unsigned)json_integer_value(tries);
    return 0;
}

static int
read_fields(struct azure *azure, const json_t *location, struct error *err)
{
    const char *account = text_of(location, "account"), *container = text_of(location, "container");

    if (account == NULL || !made_of(account, LOWER DIGITS, 3, 24))
        return FAIL(err, ERROR_CONFIG, 0, "Azure storage needs \"account\": 3 to 24 lower-case letters and digits");
    if (container == NULL || !made_of(container, LOWER DIGITS "-", 3, 63) || container[0] == '-')
        return FAIL(err, ERROR_CONFIG, 0,
                    "Azure storage needs \"container\": 3 to 63 lower-case letters, digits and '-'");
    azure->account = memory_strdup(account);
    azure->container = memory_strdup(container);
    return read_endpoint(azure, text_of(location, "endpoint"), err) == 0 &&
                   read_prefix(azure, text_of(location, "prefix"), err) == 0 &&
                   read_lock_mode(azure, text_of(location, "lock_mode"), err) == 0 &&
                   read_reading(azure, location, err) == 0 && read_credentials(azure, location, err) == 0
               ? 0
               : -1;
}

struct azure *
azure_location_read(const json_t *location, const struct clock *clock, struct error *err)
{
    struct azure *azure = MEMORY_NEW(struct azure);
    const struct http_client_options options = { .extra_ca_pem = text_of(location, "ca_pem") };

    azure->clock = clock;
    pthread_mutex_init(&azure->extend_lock, NULL);
    if (read_fields(azure, location, err) != 0 || (azure->http = http_client_new(&options, err)) == NULL) {
        azure_location_free(azure);
        return NULL;
    }
    return azure;
}

void
azure_location_free(struct azure *azure)
{
    if (azure == NULL)
        return;
    http_client_free(azure->http);
    secret_free(azure->key);
    secret_free(azure->sas);
    pthread_mutex_destroy(&azure->extend_lock);
    free(azure->origin);
    free(azure->account);
    free(azure->container);
    free(azure);
}

void
azure_blob_name(const struct azure *azure, const char *name, char out[AZURE_BLOB_LEN])
{
    size_t len = strlen(azure->prefix);

    memcpy(out, azure->prefix, len);
    memcpy(out + len, name, strlen(name) + 1);
}
