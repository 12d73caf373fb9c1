#include "common/base/buffer.h"
#include "common/base/memory.h"
#include "common/vault/vault_copy_internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct copy_upload {
    struct vault_backend to;
    pthread_t thread;
    bool running;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool busy, stop;
    char name[PACK_NAME_LEN];
    struct buffer pack; /* the thread's while it is busy */
    struct error failure;
    uint64_t packs, bytes;
};

static void *
run(void *ctx)
{
    struct copy_upload *upload = ctx;
    pthread_mutex_lock(&upload->lock);
    while (true) {
        struct error failure = ERROR_INIT;
        while (!upload->busy && !upload->stop)
            pthread_cond_wait(&upload->changed, &upload->lock);
        if (!upload->busy)
            break;
        pthread_mutex_unlock(&upload->lock);
        int failed =
            upload->to.vtable->put_pack(upload->to.ctx, upload->name, upload->pack.data, upload->pack.len, &failure);
        if (failed != 0 && failure.kind == ERROR_EXISTS)
            error_wrap(&failure, "the destination has it damaged: verify that vault with --data, heal it, copy again");
        if (failed != 0)
            error_wrap(&failure, "pack %s", upload->name);
        pthread_mutex_lock(&upload->lock);
        if (failed != 0) {
            upload->failure = failure;
        } else {
            upload->packs++;
            upload->bytes += upload->pack.len;
        }
        upload->busy = false;
        pthread_cond_broadcast(&upload->changed);
    }
    pthread_mutex_unlock(&upload->lock);
    return NULL;
}

struct copy_upload *
vault_copy_upload_open(struct vault_backend to, struct error *err)
{
    CLEANUP(vault_copy_upload_close_p) struct copy_upload *upload = MEMORY_NEW(struct copy_upload);
    upload->to = to;
    buffer_init(&upload->pack, PACK_MAX_BYTES);
    pthread_mutex_init(&upload->lock, NULL);
    pthread_cond_init(&upload->changed, NULL);
    int failed = pthread_create(&upload->thread, NULL, run, upload);
    upload->running = failed == 0;
    if (failed != 0) {
        FAIL(err, ERROR_LIMIT, failed, "cannot start a thread: %s", strerror(failed));
        return NULL;
    }
    return MOVE(upload);
}

void
vault_copy_upload_close(struct copy_upload *upload)
{
    if (upload == NULL)
        return;
    pthread_mutex_lock(&upload->lock);
    upload->stop = true;
    pthread_cond_broadcast(&upload->changed);
    pthread_mutex_unlock(&upload->lock);
    if (upload->running)
        pthread_join(upload->thread, NULL);
    pthread_mutex_destroy(&upload->lock);
    pthread_cond_destroy(&upload->changed);
    buffer_clear(&upload->pack);
    free(upload);
}

void
vault_copy_upload_close_p(struct copy_upload **upload)
{
    vault_copy_upload_close(*upload);
    *upload = NULL;
}

/* Called locked. */
static int
wait_idle(struct copy_upload *upload, struct error *err)
{
    while (upload->busy)
        pthread_cond_wait(&upload->changed, &upload->lock);
    if (!error_is_set(&upload->failure))
        return 0;
    *err = upload->failure;
    return -1;
}

int
vault_copy_upload_put(struct copy_upload *upload, const char *name, struct buffer *pack, struct error *err)
{
    pthread_mutex_lock(&upload->lock);
    int failed = wait_idle(upload, err);
    if (failed == 0) {
        struct buffer empty = upload->pack;
        upload->pack = *pack;
        *pack = empty;
        memcpy(upload->name, name, sizeof(upload->name));
        upload->busy = true;
        pthread_cond_broadcast(&upload->changed);
    }
    pthread_mutex_unlock(&upload->lock);
    return failed;
}

int
vault_copy_upload_wait(struct copy_upload *upload, struct error *err)
{
    pthread_mutex_lock(&upload->lock);
    int failed = wait_idle(upload, err);
    pthread_mutex_unlock(&upload->lock);
    return failed;
}

void
vault_copy_upload_count(struct copy_upload *upload, struct vault_copy_counts *counts)
{
    pthread_mutex_lock(&upload->lock);
    counts->packs_copied = upload->packs;
    counts->bytes_stored = upload->bytes;
    pthread_mutex_unlock(&upload->lock);
}
