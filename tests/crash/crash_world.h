#ifndef LONGHAUL_TESTS_CRASH_CRASH_WORLD_H
#define LONGHAUL_TESTS_CRASH_CRASH_WORLD_H

/* Vaults whose storage fails, and what must be true of them afterwards: whatever the storage did, each vault verifies,
 * and each recovery point that was committed restores bit for bit. A place is where the vaults lie and how it fails; a
 * scenario is what is done to them when it does. */

#include "common/base/error.h"
#include "common/vault/vault.h"
#include "tests/fakes/fake_clock.h"

#include <limits.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct storage;
struct vault_host;

/* How it fails this time. mode's meaning is the place's. */
struct crash_fault {
    unsigned mode;
    char repository; /* whose storage fails */
    uint64_t at;     /* which call */
    uint64_t seed;
};

struct crash_place {
    const char *name;
    void *ctx;
    const char *const *modes; /* their names; the last is NULL */
    bool has_locks;
    unsigned (*stride)(unsigned mode); /* every how many faults of this mode; NULL: all */
    struct storage *(*open)(void *ctx, const char *repository, bool create, struct error *err);
    /* A host's own folder, in the same power circuit where the place can do that. out has PATH_MAX bytes. */
    void (*state_dir)(void *ctx, const char *repository, char *out);
    void (*clear)(void *ctx);
    void (*save)(void *ctx);
    void (*load)(void *ctx);
    void (*arm)(void *ctx, const struct crash_fault *fault);
    bool (*struck)(void *ctx);
    /* The work is done and acknowledged, and now the power goes, in modes where it does. May be NULL. */
    void (*cut_at_end)(void *ctx);
    /* Power is back, and no faults any more. Everything is closed. */
    void (*recover)(void *ctx);
    /* Against the contract of storage, a write may leave an object cut off: what was committed must be whole, and the
     * rest need not work before somebody removes that object. */
    bool (*tears_objects)(unsigned mode);
};

#define CRASH_POINTS_MAX 64

struct crash_engine {
    struct storage *storage;
    struct vault_host *host;
    struct vault *vault;
};

struct crash_point {
    char id[40];
    char repository; /* 'a' or 'b' */
    unsigned version;
};

struct crash_world {
    const struct crash_place *place;
    struct secret *password;
    struct vault *keys[2]; /* of vaults that were there before the fault: opening one takes its time, by design */
    struct crash_point points[CRASH_POINTS_MAX]; /* committed, as somebody was told */
    size_t point_count;
    int64_t held_until; /* all that repository a's points need, as somebody was told; 0: not */
    unsigned ids;       /* given so far */
    struct fake_clock *clock;
    struct storage *checked; /* for the world's own use */
};

/* repository 'a' or 'b'; both hold the vault "vault-a" when replica is set, else "vault-<repository>". With create, the
 * vault is made when it is not there. -1 leaves nothing open. */
int crash_engine_open(struct crash_world *world, char repository, bool replica, bool create,
                      struct crash_engine *engine, struct error *err);
/* Without a vault's keys: engine->vault stays NULL. */
int crash_engine_open_host(struct crash_world *world, char repository, bool replica, bool create,
                           struct crash_engine *engine, struct error *err);
void crash_engine_close(struct crash_engine *engine);

/* Stores what version holds (on top of the repository's last committed point) and commits a point. */
int crash_world_backup(struct crash_world *world, char repository, unsigned version, struct error *err);
/* From now on nobody relies on the repository's point of this version. Returns its id, or NULL when that was said
 * before. */
const char *crash_world_expire(struct crash_world *world, char repository, unsigned version, char id[40]);
/* To be called when a point is known to be committed. */
void crash_world_committed(struct crash_world *world, char repository, const char *id, unsigned version);
/* Fails the test when a vault does not verify or a committed point does not restore. */
void crash_world_check(struct crash_world *world, char repository, bool replica, bool only_committed);

struct crash_scenario {
    const char *name;
    unsigned stride; /* every how many faults: 1 for all; more where passwords are worked on each time */
    bool replica;    /* repository b holds the same vault as a */
    bool needs_locks;
    const char *repositories; /* "a" or "ab": to be checked; the last one's storage fails */
    int (*prepare)(struct crash_world *world, struct error *err);
    /* May be done again after it failed, and then succeeds. Adds what it commits to world->points. */
    int (*act)(struct crash_world *world, struct error *err);
};

extern const struct crash_scenario crash_scenarios[];
extern const size_t crash_scenarios_count;

/* Runs the scenario for fault 0, 1, 2 … until one comes too late to strike, in every mode of the place. Returns how
 * many faults struck. */
unsigned crash_world_run(const struct crash_place *place, const struct crash_scenario *scenario);
/* The step under way, for a failure's message. */
extern char crash_world_step[256];
/* Runs test once for each scenario (whose name is like pattern, as "*copy*"; NULL: all), with a pointer to it as its
 * state. For main(). */
int crash_world_main(const char *name, CMUnitTestFunction test, const char *pattern);

#endif
