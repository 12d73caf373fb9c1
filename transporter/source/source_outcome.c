#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/graph/graph_error.h"
#include "transporter/source/source_internal.h"

#include <stdio.h>
#include <string.h>

#define FAULTS_IN_A_ROW_MAX 25u

static const struct {
    const char *code;
    enum source_result result;
    const char *reason;
} known_codes[] = {
    { "malwareDetected", SOURCE_SKIPPED, "malware" },
    { "virusSuspicious", SOURCE_SKIPPED, "malware" },
    { "accessRestricted", SOURCE_SKIPPED, "restricted" },
    { "notSupported", SOURCE_SKIPPED, "not_supported" },
    { "ErrorMimeContentConversionFailed", SOURCE_FAILED, "mime_conversion" },
    { "ErrorContentConversionFailed", SOURCE_FAILED, "mime_conversion" },
    { "ErrorCorruptData", SOURCE_FAILED, "corrupt_item" },
    { "ErrorCannotOpenFileAttachment", SOURCE_FAILED, "corrupt_attachment" },
};

static void
describe(const struct graph_response *response, struct source_outcome *outcome, enum source_result result,
         const char *reason)
{
    outcome->result = result;
    snprintf(outcome->reason, sizeof(outcome->reason), "%s", reason);
    snprintf(outcome->detail, sizeof(outcome->detail), "%d %s", response->status, response->inner);
}

/* 404 may mean the item or the mailbox: only the former is the item's own fate. */
static bool
is_item_gone(const struct graph_response *response)
{
    static const char *const codes[] = { "ErrorItemNotFound", "itemNotFound", "NotFound" };

    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (graph_error_has(response->code, response->inner, codes[i]))
            return true;
    return false;
}

static bool
is_fault(const struct source *source, const struct graph_response *response)
{
    /* A gateway on the way says 404 too, and knows nothing of the item. */
    return response->status >= 500 ||
           (response->status == 404 && response->code[0] == '\0' && !source->vtable->gone_without_code);
}

int
source_outcome_judge(struct source *source, const struct graph_response *response, struct source_outcome *outcome,
                     struct error *err)
{
    int status = response->status;

    if (status < 400 || status == 401 || err->kind == ERROR_THROTTLED || err->kind == ERROR_CANCELLED)
        return -1;
    if (is_fault(source, response) && atomic_fetch_add(&source->faults_in_a_row, 1) + 1 >= FAULTS_IN_A_ROW_MAX)
        return error_wrap(err, "%u items in a row", FAULTS_IN_A_ROW_MAX);
    for (size_t i = 0; i < ARRAY_LEN(known_codes); i++) {
        if (graph_error_has(response->code, response->inner, known_codes[i].code)) {
            describe(response, outcome, known_codes[i].result, known_codes[i].reason);
            error_clear(err);
            return 0;
        }
    }
    if (status == 404 && (response->code[0] == '\0' ? source->vtable->gone_without_code : is_item_gone(response)))
        describe(response, outcome, SOURCE_GONE, "gone");
    else if (status == 404 && response->code[0] != '\0')
        return -1;
    else if (status == 403)
        describe(response, outcome, SOURCE_SKIPPED, "denied");
    else if (status == 423)
        describe(response, outcome, SOURCE_FAILED, "locked");
    else
        describe(response, outcome, SOURCE_FAILED, "service_error");
    error_clear(err);
    return 0;
}

void
source_outcome_good(struct source *source, struct source_outcome *outcome, uint64_t bytes)
{
    atomic_store(&source->faults_in_a_row, 0);
    outcome->result = SOURCE_STORED;
    outcome->bytes = bytes;
}
