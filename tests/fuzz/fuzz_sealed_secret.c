/* Opening bytes of strangers; what is sealed here comes back. */
#include "common/base/buffer.h"
#include "common/base/secret.h"
#include "common/crypto/sealed_secret.h"
#include "common/crypto/sealing_key.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct sealing_key *key;
    if (key == NULL)
        key = sealing_key_new(NULL);
    secret_free(sealed_secret_open(key, "a/b", data, len, NULL));

    struct buffer sealed = BUFFER_INIT(len + SEALED_SECRET_OVERHEAD + 1), back = BUFFER_INIT(len + 1);
    if (len > SECRET_MAX)
        return 0;
    if (sealed_secret_seal(sealing_key_point(key), "a/b", data, len, &sealed, NULL) != 0 ||
        sealed_secret_open_into(key, "a/b", sealed.data, sealed.len, &back, NULL) != 0 || back.len != len ||
        (len > 0 && memcmp(back.data, data, len) != 0))
        abort();
    /* Behind a good header: the same bytes as somebody's ephemeral point and ciphertext. */
    if (len > 14 && len < sealed.len) {
        memcpy(sealed.data + 14, data, len);
        secret_free(sealed_secret_open(key, "a/b", sealed.data, sealed.len, NULL));
    }
    buffer_clear(&sealed);
    buffer_clear(&back);
    return 0;
}
