#ifndef LONGHAUL_COMMON_LOOP_EVENT_LOOP_H
#define LONGHAUL_COMMON_LOOP_EVENT_LOOP_H

/* One libuv loop: its thread, its timers, posts from other threads, signals, and the count of handles that
 * are still closing. Whoever owns handles on the loop goes through here, nobody else counts them. */

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct error;
struct event_loop;
struct event_timer;

typedef void event_fn(void *ctx);

struct event_loop *event_loop_new(struct error *err);
/* The loop must not be running; runs the posts that are left, closes what is left and frees. NULL is fine. */
void event_loop_free(struct event_loop *loop);

uv_loop_t *event_loop_uv(struct event_loop *loop);

/* Run on the calling thread until event_loop_stop(). */
void event_loop_run(struct event_loop *loop);
/* Run on a thread of its own; event_loop_stop() and then event_loop_join(). */
int event_loop_start_thread(struct event_loop *loop, struct error *err);
void event_loop_join(struct event_loop *loop);
/* Any thread, also a signal handler's libuv callback. */
void event_loop_stop(struct event_loop *loop);

/* Any thread: run fn(ctx) once on the loop thread, later, in the order posted. Posts that are left when the
 * loop is freed are run then, so that ctx can be released by fn. */
void event_loop_post(struct event_loop *loop, event_fn *fn, void *ctx);
/* The thread that may touch the loop's handles: the one that runs it; while it does not run, the one that made,
 * ran or joined it last. */
bool event_loop_on_thread(const struct event_loop *loop);
/* Run fn(ctx) on the loop thread and wait until it has returned; directly when already there. The loop must not
 * be stopped before. */
void event_loop_call(struct event_loop *loop, event_fn *fn, void *ctx);

/* Loop thread only. The timer is freed by event_timer_free(), which may be called from fn. repeat_ms 0: once. */
struct event_timer *event_timer_new(struct event_loop *loop, event_fn *fn, void *ctx);
void event_timer_start(struct event_timer *timer, uint64_t delay_ms, uint64_t repeat_ms);
void event_timer_stop(struct event_timer *timer);
void event_timer_free(struct event_timer *timer);

/* SIGTERM and SIGINT: fn is called with how many have come so far (1: drain; 2 and more: now). */
int event_loop_on_terminate(struct event_loop *loop, void (*fn)(void *ctx, int count), void *ctx, struct error *err);
int event_loop_on_hangup(struct event_loop *loop, event_fn *fn, void *ctx, struct error *err);

#endif
