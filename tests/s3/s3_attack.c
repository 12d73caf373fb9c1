/* Writes locked objects, and reads them again after somebody with the bucket's key did what the bucket allows:
 * s3_attack write|read|damaged LOCATION.json; "damaged" says that something is lost without first versions. */

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/storage/storage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OBJECTS         12
#define LOCK_MS         INT64_C(600000)
#define SIZE_MAX_OBJECT ((size_t)20 << 20)

static uint8_t *
content(size_t number, size_t *len)
{
    *len = number == 0 ? SIZE_MAX_OBJECT : number * 5000 + 1;
    uint8_t *data = memory_new(*len);
    for (size_t i = 0; i < *len; i++)
        data[i] = (uint8_t)((i * 2654435761U + number) >> 9);
    return data;
}

static int
write_all(struct storage *storage, struct error *err)
{
    for (size_t i = 0; i < OBJECTS; i++) {
        char name[STORAGE_NAME_LEN];
        size_t len = 0;
        CLEANUP(memory_free_p) uint8_t *data = content(i, &len);
        snprintf(name, sizeof(name), "vault/packs/object-%zu", i);
        if (storage_put(storage, name, data, len, clock_wall_ms(clock_system()) + LOCK_MS, err) != 0)
            return -1;
    }
    return 0;
}

static size_t
count_intact(struct storage *storage)
{
    size_t intact = 0;
    for (size_t i = 0; i < OBJECTS; i++) {
        char name[STORAGE_NAME_LEN];
        size_t len = 0, got_len = 0;
        struct error err = ERROR_INIT;
        CLEANUP(memory_free_p) uint8_t *data = content(i, &len);
        CLEANUP(memory_free_p) uint8_t *got = NULL;
        snprintf(name, sizeof(name), "vault/packs/object-%zu", i);
        if (storage_get(storage, name, SIZE_MAX_OBJECT, &got, &got_len, &err) != 0)
            fprintf(stderr, "%s\n", err.text);
        else if (got_len == len && memcmp(got, data, len) == 0)
            intact++;
    }
    return intact;
}

static int
on_object(void *ctx, const char *name, const struct storage_stat *stat, struct error *err)
{
    (void)name;
    (void)err;
    *(size_t *)ctx += stat->size > 0;
    return 0;
}

static int
run(struct storage *storage, const char *what, struct error *err)
{
    size_t listed = 0;
    if (strcmp(what, "write") == 0)
        return write_all(storage, err);
    if (storage_list(storage, "vault/packs", on_object, &listed, err) != 0)
        return -1;
    size_t intact = count_intact(storage);
    printf("%s: %zu of %d objects listed, %zu intact\n", what, listed, OBJECTS, intact);
    if (strcmp(what, "damaged") == 0 && listed == OBJECTS && intact < OBJECTS && intact >= OBJECTS / 2)
        return 0; /* what was only hidden is found all the same */
    if (strcmp(what, "read") == 0 && intact == OBJECTS && listed == OBJECTS)
        return 0;
    return FAIL(err, ERROR_CORRUPT, 0, "not as expected");
}

int
main(int argc, char **argv)
{
    char location[8192];
    struct error err = ERROR_INIT;
    FILE *in = argc == 3 ? fopen(argv[2], "re") : NULL;
    if (in == NULL)
        return 64;
    size_t len = fread(location, 1, sizeof(location), in);
    fclose(in);
    struct storage *storage = storage_open(location, len, clock_system(), strcmp(argv[1], "write") == 0, &err);
    int failed = storage != NULL ? run(storage, argv[1], &err) : -1;
    storage_close(storage);
    if (failed != 0)
        fprintf(stderr, "%s: %s: %s\n", argv[1], error_kind_name(err.kind), err.text);
    return failed == 0 ? 0 : 1;
}
