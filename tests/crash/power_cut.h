#ifndef LONGHAUL_TESTS_CRASH_POWER_CUT_H
#define LONGHAUL_TESTS_CRASH_POWER_CUT_H

/* What a power cut leaves of a folder, and system calls that fail. A program that links this with --wrap of the calls
 * (CMakeLists.txt) has each of those that touch the folder counted, noted and, when it is its turn, struck.
 *
 * The rules are POSIX's, read against us: only fsync() of a file keeps its bytes, attributes and flags; only fsync() of
 * a folder keeps the names in it; of everything else any part may be there or not after the cut. Real syncs are not
 * done, so it is quick. Thread-safe. */

#include <stdbool.h>
#include <stdint.h>

enum power_cut_mode {
    POWER_CUT_NEVER,
    POWER_CUT_LOSES,  /* nothing that was not synced is left */
    POWER_CUT_KEEPS,  /* all names are left, of unsynced bytes the beginnings */
    POWER_CUT_MIXES,  /* each at random */
    POWER_CUT_FAILS,  /* no cut: one call fails with an errno, and the next works */
    POWER_CUT_MEMORY, /* no cut: one allocation of those that may be refused is, wherever it is made */
    POWER_CUT_SHORT   /* no cut: one write() writes half */
};

struct power_cut_plan {
    enum power_cut_mode mode;
    uint64_t at; /* which call; of cuts: which one that changes something */
    int native;  /* errno */
    uint64_t seed;
    const char *within; /* only this folder below root is concerned, "b"; NULL: all of it */
};

/* Everything below root is durable as it is now. */
void power_cut_begin(const char *root, const struct power_cut_plan *plan);
bool power_cut_struck(void);
/* In modes of cuts: the power goes now. */
void power_cut_now(void);
/* No calls are noted any more. After a cut, root is made what it leaves; nothing below it may be open. */
void power_cut_end(void);

#endif
