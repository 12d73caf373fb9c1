#ifndef LONGHAUL_TESTS_SWEEP_SIM_DISK_H
#define LONGHAUL_TESTS_SWEEP_SIM_DISK_H

/* Objects in memory behind the real storage contract, and what a crash makes of a write: it is lost, done, or still on
 * its way and done later. Every attachment of a host is a storage of its own over the same objects. */

#include "common/vault/pack_format.h"
#include "transporter/storage/storage.h"

#include <uthash.h>

struct sim_object {
    char name[STORAGE_NAME_LEN];
    uint8_t *data;
    size_t len;
    int64_t modified_ms, lock_until_ms;
    UT_hash_handle hh;
};

struct sim_late {
    char name[STORAGE_NAME_LEN];
    uint8_t *data;
    size_t len;
    uint64_t due_ms;
    struct sim_late *next;
};

/* How many stored packs hold a chunk. */
struct sim_chunk {
    struct chunk_id id;
    unsigned copies;
    UT_hash_handle hh;
};

struct sim_disk {
    const uint64_t *now_ms;
    uint64_t (*random)(void *ctx, uint64_t below);
    void *random_ctx;
    uint64_t longest_late_ms;
    struct sim_object *objects;
    struct sim_late *late;
    struct sim_chunk *chunks;
    uint64_t changes, journal_changes;
    uint64_t removed_packs, late_puts;
};

struct sim_mount {
    struct storage storage;
    struct sim_disk *disk;
    int writes_left; /* the write after so many crashes the host; -1: none does */
    bool crashed;
};

void sim_disk_clear(struct sim_disk *disk);
/* Writes that were on their way arrive. */
void sim_disk_arrive(struct sim_disk *disk);
void sim_disk_drop(struct sim_disk *disk, struct sim_object *object);
struct sim_object *sim_disk_find(struct sim_disk *disk, const char *name);
/* The chunks of a pack. */
void sim_disk_walk(const struct sim_object *object, pack_chunk_fn *found, void *ctx);
unsigned sim_disk_copies(const struct sim_disk *disk, const struct chunk_id *id);

void sim_mount_init(struct sim_mount *mount, struct sim_disk *disk);

#endif
