#ifndef LONGHAUL_TRANSPORTER_LINK_RENEW_H
#define LONGHAUL_TRANSPORTER_LINK_RENEW_H

/* Keeps the node's certificate fresh over the channel to the director: a thread that wakes when two thirds of the
 * life are over, and again with growing pauses while it fails. */

#include <stdint.h>

struct clock;
struct error;
struct node_identity;
struct renew;
struct rpc_channel;

/* All borrowed until renew_stop(). */
struct renew *renew_start(const struct clock *clock, struct node_identity *identity, struct rpc_channel *channel,
                          struct error *err);
/* Waits for the thread; a call in flight is cut by its own deadline of 30 s, or by rpc_channel's end. NULL is fine. */
void renew_stop(struct renew *renew);

/* Any thread: look at the clock now, as after the machine has slept. */
void renew_poke(struct renew *renew);

/* One renewal now. Worker threads only. */
int renew_once(struct node_identity *identity, struct rpc_channel *channel, struct error *err);

/* Pure: milliseconds from now until the next try; 0 when it is due. failures: tries that failed in a row. */
int64_t renew_wait_ms(int64_t not_before_ms, int64_t not_after_ms, int64_t now_ms, unsigned failures);

#endif
