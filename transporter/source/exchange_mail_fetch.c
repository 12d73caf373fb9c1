#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/graph/graph_url.h"
#include "transporter/source/exchange_mail_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Some items the service cannot write as MIME however often it is asked: signed and encrypted ones, reports, broken
 * ones. Their properties and attachments it still gives. */
static bool
needs_rebuild(const struct source_outcome *outcome)
{
    static const char *const reasons[] = { "mime_conversion", "corrupt_item", "corrupt_attachment" };

    for (size_t i = 0; outcome->result == SOURCE_FAILED && i < ARRAY_LEN(reasons); i++)
        if (strcmp(outcome->reason, reasons[i]) == 0)
            return true;
    return false;
}

/* When that fails too, the first refusal is what the operator is told. */
static int
rebuild(struct source *source, const struct source_item *item, const struct source_sink *sink,
        struct source_outcome *outcome, struct error *err)
{
    struct source_outcome second = { .result = SOURCE_FAILED };

    if (sink->restart(sink->ctx, err) != 0 || exchange_mail_rebuild(source, item, sink, &second, err) != 0)
        return -1;
    if (second.result == SOURCE_STORED || second.result == SOURCE_GONE)
        *outcome = second;
    return 0;
}

int
exchange_mail_fetch(struct source *source, const struct source_item *item, const struct source_sink *sink,
                    struct source_outcome *outcome, struct error *err)
{
    uint64_t bytes;
    CLEANUP(memory_free_p) char *url = graph_url("/users/%s/messages/%s/$value", source->user, item->id);
    CLEANUP(graph_response_clear) struct graph_response response = { .status = 0 };
    if (source_download(source, url, sink, &response, &bytes, err) != 0) {
        if (source_outcome_judge(source, &response, outcome, err) != 0)
            return -1;
        return needs_rebuild(outcome) ? rebuild(source, item, sink, outcome, err) : 0;
    }
    source_outcome_good(source, outcome, bytes);
    if (bytes == 0)
        snprintf(outcome->reason, sizeof(outcome->reason), "empty_content");
    return 0;
}
