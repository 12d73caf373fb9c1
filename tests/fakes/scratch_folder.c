#include "tests/fakes/scratch_folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

void
scratch_folder_init(struct scratch_folder *folder)
{
    const char *root = getenv("TMPDIR");

    snprintf(folder->path, sizeof(folder->path), "%s/longhaul-test-XXXXXX", root != NULL ? root : "/tmp");
    if (mkdtemp(folder->path) == NULL) {
        perror(folder->path);
        abort();
    }
}

static int
on_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void
scratch_folder_clear(struct scratch_folder *folder)
{
    if (folder->path[0] != '\0')
        (void)nftw(folder->path, on_entry, 16, FTW_DEPTH | FTW_PHYS);
    folder->path[0] = '\0';
}
