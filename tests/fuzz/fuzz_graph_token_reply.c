#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/secret.h"
#include "transporter/graph/graph_token_reply.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* First byte picks the status; a token or an error, never neither. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = { 200, 400, 401, 429, 503 };
    static const char *const wanted[] = { "Mail.Read", NULL };
    struct graph_token_reply reply;
    struct error err = ERROR_INIT;

    if (size == 0)
        return 0;
    char *body = malloc(size);
    memcpy(body, data + 1, size - 1);
    int status = graph_token_reply_parse(statuses[data[0] % 5], body, size - 1, &reply, &err);
    free(body);
    if ((status == 0) != (reply.token != NULL) || (status == 0) == error_is_set(&err))
        abort();
    if (reply.token != NULL) {
        struct buffer missing = BUFFER_INIT(1024);
        graph_token_reply_missing(reply.token, wanted, &missing, NULL);
        buffer_clear(&missing);
        secret_free(reply.token);
    }
    return 0;
}
