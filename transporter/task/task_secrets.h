#ifndef LONGHAUL_TRANSPORTER_TASK_TASK_SECRETS_H
#define LONGHAUL_TRANSPORTER_TASK_TASK_SECRETS_H

/* The sealed secrets of an order, opened with this transporter's sealing key. Any thread. */

#include "transporter/task/task_order.h"

struct buffer;
struct node_identity;
struct secret;

/* NULL: sealed to another transporter, damaged, or moved from another place. */
struct secret *task_secrets_unseal(const struct node_identity *identity, const struct task_secret *sealed,
                                   struct error *err);
/* The one with this purpose; ERROR_CONFIG when the order has none. */
struct secret *task_secrets_find(const struct node_identity *identity, const struct task_secret *secrets, size_t count,
                                 const char *purpose, struct error *err);
/* The "vault-password" among them, out of its JSON. */
struct secret *task_secrets_vault_password(const struct node_identity *identity, const struct task_secret *secrets,
                                           size_t count, struct error *err);
/* Same as the second for contents too large for locked pages (a selection): appends to out. */
int task_secrets_find_large(const struct node_identity *identity, const struct task_secret *secrets, size_t count,
                            const char *purpose, struct buffer *out, struct error *err);

#endif
