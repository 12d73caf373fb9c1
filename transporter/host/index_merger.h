#ifndef LONGHAUL_TRANSPORTER_HOST_INDEX_MERGER_H
#define LONGHAUL_TRANSPORTER_HOST_INDEX_MERGER_H

/* Keeps the number of a vault's index segments small: a thread that merges segments of one order of magnitude as soon
 * as there are INDEX_MERGER_FAN of them. Lookups, new packs and commits go on meanwhile. The merged segment is durable
 * before the others are removed; a crash in between leaves segments that the next open finds to be covered. */

#include <stddef.h>

struct error;
struct index_merger;
struct vault_host;

#define INDEX_MERGER_FAN 4

/* host is borrowed for life. The thread starts with the first kick. */
struct index_merger *index_merger_new(struct vault_host *host);
/* Stops what is under way and waits for it. NULL is fine. */
void index_merger_free(struct index_merger *merger);

/* There is a new segment. Any thread. */
void index_merger_kick(struct index_merger *merger);

/* Which of the segments with these numbers of chunks are merged next: fills chosen (positions, ascending) and returns
 * how many; 0: none. Pure. */
size_t index_merger_choose(const size_t *chunks, size_t count, size_t *chosen, size_t most);

/* No merge is under way until index_merger_resume(). */
void index_merger_pause(struct index_merger *merger);
void index_merger_resume(struct index_merger *merger);

/* Merges once on the calling thread: 1 when it did, 0 when there was nothing to do or a sweep came in between. */
int index_merger_run(struct index_merger *merger, struct error *err);

#endif
