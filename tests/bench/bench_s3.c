/* Puts objects of one size from several threads, as the pipeline puts packs: bench_s3 LOCATION.json THREADS OBJECTS
 * MIB. Prints MiB a second; the objects are removed again unless BENCH_KEEP is set. tests/bench/s3.sh runs it beside
 * other programs. */

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/identifier.h"
#include "common/base/memory.h"
#include "transporter/storage/storage.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS_MAX 64

struct bench {
    struct storage *storage;
    uint8_t *data;
    size_t size, objects;
    atomic_size_t next;
    atomic_bool failed, removing;
    char id[IDENTIFIER_LEN];
};

static void *
work(void *ctx)
{
    struct bench *bench = ctx;
    for (size_t i; (i = atomic_fetch_add(&bench->next, 1)) < bench->objects;) {
        char name[STORAGE_NAME_LEN];
        struct error err = ERROR_INIT;
        snprintf(name, sizeof(name), "%s/packs/%zu", bench->id, i);
        int failed = bench->removing ? storage_remove(bench->storage, name, &err)
                                     : storage_put(bench->storage, name, bench->data, bench->size, 0, &err);
        if (failed != 0) {
            fprintf(stderr, "%s\n", err.text);
            bench->failed = true;
        }
    }
    return NULL;
}

static void
run(struct bench *bench, size_t threads)
{
    pthread_t all[THREADS_MAX];
    atomic_store(&bench->next, 0);
    for (size_t i = 0; i < threads; i++)
        if (pthread_create(&all[i], NULL, work, bench) != 0)
            abort();
    for (size_t i = 0; i < threads; i++)
        pthread_join(all[i], NULL);
}

int
main(int argc, char **argv)
{
    char location[8192];
    struct error err = ERROR_INIT;
    struct bench bench = { .size = argc == 5 ? strtoul(argv[4], NULL, 10) << 20 : 0 };
    size_t threads = argc == 5 ? strtoul(argv[2], NULL, 10) : 0;
    FILE *in = bench.size > 0 && threads > 0 && threads <= THREADS_MAX ? fopen(argv[1], "re") : NULL;
    if (in == NULL)
        return 64;
    size_t len = fread(location, 1, sizeof(location), in);
    fclose(in);
    bench.objects = strtoul(argv[3], NULL, 10);
    bench.data = memory_array(bench.size, 1, (size_t)1 << 30, &err);
    if (bench.data == NULL || (bench.storage = storage_open(location, len, clock_system(), true, &err)) == NULL) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    clock_random(clock_system(), bench.data, bench.size);
    identifier_new(clock_system(), "vault", bench.id);
    uint64_t start = clock_monotonic_ms(clock_system());
    run(&bench, threads);
    uint64_t took = clock_monotonic_ms(clock_system()) - start;
    printf("%.0f\n", (double)(bench.objects * bench.size) / (1 << 20) / ((double)(took > 0 ? took : 1) / 1000));
    if (getenv("BENCH_KEEP") == NULL) {
        bench.removing = true;
        run(&bench, threads);
    }
    storage_close(bench.storage);
    free(bench.data);
    return bench.failed ? 1 : 0;
}
