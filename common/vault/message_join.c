#include "common/vault/message_join.h"

#include "common/base/error.h"

int
message_join(struct vault_reader *reader, const struct content_ref *ref, vault_sink_fn *sink, void *ctx,
             struct error *err)
{
    (void)reader;
    (void)ref;
    (void)sink;
    (void)ctx;
    return FAIL(err, ERROR_UNSUPPORTED, 0, "a message recipe of an unknown version");
}
