/* Key slots from storage, also with a checksum that fits: no password work, that would be slow. */
#include "common/base/identifier.h"
#include "common/crypto/digest.h"
#include "common/crypto/key_slot.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct key_slot_info info;
    uint8_t copy[KEY_SLOT_MAX];
    key_slot_inspect(data, len, &info, NULL);
    if (len < DIGEST_LEN || len > sizeof(copy))
        return 0;
    memcpy(copy, data, len);
    digest_sha256(copy, len - DIGEST_LEN, copy + len - DIGEST_LEN);
    if (key_slot_inspect(copy, len, &info, NULL) == 0 && !identifier_valid(info.vault_id))
        abort();
    return 0;
}
