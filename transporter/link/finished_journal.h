#ifndef LONGHAUL_TRANSPORTER_LINK_FINISHED_JOURNAL_H
#define LONGHAUL_TRANSPORTER_LINK_FINISHED_JOURNAL_H

/* Messages "task finished" that the director has not acknowledged: one small file each, durable before it is
 * sent, removed by the acknowledgement, so that neither a lost link nor a crash loses a result. Any thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct finished_journal;

/* folder is made when missing. */
struct finished_journal *finished_journal_open(const char *folder, struct error *err);
void finished_journal_close(struct finished_journal *journal);

/* 0 means durable. The same task and fence again replaces it. task_id is a valid identifier. */
int finished_journal_put(struct finished_journal *journal, const char *task_id, uint64_t fence, const void *message,
                         size_t len, struct error *err);
/* Nothing happens when there is none. */
void finished_journal_remove(struct finished_journal *journal, const char *task_id, uint64_t fence);

bool finished_journal_is_empty(struct finished_journal *journal);
/* Calls fn for each, in no order; stops and returns -1 when fn does. */
int finished_journal_each(struct finished_journal *journal,
                          int (*fn)(void *ctx, const uint8_t *message, size_t len, struct error *err), void *ctx,
                          struct error *err);

#endif
