#ifndef LONGHAUL_TRANSPORTER_STORAGE_STORAGE_RETRY_H
#define LONGHAUL_TRANSPORTER_STORAGE_STORAGE_RETRY_H

/* How a driver over a network tries again: pauses that double and are jittered, the peer's Retry-After kept, an end to
 * it, and an error that tells what was tried. One struct per operation, used by one thread. */

#include <stdbool.h>
#include <stdint.h>

struct clock;
struct error;

#define STORAGE_RETRY_TRIES       9            /* the pauses between come to 15 to 30 s */
#define STORAGE_RETRY_HINT_MAX_MS (60u * 1000) /* a longer Retry-After is the caller's to wait for */

struct storage_retry {
    const struct clock *clock;
    unsigned tries_max, tries;
    uint64_t paused_ms;
    char first[160]; /* text of the first failure */
};

/* tries_max 0: STORAGE_RETRY_TRIES. */
void storage_retry_begin(struct storage_retry *retry, const struct clock *clock, unsigned tries_max);

/* After a failed try; err is not NULL for a second one. True: err was throttling, network, timeout, conflict or a peer
 * that cannot serve now; it has paused, err is clear, try again. False: err stays, tells of the tries before, and a
 * peer that could not be reached has become ERROR_UNAVAILABLE. */
bool storage_retry_again(struct storage_retry *retry, struct error *err);

/* The pause after so many failed tries; random is any number. Pure. */
uint32_t storage_retry_pause_ms(unsigned tries, uint32_t hint_ms, uint32_t random);

#endif
