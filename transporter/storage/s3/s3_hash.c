#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/crypto/digest.h"
#include "transporter/storage/s3/s3_internal.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

#define READ_BLOCK ((size_t)256 << 10)
#define MD5_LEN    16

static int
hash_file(int fd, uint64_t offset, uint64_t len, struct digest *sha256, EVP_MD_CTX *md5, struct error *err)
{
    CLEANUP(memory_free_p) uint8_t *block = memory_array(1, READ_BLOCK, READ_BLOCK, err);
    if (block == NULL)
        return -1;
    for (uint64_t at = 0; at < len;) {
        size_t want = len - at < READ_BLOCK ? (size_t)(len - at) : READ_BLOCK;
        ssize_t n = pread(fd, block, want, (off_t)(offset + at));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return FAIL(err, ERROR_IO, errno, "reading the file to upload: %s",
                        n == 0 ? "it became shorter" : strerror(errno));
        digest_update(sha256, block, (size_t)n);
        if (md5 != NULL)
            EVP_DigestUpdate(md5, block, (size_t)n);
        at += (uint64_t)n;
    }
    return 0;
}

static int
hash_both(const struct storage_content *content, uint64_t offset, uint64_t len, EVP_MD_CTX *md5, struct s3_hash *hash,
          struct error *err)
{
    CLEANUP(digest_free_p) struct digest *sha256 = digest_new();
    uint8_t bytes[DIGEST_LEN];
    if (content->data == NULL && hash_file(content->fd, offset, len, sha256, md5, err) != 0)
        return -1;
    if (content->data != NULL) {
        const uint8_t *data = (const uint8_t *)content->data + offset;
        digest_update(sha256, data, (size_t)len);
        if (md5 != NULL)
            EVP_DigestUpdate(md5, data, (size_t)len);
    }
    digest_final(sha256, bytes);
    encoding_hex(bytes, sizeof(bytes), hash->sha256);
    encoding_base64(bytes, sizeof(bytes), hash->sha256_base64);
    if (md5 != NULL) {
        EVP_DigestFinal_ex(md5, bytes, NULL);
        encoding_base64(bytes, MD5_LEN, hash->md5_base64);
    }
    return 0;
}

int
s3_hash_content(const struct storage_content *content, uint64_t offset, uint64_t len, bool with_md5,
                struct s3_hash *hash, struct error *err)
{
    EVP_MD_CTX *md5 = with_md5 ? EVP_MD_CTX_new() : NULL;
    int failed = 0;
    *hash = (struct s3_hash){ .md5_base64 = "" };
    if (with_md5 && (md5 == NULL || EVP_DigestInit_ex(md5, EVP_md5(), NULL) != 1))
        failed = FAIL(err, ERROR_INTERNAL, 0, "OpenSSL offers no MD5, which S3 wants where objects are locked");
    if (failed == 0)
        failed = hash_both(content, offset, len, md5, hash, err);
    EVP_MD_CTX_free(md5);
    return failed;
}
