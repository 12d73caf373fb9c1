#include "common/base/buffer.h"
#include "common/base/error.h"
#include "transporter/pipeline/outcome_line.h"
#include "transporter/query/query_request.h"
#include "transporter/restore/selection.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
outcome(const char *text, size_t len)
{
    struct outcome_line line, again;
    struct error err = ERROR_INIT;
    if (outcome_line_parse(text, len, &line, &err) != 0)
        return;
    struct source_outcome told = { .result = line.result };
    memcpy(told.reason, line.reason, sizeof(told.reason));
    memcpy(told.detail, line.detail, sizeof(told.detail));
    struct buffer out = BUFFER_INIT(1 << 20);
    if (outcome_line_build(catalog_key_of(&line.key), &told, line.locator, &out, &err) != 0 ||
        outcome_line_parse((const char *)out.data, out.len - 1, &again, &err) != 0)
        abort();
    if (again.key.len != line.key.len || again.result != line.result)
        abort();
    outcome_line_clear(&again);
    outcome_line_clear(&line);
    buffer_clear(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = ERROR_INIT;
    struct selection selection;
    struct query_request request;
    const char *text = (const char *)data;
    if (selection_parse(text, size, &selection, &err) == 0)
        selection_clear(&selection);
    (void)query_request_parse(text, size, &request, &err);
    outcome(text, size);
    return 0;
}
