#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/vault/retire_journal.h"
#include "common/vault/retire_state.h"
#include "common/vault/vault_internal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A journal object as a host reads it. What is accepted is written again, byte for byte but for the MAC, and means the
 * same whatever comes before it. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t key[VAULT_KEY_LEN] = { 3 };
    struct retire_object object;
    struct vault vault = { .id = "" };
    CLEANUP(buffer_clear) struct buffer again = BUFFER_INIT(OBJECT_MAX_BYTES);
    char name[OBJECT_NAME_LEN];
    if (retire_object_decode(data, size, &object, NULL) != 0) {
        retire_object_clear(&object);
        return 0;
    }
    memcpy(vault.id, object.vault_id, sizeof(vault.id));
    vault.retire = secret_new(key, sizeof(key), NULL);
    retire_object_name(&object, data, size, name);
    if (retire_object_encode(&vault, &object, &again, NULL) == 0 &&
        (again.len != size || memcmp(again.data, data, size - RETIRE_MAC_LEN) != 0 ||
         retire_object_check(&vault, again.data, again.len, NULL) != 0))
        abort();
    struct retire_state *state = retire_state_new();
    uint64_t epoch = object.epoch;
    if (retire_state_add(state, &object, NULL) != 0 || retire_state_settle(state, NULL) != 0 ||
        retire_state_epoch(state) != epoch + 1 || retire_state_find(state, epoch) == NULL)
        abort();
    retire_state_free(state);
    retire_object_clear(&object);
    secret_free(vault.retire);
    return 0;
}
