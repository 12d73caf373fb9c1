/* Certificate requests in DER and certificates in PEM, as they come over the wire. */
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/crypto/certificate.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct key_pair *key;
    static char *root;
    if (key == NULL) {
        key = key_pair_new(NULL);
        root = certificate_issue_authority(clock_system(), key, "Fuzz", INT64_C(86400000), NULL);
    }
    uint8_t sha256[32];
    struct certificate_issue issue = { .clock = clock_system(),
                                       .authority_pem = root,
                                       .authority_key = key,
                                       .request_der = data,
                                       .request_len = len,
                                       .node_id = "transporter-1",
                                       .lifetime_ms = 3600000 };
    char *leaf = certificate_issue(&issue, NULL);
    if ((leaf != NULL) != (certificate_request_check(data, len, sha256, NULL) == 0))
        abort();
    free(leaf);

    char *text = memory_new(len + 1);
    struct certificate_info info;
    memcpy(text, data, len);
    if (certificate_inspect(text, &info, NULL) == 0)
        certificate_check_issued(text, root, key, info.node_id, 0, NULL);
    free(text);
    return 0;
}
