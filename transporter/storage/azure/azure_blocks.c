#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/buffer.h"
#include "transporter/storage/azure/azure_internal.h"

#include <stdio.h>
#include <string.h>

#define BLOCK_ID_LEN     25 /* 24 characters of base64 */
#define BLOCK_MAX        (UINT64_C(4000) << 20)
#define BLOCK_LIST_LIMIT ((size_t)4 << 20)

/* Threads take the next block until none is left or one has failed. */
struct upload {
    struct azure *azure;
    const char *name, *token;
    const struct storage_content *content;
    uint64_t block_len;
    unsigned count;
    atomic_uint next;
    atomic_bool stop;
    pthread_mutex_t lock;
    struct error err; /* of the first that failed */
};

/* Ids of one blob have one length; the token keeps those of two writers apart. */
static void
block_id(const char *token, unsigned number, char out[BLOCK_ID_LEN])
{
    char plain[19];

    snprintf(plain, sizeof(plain), "%.12s%06u", token, number % 1000000);
    encoding_base64(plain, 18, out);
}

static int
put_block(struct upload *upload, unsigned number, struct error *err)
{
    uint64_t offset = number * upload->block_len, left = upload->content->size - offset;
    uint64_t len = left < upload->block_len ? left : upload->block_len;
    char blob[AZURE_BLOB_LEN], id[BLOCK_ID_LEN], md5[AZURE_MD5_LEN], query[64];
    CLEANUP(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;

    if (azure_content_md5(upload->content, offset, len, md5, err) != 0)
        return -1;
    block_id(upload->token, number, id);
    snprintf(query, sizeof(query), "comp=block&blockid=%s", id);
    azure_blob_name(upload->azure, upload->name, blob);
    const struct azure_sign_header headers[] = { { "Content-MD5", md5 } };
    const struct azure_call call = { .method = "PUT",
                                     .what = "writing a block of",
                                     .name = upload->name,
                                     .blob = blob,
                                     .query = query,
                                     .headers = headers,
                                     .header_count = ARRAY_LEN(headers),
                                     .content = upload->content,
                                     .offset = offset,
                                     .len = len };
    return azure_request(upload->azure, &call, &response, NULL, err);
}

static void *
send_blocks(void *ctx)
{
    struct upload *upload = ctx;

    for (unsigned number;
         !atomic_load(&upload->stop) && (number = atomic_fetch_add(&upload->next, 1)) < upload->count;) {
        struct error err = ERROR_INIT;
        if (put_block(upload, number, &err) == 0)
            continue;
        atomic_store(&upload->stop, true);
        pthread_mutex_lock(&upload->lock);
        if (!error_is_set(&upload->err))
            upload->err = err;
        pthread_mutex_unlock(&upload->lock);
    }
    return NULL;
}

/* This thread is one of them, so that it goes on where no more threads are to be had. */
static int
send_all(struct upload *upload, struct error *err)
{
    pthread_t threads[AZURE_BLOCK_THREADS - 1];
    size_t started = 0;

    while (started < ARRAY_LEN(threads) && started + 1 < upload->count &&
           pthread_create(&threads[started], NULL, send_blocks, upload) == 0)
        started++;
    send_blocks(upload);
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    return azure_pass(&upload->err, err);
}

static int
list_text(const struct upload *upload, struct buffer *out, struct error *err)
{
    char id[BLOCK_ID_LEN];

    if (buffer_append_text(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>", err) != 0)
        return -1;
    for (unsigned i = 0; i < upload->count; i++) {
        block_id(upload->token, i, id);
        if (buffer_printf(out, err, "<Uncommitted>%s</Uncommitted>", id) != 0)
            return -1;
    }
    return buffer_append_text(out, "</BlockList>", err);
}

/* The commit of another writer of this name throws our blocks away; so does our own whose answer was lost. */
static int
explain_lost_blocks(const struct upload *upload, struct error *err)
{
    struct azure *azure = upload->azure;
    struct azure_properties properties;

    error_clear(err);
    if (azure_properties_get(azure, upload->name, "", &properties, err) == 0)
        return FAIL(err, ERROR_EXISTS, 0, "storage %s/%s already has an object %s", azure->account, azure->container,
                    upload->name);
    if (err->kind != ERROR_NOT_FOUND)
        return -1;
    error_clear(err);
    return FAIL(err, ERROR_UNAVAILABLE, 0, "storage %s/%s lost the blocks of %s before they were committed",
                azure->account, azure->container, upload->name);
}

static int
commit(struct upload *upload, const struct azure_write_headers *base, struct error *err)
{
    struct azure_write_headers headers = *base;
    char blob[AZURE_BLOB_LEN], md5[AZURE_MD5_LEN];
    CLEANUP(buffer_clear) struct buffer text = BUFFER_INIT(BLOCK_LIST_LIMIT);
    CLEANUP(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;

    if (list_text(upload, &text, err) != 0)
        return -1;
    const struct storage_content body = { .data = text.data, .fd = -1, .size = text.len };
    if (azure_content_md5(&body, 0, body.size, md5, err) != 0)
        return -1;
    headers.at[headers.count++] = (struct azure_sign_header){ "Content-MD5", md5 };
    headers.at[headers.count++] = (struct azure_sign_header){ "Content-Type", "application/xml" };
    azure_blob_name(upload->azure, upload->name, blob);
    const struct azure_call call = { .method = "PUT",
                                     .what = "committing",
                                     .name = upload->name,
                                     .blob = blob,
                                     .query = "comp=blocklist",
                                     .headers = headers.at,
                                     .header_count = headers.count,
                                     .content = &body,
                                     .len = body.size };
    if (azure_request(upload->azure, &call, &response, NULL, err) == 0)
        return 0;
    return strcmp(azure_fail_code(&response), "InvalidBlockList") == 0 ? explain_lost_blocks(upload, err) : -1;
}

int
azure_blocks_put(struct azure *azure, const char *name, const struct storage_content *content,
                 const struct azure_write_headers *headers, struct error *err)
{
    struct upload upload = { .azure = azure, .name = name, .token = headers->token, .content = content };
    uint64_t least = (content->size + AZURE_BLOCKS_MAX - 1) / AZURE_BLOCKS_MAX;

    if (least > BLOCK_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "%s is larger than Azure takes", name);
    upload.block_len = least > AZURE_BLOCK_MIN ? least : AZURE_BLOCK_MIN;
    upload.count = (unsigned)((content->size + upload.block_len - 1) / upload.block_len);
    upload.err = (struct error)ERROR_INIT;
    pthread_mutex_init(&upload.lock, NULL);
    int failed = send_all(&upload, err);
    pthread_mutex_destroy(&upload.lock);
    return failed == 0 ? commit(&upload, headers, err) : -1;
}
