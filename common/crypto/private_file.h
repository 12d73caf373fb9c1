#ifndef LONGHAUL_COMMON_CRYPTO_PRIVATE_FILE_H
#define LONGHAUL_COMMON_CRYPTO_PRIVATE_FILE_H

/* Small files that only their owner may read (mode 0600): keys, certificates, a node's identity. Durable when the
 * functions return: file and folder are synced. Any thread; two writers of one name are the caller's business. */

#include <stddef.h>

struct error;
struct secret;

/* A folder with mode 0700, and those above it. Fine when it is there. */
int private_file_folder(const char *path, struct error *err);
/* ERROR_EXISTS when the name is taken. After a crash the name is either complete or absent. */
int private_file_create(const char *path, const void *data, size_t len, struct error *err);
/* Replaces at once: a reader sees the old or the new bytes. */
int private_file_replace(const char *path, const void *data, size_t len, struct error *err);
/* At most SECRET_MAX bytes. ERROR_NOT_FOUND; ERROR_CONFIG when others than the owner have any access. */
struct secret *private_file_read(const char *path, struct error *err);

#endif
