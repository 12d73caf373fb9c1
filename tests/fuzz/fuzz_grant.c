/* Grants from callers: what decodes is signed again to the same bytes, as there is one encoding. */
#include "common/base/buffer.h"
#include "common/crypto/grant.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct key_pair *key;
    if (key == NULL)
        key = key_pair_new(NULL);
    struct grant grant, back;
    if (grant_decode(data, len, &grant, NULL) != 0)
        return 0;
    struct buffer bytes = BUFFER_INIT(GRANT_MAX);
    struct grant_check check = { key_pair_point(key), grant.host_node_id, grant.holder_node_id, grant.holder_key_sha256,
                                 grant.not_before_ms };
    if (grant_sign(key, &grant, &bytes, NULL) != 0 || bytes.len != len ||
        memcmp(bytes.data, data, len - KEY_SIGNATURE_LEN) != 0 ||
        grant_verify(bytes.data, bytes.len, &check, &back, NULL) != 0)
        abort();
    buffer_clear(&bytes);
    return 0;
}
