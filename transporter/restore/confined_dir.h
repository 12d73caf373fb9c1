#ifndef LONGHAUL_TRANSPORTER_RESTORE_CONFINED_DIR_H
#define LONGHAUL_TRANSPORTER_RESTORE_CONFINED_DIR_H

/* A folder that nothing written through it can leave: every step goes through openat() with O_NOFOLLOW, one
 * component at a time, so that neither ".." nor a planted symbolic link leads out. One thread at a time. */

#include <stddef.h>
#include <stdint.h>

struct confined_dir;
struct error;

#define CONFINED_DIR_PATH_MAX 8192

/* root is the operator's folder (made when missing, links in it are the operator's); below is where in it, as the
 * order says: relative, '/' between components, each made safe first; ERROR_USAGE for ".." or an absolute path. */
struct confined_dir *confined_dir_open(const char *root, const char *below, struct error *err);
void confined_dir_close(struct confined_dir *dir);
void confined_dir_close_p(struct confined_dir **dir);

/* The folder itself; borrowed. */
int confined_dir_fd(const struct confined_dir *dir);

/* The sub-folder of this path, made when missing: components joined by '/', each made safe already (safe_name.h); ""
 * is the folder itself. A component that a file has taken gets a number. *fd is borrowed until the next call. used
 * (may be NULL) gets the path as it is, with a '/' at its end unless it is "", and as much of it as fits. */
int confined_dir_enter(struct confined_dir *dir, const char *path, int *fd, char *used, size_t used_size,
                       struct error *err);

#endif
