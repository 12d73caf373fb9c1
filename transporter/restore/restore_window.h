#ifndef LONGHAUL_TRANSPORTER_RESTORE_RESTORE_WINDOW_H
#define LONGHAUL_TRANSPORTER_RESTORE_RESTORE_WINDOW_H

/* Items on their way out of the plan, put into the order of where their contents lie: a catalog's order is another one,
 * and what is there many times is opened once only when its items stand together. One thread. */

#include "transporter/restore/restore_plan.h"

#define RESTORE_WINDOW_ITEMS 8192
#define RESTORE_WINDOW_BYTES ((size_t)8 << 20) /* of texts and metadata, plus one item */

struct restore_window;
struct vault_reader;

/* Both borrowed for life. */
struct restore_window *restore_window_new(struct vault_reader *reader, const struct restore_plan_options *options);
void restore_window_free(struct restore_window *window);

/* One more item, all zero, for the caller to fill; what it points to becomes the window's. Valid until the window is
 * handed out. */
struct restore_item *restore_window_add(struct restore_window *window);
/* The newest item is filled and holds that many bytes: hands all out when they have become many. */
int restore_window_filled(struct restore_window *window, size_t bytes, struct error *err);
/* Hands out all there is. */
int restore_window_hand_out(struct restore_window *window, struct error *err);

#endif
