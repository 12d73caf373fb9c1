#ifndef LONGHAUL_TESTS_M365SIM_BOX_INTERNAL_H
#define LONGHAUL_TESTS_M365SIM_BOX_INTERNAL_H

#include "tests/m365sim/box.h"

#define BOX_DEFAULT    255 /* well_known of the folder that is there from the start */
#define BOX_FILE_LIMIT ((size_t)64 << 20)

struct box {
    enum box_part part;
    const struct clock *clock;
    struct tree *disk;  /* the files */
    struct tree *model; /* the entities */
    char *map_path;
    /* Number of the last change taken from disk and, by the hexadecimal key of a file or folder on disk, what
     * became of it: {"folder": key} or {"items": {name: {"key": key, "hash": hash}}}. */
    json_t *map;
};

#endif
