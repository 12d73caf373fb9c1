#include "common/rpc/rpc_frame.h"

#include "common/base/error.h"

#include <stdbool.h>
#include <stdlib.h>

#define LIMIT 300

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    size_t messages, bytes;
    int end; /* 0, or -1 */
};

/* Cut the input with a reader that sees `step` bytes at a time. */
static struct outcome
cut(const uint8_t *data, size_t size, size_t step)
{
    struct outcome outcome = { 0, 0, 0 };
    struct error err = ERROR_INIT;
    struct rpc_frame_reader reader;
    rpc_frame_reader_init(&reader, LIMIT);
    for (size_t at = 0; at < size && outcome.end == 0; at += step) {
        const uint8_t *p = data + at;
        size_t len = size - at < step ? size - at : step;
        struct rpc_message *message = NULL;
        int rc;
        while ((rc = rpc_frame_read(&reader, &p, &len, &message, &err)) == 1) {
            if (message->len > LIMIT)
                abort();
            outcome.messages++;
            outcome.bytes += message->len;
            rpc_frame_message_free(message);
        }
        outcome.end = rc;
        if ((rc == 0 && len != 0) || (rc < 0) != error_is_set(&err))
            abort();
    }
    rpc_frame_reader_clear(&reader);
    return outcome;
}

static bool
same(const struct outcome *a, const struct outcome *b)
{
    return a->messages == b->messages && a->bytes == b->bytes && a->end == b->end;
}

/* However the bytes arrive, the same messages come out. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole = cut(data, size, size + 1), single = cut(data, size, 1), seven = cut(data, size, 7);
    if (!same(&whole, &single) || !same(&whole, &seven))
        abort();
    return 0;
}
