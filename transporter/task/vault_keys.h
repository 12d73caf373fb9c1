#ifndef LONGHAUL_TRANSPORTER_TASK_VAULT_KEYS_H
#define LONGHAUL_TRANSPORTER_TASK_VAULT_KEYS_H

/* Vaults' unwrapped keys while tasks of the vault follow each other: checking a password costs 128 MiB and a third of
 * a second on purpose, once for a run rather than for each of its tasks. A key is kept in locked memory while a task
 * has it and until VAULT_KEYS_LINGER_MS after the last one, and only serves who brings the same password. Any thread.
 */

#include "common/vault/vault.h"

struct cancel;
struct vault_keys;

#define VAULT_KEYS_LINGER_MS 30000

struct vault_keys *vault_keys_new(const struct clock *clock);
void vault_keys_free(struct vault_keys *keys);

/* As vault_open(). Waits while another task opens the same vault. */
struct vault *vault_keys_open(struct vault_keys *keys, struct vault_backend backend, const char *vault_id,
                              const struct secret *password, struct cancel *cancel, struct error *err);
/* As vault_close(), of what the above returned; NULL is fine. */
void vault_keys_close(struct vault_keys *keys, struct vault *vault);
/* Forgets what has not been used for a while. NULL is fine. */
void vault_keys_sweep(struct vault_keys *keys);

#endif
