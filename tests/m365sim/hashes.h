#ifndef LONGHAUL_TESTS_M365SIM_HASHES_H
#define LONGHAUL_TESTS_M365SIM_HASHES_H

/* The quickXorHash of files, remembered by inode, size and time. Any thread. */

#include "common/crypto/quickxor.h"

struct hashes;

/* path: file that keeps them over restarts, or NULL. */
struct hashes *hashes_open(const char *path);
void hashes_free(struct hashes *h);
/* Of the file at path, in base64. 0, or -1 when it cannot be read. */
int hashes_of_file(struct hashes *h, const char *path, char out[QUICKXOR_TEXT]);

#endif
