#include "common/base/log.h"
#include "common/base/memory.h"
#include "tests/fakes/scratch_folder.h"
#include "tests/sweep/sim.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SCHEDULES      2000
#define SCHEDULES_LONG 200000
#define TEETH_LIMIT    20000 /* a broken rule is found within so many */

struct choice {
    uint64_t first, count;
    unsigned steps;
    bool teeth, wide;
};

static int
on_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    return at->level == 0 ? 0 : remove(path);
}

/* True when nothing was lost. */
static bool
run_one(const struct sim_stock *stock, const char *state_dir, uint64_t seed, enum sim_fault fault, unsigned steps,
        struct sim_counters *counters, char why[256])
{
    struct sim *sim = MEMORY_NEW(struct sim);
    (void)nftw(state_dir, on_entry, 16, FTW_DEPTH | FTW_PHYS);
    sim->seed = seed;
    sim->fault = fault;
    sim->state_dir = state_dir;
    sim->vault = stock->vault;
    sim->contents = stock->contents;
    sim->pieces = stock->pieces;
    sim->counters = counters;
    bool whole = sim_run(sim, steps);
    memcpy(why, sim->why, sizeof(sim->why));
    free(sim);
    return whole;
}

static void
print_counters(const struct sim_counters *c)
{
    printf("%llu schedules, %llu steps, %llu checks: %llu commits, %llu refused, %llu of %llu sweeps to the end, "
           "%llu points expired, %llu records undone, %llu packs rewritten, %llu kept, %llu removed, %llu held, "
           "%llu restarts, %llu late writes, %llu hosts out of touch, %llu indexes made anew\n",
           (unsigned long long)c->schedules, (unsigned long long)c->steps, (unsigned long long)c->checks,
           (unsigned long long)c->commits, (unsigned long long)c->refused, (unsigned long long)c->sweeps_ended,
           (unsigned long long)c->sweeps, (unsigned long long)c->expired, (unsigned long long)c->undone,
           (unsigned long long)c->rewritten_packs, (unsigned long long)c->kept_packs,
           (unsigned long long)c->removed_packs, (unsigned long long)c->held, (unsigned long long)c->restarts,
           (unsigned long long)c->late_puts, (unsigned long long)c->stale_hosts, (unsigned long long)c->rebuilt);
}

/* Schedules that have lost something before. */
static const uint64_t once_lost[] = { 2666, 3419, 10232 };

static int
run_schedules(const struct sim_stock *stock, const char *state_dir, const struct choice *choice)
{
    struct sim_counters counters = { .schedules = 0 };
    char why[256];
    uint64_t extra = choice->count > 1 ? ARRAY_LEN(once_lost) : 0;
    for (uint64_t n = 0; n < choice->count + extra; n++) {
        uint64_t seed = n < choice->count ? choice->first + n : once_lost[n - choice->count];
        if (run_one(stock, state_dir, seed, SIM_FAULT_NONE, choice->steps, &counters, why))
            continue;
        print_counters(&counters);
        fprintf(stderr, "seed %llu: %s\n", (unsigned long long)seed, why);
        return 1;
    }
    print_counters(&counters);
    return 0;
}

/* Each rule that is broken on purpose must be found to lose something. */
static int
show_teeth(const struct sim_stock *stock, const char *state_dir, const struct choice *choice)
{
    static const char *const names[] = {
        [SIM_FAULT_NO_EPOCH] = "commits of any epoch",
        [SIM_FAULT_NO_SECOND] = "no marking from points that can be undone",
        [SIM_FAULT_LATE_BEGIN] = "asking for the epoch too late",
        [SIM_FAULT_SEES_RETIRED] = "runs that count on retired packs",
        [SIM_FAULT_NO_SETTLING] = "no settling time",
    };
    int failed = 0;
    /* A write that arrives late at just the wrong moment is rare: only a long run waits for it. */
    int end = choice->wide ? SIM_FAULT_COUNT : SIM_FAULT_NO_SETTLING;
    for (int fault = SIM_FAULT_NONE + 1; fault < end; fault++) {
        struct sim_counters counters = { .schedules = 0 };
        char why[256] = "";
        uint64_t seed = choice->first;
        while (seed < choice->first + TEETH_LIMIT &&
               run_one(stock, state_dir, seed, (enum sim_fault)fault, choice->steps, &counters, why))
            seed++;
        bool found = seed < choice->first + TEETH_LIMIT;
        printf("%s: %s", names[fault], found ? "found" : "NOT FOUND");
        if (found)
            printf(" in schedule %llu: %s", (unsigned long long)(seed - choice->first + 1), why);
        printf("\n");
        fflush(stdout);
        failed |= !found;
    }
    return failed;
}

int
main(int argc, char **argv)
{
    struct choice choice = { .first = 1, .count = SCHEDULES, .steps = 60 };
    struct scratch_folder folder;
    struct sim_stock *stock = MEMORY_NEW(struct sim_stock);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--long") == 0) {
            choice.count = SCHEDULES_LONG;
            choice.steps = 120;
            choice.wide = true;
        } else if (strcmp(argv[i], "--teeth") == 0) {
            choice.teeth = true;
        } else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
            choice.first = strtoull(argv[++i], NULL, 10);
            choice.count = 1; /* --count after it: so many from there */
        } else if (strcmp(argv[i], "--count") == 0 && i + 1 < argc) {
            choice.count = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--steps") == 0 && i + 1 < argc) {
            choice.steps = (unsigned)strtoul(argv[++i], NULL, 10);
        } else {
            fprintf(stderr, "usage: %s [--long] [--teeth] [--seed N] [--count N] [--steps N]\n", argv[0]);
            return 64;
        }
    }
    /* State on memory where there is some: nothing here is about real disks. */
    struct stat st;
    if (getenv("TMPDIR") == NULL && stat("/dev/shm", &st) == 0)
        setenv("TMPDIR", "/dev/shm", 1);
    log_setup(2, LOG_ERROR);
    scratch_folder_init(&folder);
    sim_stock_init(stock, folder.path);
    int failed = choice.teeth ? show_teeth(stock, folder.path, &choice) : run_schedules(stock, folder.path, &choice);
    sim_stock_clear(stock);
    free(stock);
    scratch_folder_clear(&folder);
    return failed;
}
