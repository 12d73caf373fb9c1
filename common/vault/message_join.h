#ifndef LONGHAUL_COMMON_VAULT_MESSAGE_JOIN_H
#define LONGHAUL_COMMON_VAULT_MESSAGE_JOIN_H

/* Rebuilds a message from its recipe, bit for bit. The recipe comes in pieces, as it is stored. */

#include "common/vault/vault_reader.h"

struct message_join;

struct message_join_vtable {
    /* Bytes of the message in order. */
    vault_sink_fn *message;
    /* A part that is stored elsewhere: pass its bytes to message_join_part(). */
    int (*part)(void *ctx, struct message_join *join, const struct content_ref *ref, struct error *err);
};

struct message_join *message_join_new(const struct message_join_vtable *vtable, void *ctx);
void message_join_free(struct message_join *join);
/* ERROR_FORMAT when it is no recipe. */
int message_join_write(struct message_join *join, const uint8_t *data, size_t len, struct error *err);
/* A vault_sink_fn over the join. */
int message_join_part(void *join, const uint8_t *data, size_t len, struct error *err);
/* ERROR_CORRUPT when the recipe is cut off, or the message is not the one that was stored; total: its length. */
int message_join_end(struct message_join *join, uint64_t total, struct error *err);
/* Whether the recipe's end was reached, whatever the digest said. */
bool message_join_ended(const struct message_join *join);

#endif
