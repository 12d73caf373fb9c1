#include "common/base/clock.h"
#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/storage/azure/azure_date.h"
#include "transporter/storage/azure/azure_internal.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define HASH_BLOCK ((size_t)128 << 10)

void
azure_write_headers_init(struct azure_write_headers *headers, const struct azure *azure, int64_t lock_until_ms)
{
    uint8_t token[(AZURE_TOKEN_LEN - 1) / 2];

    clock_random(azure->clock, token, sizeof(token));
    encoding_hex(token, sizeof(token), headers->token);
    headers->count = 0;
    headers->at[headers->count++] = (struct azure_sign_header){ "If-None-Match", "*" };
    headers->at[headers->count++] = (struct azure_sign_header){ AZURE_TOKEN_HEADER, headers->token };
    if (lock_until_ms != 0) {
        azure_date_format(lock_until_ms, headers->until);
        headers->at[headers->count++] = (struct azure_sign_header){ AZURE_UNTIL_HEADER, headers->until };
        headers->at[headers->count++] =
            (struct azure_sign_header){ AZURE_MODE_HEADER, azure_lock_mode_text(azure->lock_mode) };
    }
}

static int
hash_part(EVP_MD_CTX *md5, struct azure_content_part *part, struct error *err)
{
    if (part->content->data != NULL) {
        EVP_DigestUpdate(md5, (const uint8_t *)part->content->data + part->offset, (size_t)part->len);
        return 0;
    }
    CLEANUP(memory_free_p) uint8_t *block = memory_array(1, HASH_BLOCK, HASH_BLOCK, err);
    if (block == NULL)
        return -1;
    for (uint64_t at = 0; at < part->len;) {
        size_t len;
        if (azure_content_read(part, at, block, HASH_BLOCK, &len, err) != 0)
            return -1;
        EVP_DigestUpdate(md5, block, len);
        at += len;
    }
    return 0;
}

int
azure_content_md5(const struct storage_content *content, uint64_t offset, uint64_t len, char out[AZURE_MD5_LEN],
                  struct error *err)
{
    struct azure_content_part part = { content, offset, len };
    uint8_t digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *md5 = EVP_MD_CTX_new();

    if (md5 == NULL || EVP_DigestInit_ex(md5, EVP_md5(), NULL) != 1) {
        EVP_MD_CTX_free(md5);
        return FAIL(err, ERROR_UNSUPPORTED, 0, "this machine's OpenSSL has no MD5, which Azure checks uploads with");
    }
    int failed = hash_part(md5, &part, err);
    EVP_DigestFinal_ex(md5, digest, NULL);
    EVP_MD_CTX_free(md5);
    encoding_base64(digest, 16, out);
    return failed;
}

static int
put_single(struct azure *azure, const char *name, const struct storage_content *content,
           const struct azure_write_headers *base, struct error *err)
{
    struct azure_write_headers headers = *base;
    char blob[AZURE_BLOB_LEN], md5[AZURE_MD5_LEN];
    CLEANUP(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;

    if (azure_content_md5(content, 0, content->size, md5, err) != 0)
        return -1;
    headers.at[headers.count++] = (struct azure_sign_header){ "Content-MD5", md5 };
    headers.at[headers.count++] = (struct azure_sign_header){ "x-ms-blob-type", "BlockBlob" };
    azure_blob_name(azure, name, blob);
    const struct azure_call call = { .method = "PUT",
                                     .what = "writing",
                                     .name = name,
                                     .blob = blob,
                                     .headers = headers.at,
                                     .header_count = headers.count,
                                     .content = content,
                                     .len = content->size };
    return azure_request(azure, &call, &response, NULL, err);
}

/* A try whose answer was lost may have been the one that wrote the blob. That need not be a try of ours: libcurl itself
 * sends again what a kept connection took without a word. */
static bool
wrote_it_before(struct azure *azure, const char *name, const struct azure_write_headers *headers)
{
    struct azure_properties properties;
    return azure_properties_get(azure, name, "", &properties, NULL) == 0 &&
           strcmp(properties.token, headers->token) == 0;
}

/* Believed only when the storage tells it back. */
static int
check_written(struct azure *azure, const char *name, uint64_t size, int64_t lock_until_ms, struct error *err)
{
    struct azure_properties properties;

    if (azure_properties_get(azure, name, "", &properties, err) != 0)
        return error_wrap(err, "after writing");
    if (properties.stat.size != size)
        return FAIL(err, ERROR_CORRUPT, 0, "storage %s/%s holds %llu bytes of %s, and %llu were written",
                    azure->account, azure->container, (unsigned long long)properties.stat.size, name,
                    (unsigned long long)size);
    if (lock_until_ms == 0)
        return 0;
    if (!azure_lock_lasts(azure, &properties, lock_until_ms) && azure_lock_set(azure, name, lock_until_ms, err) != 0)
        return -1;
    return azure_marker_lock(azure, lock_until_ms, err);
}

int
azure_put(struct storage *storage, const char *name, const struct storage_content *content, int64_t lock_until_ms,
          struct error *err)
{
    struct azure *azure = (struct azure *)storage;
    struct azure_write_headers headers;
    struct error why = ERROR_INIT;

    if (lock_until_ms < 0 || lock_until_ms > AZURE_DATE_MAX_MS)
        return FAIL(err, ERROR_USAGE, 0, "a lock has a time before the year 10000");
    azure_write_headers_init(&headers, azure, lock_until_ms);
    int failed = content->size <= AZURE_SINGLE_MAX ? put_single(azure, name, content, &headers, &why)
                                                   : azure_blocks_put(azure, name, content, &headers, &why);
    if (failed != 0 && why.kind == ERROR_EXISTS && wrote_it_before(azure, name, &headers))
        failed = 0;
    if (failed == 0)
        error_clear(&why);
    if (failed != 0 || check_written(azure, name, content->size, lock_until_ms, &why) != 0)
        return azure_pass(&why, err);
    return 0;
}
