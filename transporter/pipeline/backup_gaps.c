#include "transporter/pipeline/backup_internal.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/vault/vault_reader.h"
#include "transporter/pipeline/outcome_line.h"

#include <string.h>

struct gaps {
    struct backup *backup;
    struct buffer line; /* up to its end */
};

/* The service is asked again for what failed; what it has refused stays refused until it names the item anew. */
static int
try_again(struct backup *backup, const struct outcome_line *line, struct error *err)
{
    struct source_item *item = NULL;
    int found = backup_ledger_item(backup->ledger, catalog_key_of(&line->key), line->locator, &item, err);
    if (found <= 0)
        return found;
    return backup_fetch_push(backup->fetch, item, err);
}

static int
judge(struct backup *backup, const char *text, size_t len, struct error *err)
{
    struct outcome_line line;
    struct known_item named;
    struct backup_ledger_record record;
    if (outcome_line_parse(text, len, &line, err) != 0)
        return -1;
    int result = 0;
    int found = 0;
    if (line.result != SOURCE_STORED && !known_items_get(backup->judged, catalog_key_of(&line.key), &named))
        found = backup_ledger_get(backup->ledger, catalog_key_of(&line.key), &record, err);
    if (found < 0)
        result = -1;
    else if (found == 1 && record.gap && line.result == SOURCE_FAILED)
        result = try_again(backup, &line, err);
    else if (found == 1 && record.gap)
        result = backup_ledger_carry(backup->ledger, text, len, false, line.reason, err);
    outcome_line_clear(&line);
    return result;
}

static int
on_outcome_bytes(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    struct gaps *gaps = ctx;
    while (len > 0) {
        const uint8_t *end = memchr(data, '\n', len);
        size_t part = end != NULL ? (size_t)(end - data) : len;
        if (buffer_append(&gaps->line, data, part, err) != 0)
            return -1;
        if (end == NULL)
            return 0;
        if (judge(gaps->backup, (const char *)gaps->line.data, gaps->line.len, err) != 0)
            return -1;
        gaps->line.len = 0;
        data += part + 1;
        len -= part + 1;
    }
    return 0;
}

int
backup_gaps_run(struct backup *backup, struct error *err)
{
    if (!backup->has_previous || backup->previous.outcomes.form == CONTENT_NONE)
        return 0;
    struct gaps gaps = { .backup = backup, .line = BUFFER_INIT(OUTCOME_LINE_MAX) };
    int result = vault_reader_read(backup->reader, &backup->previous.outcomes, on_outcome_bytes, &gaps, err);
    buffer_clear(&gaps.line);
    if (result != 0)
        return error_wrap(err, "outcomes of the previous point");
    return backup_fetch_drain(backup->fetch, err);
}
