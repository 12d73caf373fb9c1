#ifndef LONGHAUL_TRANSPORTER_RESTORE_SPOOL_H
#define LONGHAUL_TRANSPORTER_RESTORE_SPOOL_H

/* An item's bytes on their way into a tenant, which wants to read them more than once: written from the front, then
 * read from anywhere. Small ones stay in memory; larger ones go to a file without a name, encrypted with a key that
 * only this process has. One thread. */

#include <stddef.h>
#include <stdint.h>

struct clock;
struct error;
struct spool;

#define SPOOL_BLOCK ((size_t)64 << 10)

/* folder: where the file is made when it is needed; borrowed for life, as clock. */
struct spool *spool_new(const struct clock *clock, const char *folder);
void spool_free(struct spool *spool);

/* Empty again, for the next item. */
void spool_reset(struct spool *spool);
int spool_write(struct spool *spool, const void *data, size_t len, struct error *err);
uint64_t spool_len(const struct spool *spool);
/* At most capacity bytes from offset on; *len 0 at the end. After this nothing more is written before a reset. */
int spool_read(struct spool *spool, uint64_t offset, void *out, size_t capacity, size_t *len, struct error *err);

#endif
