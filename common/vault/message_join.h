#ifndef LONGHAUL_COMMON_VAULT_MESSAGE_JOIN_H
#define LONGHAUL_COMMON_VAULT_MESSAGE_JOIN_H

/* Rebuilds a message from its recipe, bit for bit. */

#include "common/vault/vault_reader.h"

int message_join(struct vault_reader *reader, const struct content_ref *ref, vault_sink_fn *sink, void *ctx,
                 struct error *err);

#endif
