#ifndef LONGHAUL_TRANSPORTER_PIPELINE_OUTCOME_LINE_H
#define LONGHAUL_TRANSPORTER_PIPELINE_OUTCOME_LINE_H

/* The gap ledger of a recovery point: JSON lines, one for each item that is not stored, or is stored with a note.
 * {"key":"<hex>","result":"skipped","reason":"malware","detail":"...","locator":"..."}. Pure; any thread. */

#include "common/vault/catalog.h"
#include "transporter/source/source.h"

struct buffer;

#define OUTCOME_LINE_MAX ((size_t)16 << 10)

struct outcome_line {
    struct catalog_key_buffer key;
    enum source_result result; /* SOURCE_STORED, SOURCE_SKIPPED or SOURCE_FAILED */
    char reason[48];
    char detail[160];
    char *locator; /* owned; "" when there is none */
};

/* Appends one line with its end. */
int outcome_line_build(struct catalog_key key, const struct source_outcome *outcome, const char *locator,
                       struct buffer *out, struct error *err);
/* One line without its end. ERROR_FORMAT. Clear it after success. */
int outcome_line_parse(const char *text, size_t len, struct outcome_line *line, struct error *err);
void outcome_line_clear(struct outcome_line *line);

/* "stored", "gone", "skipped", "failed" */
const char *outcome_line_result_name(enum source_result result);

#endif
