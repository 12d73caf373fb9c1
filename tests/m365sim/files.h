#ifndef LONGHAUL_TESTS_M365SIM_FILES_H
#define LONGHAUL_TESTS_M365SIM_FILES_H

/* Small file helpers. Errors are ERROR_IO, ERROR_NOT_FOUND or ERROR_NO_SPACE. */

#include <stddef.h>
#include <stdint.h>

struct error;

/* An unnamed file in folder, open for reading and writing; the caller closes it. */
int files_temporary(const char *folder, struct error *err);
int files_write_at(int fd, const void *data, size_t len, uint64_t offset, struct error *err);
/* Copies len bytes from the start of one file to offset of another. */
int files_copy(int from, int to, uint64_t offset, uint64_t len, struct error *err);
/* The whole file with a NUL behind it, at most ceiling bytes; the caller frees it. */
char *files_read(const char *path, size_t ceiling, size_t *len, struct error *err);
/* Written beside and renamed into place. */
int files_replace(const char *path, const void *data, size_t len, struct error *err);
/* mkdir -p; existing is fine. */
int files_make_folder(const char *path, struct error *err);
/* Removes a folder with everything in it; symbolic links are removed, not followed. */
int files_remove_tree(const char *path, struct error *err);

#endif
