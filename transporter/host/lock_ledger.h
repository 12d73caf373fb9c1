#ifndef LONGHAUL_TRANSPORTER_HOST_LOCK_LEDGER_H
#define LONGHAUL_TRANSPORTER_HOST_LOCK_LEDGER_H

/* When the lock of each object of a vault ends, as far as the storage has confirmed it: what need not be asked again.
 * An object that is not in it may be locked all the same. A ledger that is lost, or misses its last entries after a
 * crash, costs questions to the storage and nothing else. Any thread.
 *
 * 12 bytes of memory an object, a quarter more while it grows. The file, numbers little-endian: "LHLL", u32 version 1,
 * 16 random bytes, 8 zero bytes; then entries of u64 key (0: the promise), u32 minutes since 1970 rounded down
 * (2^32 - 1: dead), u32 check. The key is the beginning of HMAC-SHA256(random bytes, object name): nobody who chooses a
 * name can make it that of another object. The check is the beginning of HMAC-SHA256(random bytes, the 12 bytes
 * before). The last entry of a key counts; entries whose check is wrong do not. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clock;
struct error;
struct lock_ledger;

/* Makes the file when there is none, or one that is damaged. clock is borrowed for life. */
struct lock_ledger *lock_ledger_open(const char *path, const struct clock *clock, struct error *err);
void lock_ledger_close(struct lock_ledger *ledger);

/* 0: not known. Rounded down to a minute. */
int64_t lock_ledger_until(struct lock_ledger *ledger, const char *name);
/* The storage has confirmed it. Never lowers. */
void lock_ledger_note(struct lock_ledger *ledger, const char *name, int64_t until_ms);
/* The storage has told this; also lower, also none (0). Durable when it returns, or an error is logged. */
void lock_ledger_correct(struct lock_ledger *ledger, const char *name, int64_t until_ms);

/* Nothing will ever need the object again: its lock is not extended any more. What forgetting that costs is one more
 * extension. */
void lock_ledger_bury(struct lock_ledger *ledger, const char *name);
bool lock_ledger_is_dead(struct lock_ledger *ledger, const char *name);

/* Until when all that the vault's newest locked point needs is held; 0: no point was ever locked. Never lowers. */
int64_t lock_ledger_promise(struct lock_ledger *ledger);
void lock_ledger_raise_promise(struct lock_ledger *ledger, int64_t until_ms);

size_t lock_ledger_count(struct lock_ledger *ledger);

#endif
