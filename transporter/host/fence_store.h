#ifndef LONGHAUL_TRANSPORTER_HOST_FENCE_STORE_H
#define LONGHAUL_TRANSPORTER_HOST_FENCE_STORE_H

/* The highest fencing number seen of every scope, in a file that is only appended to and rewritten when it is opened
 * with much that is outdated. Any thread. */

#include <stdint.h>

struct error;
struct fence_store;

/* Makes the file. ERROR_CORRUPT when it holds anything else; a last line without its end is a crash and is dropped. */
struct fence_store *fence_store_open(const char *path, struct error *err);
void fence_store_close(struct fence_store *store);

/* ERROR_FENCED when a higher one was seen; else durable before it returns. scope is an identifier or "". */
int fence_store_check(struct fence_store *store, const char *scope, uint64_t fence, struct error *err);
/* As check, but a lower number is fine and changes nothing. */
int fence_store_raise(struct fence_store *store, const char *scope, uint64_t fence, struct error *err);

#endif
