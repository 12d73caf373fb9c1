#ifndef LONGHAUL_TESTS_SWEEP_SIM_H
#define LONGHAUL_TESTS_SWEEP_SIM_H

/* One schedule: hosts, runs, sweeps and operators over one vault, each step chosen by a seed. */

#include "common/base/clock.h"
#include "common/vault/catalog.h"
#include "common/vault/point.h"
#include "common/vault/retire_state.h"
#include "common/vault/vault_backend.h"
#include "common/vault/vault_sweep.h"
#include "tests/sweep/sim_disk.h"

#include <stdbool.h>
#include <stdint.h>

#define SIM_VAULT    "vault-sim"
#define SIM_SETTLE   ((uint64_t)200)
#define SIM_UNDO     ((uint64_t)3000)
#define SIM_CONTENTS 24
#define SIM_PIECES   10
#define SIM_ITEMS    8
#define SIM_NEEDS    64
#define SIM_POINTS   160
#define SIM_WRITERS  5
#define SIM_HOSTS    2

/* Rules that a schedule breaks, to show that breaking them is found. */
enum sim_fault {
    SIM_FAULT_NONE,
    SIM_FAULT_NO_EPOCH,     /* runs state an epoch that is never refused */
    SIM_FAULT_NO_SECOND,    /* sweeps do not mark from points that can still be undone */
    SIM_FAULT_LATE_BEGIN,   /* runs ask for the epoch after they have looked around */
    SIM_FAULT_SEES_RETIRED, /* runs count on retired packs */
    SIM_FAULT_NO_SETTLING,  /* what is closed is removed at once */
    SIM_FAULT_COUNT
};

/* A chunk of what is backed up. */
struct sim_piece {
    struct chunk_id id;
    uint8_t bytes[1024];
    size_t len;
};

struct sim_content {
    struct content_ref ref;
    const struct sim_piece *pieces[4];
    size_t piece_count;
    struct content_parts parts;
    bool has_parts;
};

struct sim_point {
    char id[IDENTIFIER_LEN];
    uint8_t contents[SIM_ITEMS];
    size_t count;
    struct catalog_root root;
    struct sim_piece nodes[2];
    struct chunk_id needs[SIM_NEEDS];
    size_t need_count;
    bool committed;    /* the host said so */
    bool expire_asked; /* somebody wanted it gone, at least once */
};

struct sim;

struct sim_host {
    struct sim *sim;
    struct sim_mount *mount;
    struct vault_host *host;
    struct clock clock;
    int64_t skew_ms;
    uint64_t booted_ms;
    unsigned number;
    bool sweeper;                      /* calls of a sweep, between which other things happen */
    struct vault *vault, *sweep_vault; /* opened over this host; the second is a sweep's */
};

struct sim_writer {
    bool active;
    int step, tries;
    unsigned host;
    uint64_t epoch;
    struct sim_point *base, *point;
    const struct sim_piece *missing[SIM_NEEDS];
    size_t missing_count, put;
};

struct sim_counters {
    uint64_t schedules, steps, commits, refused, sweeps, sweeps_ended, expired, undone, restarts, stale_hosts;
    uint64_t removed_packs, rewritten_packs, kept_packs, late_puts, checks, held, rebuilt;
};

struct sim {
    uint64_t seed, random, now_ms;
    enum sim_fault fault;
    const char *state_dir;
    struct sim_disk disk;
    struct vault *vault; /* keys */
    const struct sim_content *contents;
    const struct sim_piece *pieces;
    struct sim_host hosts[SIM_HOSTS]; /* [1] has lost touch, when it is there */
    struct sim_writer writers[SIM_WRITERS];
    struct sim_point points[SIM_POINTS];
    size_t point_count;
    int depth;
    bool quiet; /* the end: nothing fails any more */
    uint64_t journal_seen;
    struct retire_state *journal;
    bool lost, was_out_of_touch;
    char why[256];
    struct sim_counters *counters;
};

/* Content that every schedule shares. */
struct sim_stock {
    struct vault *vault;
    struct sim_piece pieces[SIM_PIECES];
    struct sim_piece lists[SIM_CONTENTS], recipes[SIM_CONTENTS];
    struct sim_content contents[SIM_CONTENTS];
};
void sim_stock_init(struct sim_stock *stock, const char *state_dir);
void sim_stock_clear(struct sim_stock *stock);

uint64_t sim_random(void *sim, uint64_t below);
/* False when something was lost; sim->why says what. */
bool sim_run(struct sim *sim, unsigned steps);

/* sim_host.c */
void sim_host_open(struct sim *sim, unsigned number);
void sim_host_close(struct sim *sim, unsigned number);
/* Up again, if it is down. */
void sim_host_ensure(struct sim *sim, unsigned number);
void sim_host_restart(struct sim *sim, unsigned number);

/* sim_backend.c: the host as runs and sweeps see it. */
struct vault_backend sim_backend(struct sim_host *host, bool sweeper);
/* host->vault and host->sweep_vault, over whatever host is there when they are used. */
void sim_host_init(struct sim *sim, unsigned number);
void sim_host_clear(struct sim *sim, unsigned number);

/* sim_writer.c */
void sim_writer_step(struct sim *sim, struct sim_writer *writer);
void sim_point_build(struct sim *sim, struct sim_point *point);

/* sim_step.c */
void sim_step(struct sim *sim);
void sim_sweep(struct sim *sim, unsigned host, const struct vault_sweep_options *given);

/* sim_check.c */
void sim_check(struct sim *sim);
void sim_check_reading(struct sim *sim);
void sim_check_freed(struct sim *sim);
void sim_lose(struct sim *sim, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
