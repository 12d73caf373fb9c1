#ifndef LONGHAUL_TESTS_FAKES_SCRATCH_FOLDER_H
#define LONGHAUL_TESTS_FAKES_SCRATCH_FOLDER_H

/* A folder for one test that goes away with everything in it. */

#include <limits.h>

struct scratch_folder {
    char path[PATH_MAX];
};

/* Aborts when it cannot be made. */
void scratch_folder_init(struct scratch_folder *folder);
void scratch_folder_clear(struct scratch_folder *folder);

#endif
