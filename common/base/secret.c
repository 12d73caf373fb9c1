#include "common/base/secret.h"

#include "common/base/error.h"
#include "common/base/memory.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct secret {
    uint8_t *pages; /* whole pages of their own, so that locking one secret never unlocks another */
    size_t mapped;
    size_t len;
};

struct secret *
secret_reserve(size_t len, struct error *err)
{
    if (len > SECRET_MAX) {
        FAIL(err, ERROR_LIMIT, 0, "a secret of %zu bytes, %zu at the most", len, SECRET_MAX);
        return NULL;
    }
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t mapped = (len + 1 + page - 1) / page * page;
    void *pages = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) {
        FAIL(err, ERROR_LIMIT, errno, "no memory for a secret: %s", strerror(errno));
        return NULL;
    }
    /* Locking may be refused by RLIMIT_MEMLOCK; the secret is still kept out of dumps. */
    (void)mlock(pages, mapped);
    (void)madvise(pages, mapped, MADV_DONTDUMP);
    (void)madvise(pages, mapped, MADV_WIPEONFORK);
    struct secret *secret = MEMORY_NEW(struct secret);
    secret->pages = pages;
    secret->mapped = mapped;
    secret->len = len;
    return secret;
}

struct secret *
secret_new(const void *data, size_t len, struct error *err)
{
    struct secret *secret = secret_reserve(len, err);
    if (secret != NULL && len > 0)
        memcpy(secret->pages, data, len);
    return secret;
}

struct secret *
secret_copy(const struct secret *secret)
{
    return secret_new(secret->pages, secret->len, NULL);
}

void
secret_free(struct secret *secret)
{
    if (secret == NULL)
        return;
    OPENSSL_cleanse(secret->pages, secret->mapped);
    munmap(secret->pages, secret->mapped);
    free(secret);
}

void
secret_free_p(struct secret **secret)
{
    secret_free(*secret);
    *secret = NULL;
}

const uint8_t *
secret_bytes(const struct secret *secret)
{
    return secret->pages;
}

uint8_t *
secret_bytes_mutable(struct secret *secret)
{
    return secret->pages;
}

size_t
secret_len(const struct secret *secret)
{
    return secret->len;
}

const char *
secret_text(const struct secret *secret)
{
    return (const char *)secret->pages;
}

bool
secret_equal(const struct secret *a, const struct secret *b)
{
    return a->len == b->len && CRYPTO_memcmp(a->pages, b->pages, a->len) == 0;
}

void
secret_zero(void *data, size_t len)
{
    OPENSSL_cleanse(data, len);
}
