#ifndef LONGHAUL_TRANSPORTER_RESTORE_RESTORE_REPORT_H
#define LONGHAUL_TRANSPORTER_RESTORE_RESTORE_REPORT_H

/* What became of each item of a restore: JSON lines in <state_dir>/reports/<task>.jsonl (mode 0600), for the "report"
 * query, and for a restore to a folder also in report.jsonl there. Any thread. */

#include "common/vault/catalog.h"
#include "transporter/task/task_result.h"

struct restore_report;

/* Reports of the latest tasks that are kept. */
#define RESTORE_REPORT_KEPT 200

enum restore_outcome {
    RESTORE_DONE,
    RESTORE_PRESENT, /* it was there already with the same bytes */
    RESTORE_SKIPPED,
    RESTORE_FAILED
};

struct restore_report_entry {
    struct catalog_key key;
    enum catalog_kind kind;
    enum restore_outcome outcome;
    const char *path;      /* in the folder, or the item's name; may be NULL, as all texts */
    const uint8_t *sha256; /* of the bytes restored; NULL */
    uint64_t size;
    const char *reason, *detail, *new_id, *losses;
};

/* folder_fd: where report.jsonl goes (a number is added when the name is taken), -1 for none; borrowed for the call. */
struct restore_report *restore_report_open(const char *state_dir, const char *task_id, int folder_fd,
                                           struct error *err);
/* Writes what is left; 0 when all of the report is on disk. Frees in either case. */
int restore_report_close(struct restore_report *report, struct error *err);

int restore_report_add(struct restore_report *report, const struct restore_report_entry *entry, struct error *err);
/* Any other line. */
int restore_report_line(struct restore_report *report, const char *line, struct error *err);
/* Skipped and failed items so far, with reasons, to the result. */
void restore_report_totals(struct restore_report *report, struct task_result *result);

/* The path of a task's report; the caller frees it. */
char *restore_report_path(const char *state_dir, const char *task_id);

#endif
