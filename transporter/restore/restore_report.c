#include "transporter/restore/restore_report.h"

#include "common/base/encoding.h"
#include "common/base/memory.h"
#include "common/crypto/digest.h"
#include "common/crypto/private_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NUMBERS_MAX 1000

struct restore_report {
    pthread_mutex_t lock;
    FILE *files[2]; /* the second may be NULL */
    int folder;     /* of the second; -1 without */
    char part[80];  /* its name there until it is whole: a repetition after a crash begins it anew */
    uint64_t skipped, failed;
    struct task_result gaps; /* gaps only */
};

static int
report_fail(struct error *err)
{
    int native = errno;
    return FAIL(err, error_kind_from_errno(native), native, "restore report: %s", strerror(native));
}

char *
restore_report_path(const char *state_dir, const char *task_id)
{
    return memory_printf("%s/reports/%s.jsonl", state_dir, task_id);
}

/* Removes the oldest report when there are too many. */
static void
make_room(const char *folder)
{
    char oldest[NAME_MAX + 1] = "";
    struct timespec oldest_time = { .tv_sec = 0 };
    size_t count = 0;
    DIR *entries = opendir(folder);
    if (entries == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        struct stat st;
        if (entry->d_name[0] == '.' || fstatat(dirfd(entries), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (count++ == 0 || st.st_mtim.tv_sec < oldest_time.tv_sec) {
            oldest_time = st.st_mtim;
            snprintf(oldest, sizeof(oldest), "%s", entry->d_name);
        }
    }
    if (count >= RESTORE_REPORT_KEPT)
        unlinkat(dirfd(entries), oldest, 0);
    closedir(entries);
}

static FILE *
open_kept(const char *state_dir, const char *task_id, struct error *err)
{
    CLEANUP(memory_free_p) char *folder = memory_printf("%s/reports", state_dir);
    CLEANUP(memory_free_p) char *path = restore_report_path(state_dir, task_id);
    if (private_file_folder(folder, err) != 0)
        return NULL;
    make_room(folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (file == NULL)
        report_fail(err);
    return file;
}

static FILE *
open_beside(struct restore_report *report, const char *task_id, int folder_fd, struct error *err)
{
    snprintf(report->part, sizeof(report->part), ".longhaul-%s-report.part", task_id);
    report->folder = fcntl(folder_fd, F_DUPFD_CLOEXEC, 0);
    if (report->folder >= 0)
        unlinkat(report->folder, report->part, 0);
    int fd = report->folder < 0
                 ? -1
                 : openat(report->folder, report->part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (file == NULL)
        report_fail(err);
    return file;
}

/* Under a name that nothing else has. */
static int
publish_beside(const struct restore_report *report, struct error *err)
{
    char name[32] = "report.jsonl";
    int result = -1;
    for (unsigned number = 2; number <= NUMBERS_MAX; number++) {
        result = linkat(report->folder, report->part, report->folder, name, 0);
        if (result == 0 || errno != EEXIST)
            break;
        snprintf(name, sizeof(name), "report (%u).jsonl", number);
    }
    if (result != 0)
        return report_fail(err);
    unlinkat(report->folder, report->part, 0);
    return 0;
}

struct restore_report *
restore_report_open(const char *state_dir, const char *task_id, int folder_fd, struct error *err)
{
    struct restore_report *report = MEMORY_NEW(struct restore_report);
    pthread_mutex_init(&report->lock, NULL);
    report->folder = -1;
    report->files[0] = open_kept(state_dir, task_id, err);
    if (report->files[0] != NULL && folder_fd >= 0)
        report->files[1] = open_beside(report, task_id, folder_fd, err);
    if (report->files[0] == NULL || (folder_fd >= 0 && report->files[1] == NULL)) {
        restore_report_close(report, NULL);
        return NULL;
    }
    return report;
}

int
restore_report_close(struct restore_report *report, struct error *err)
{
    int result = 0;
    if (report == NULL)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(report->files); i++) {
        if (report->files[i] == NULL)
            continue;
        if (fflush(report->files[i]) != 0 || fsync(fileno(report->files[i])) != 0)
            result = report_fail(err);
        fclose(report->files[i]);
    }
    if (report->files[1] != NULL && publish_beside(report, err) != 0)
        result = -1;
    if (report->folder >= 0)
        close(report->folder);
    pthread_mutex_destroy(&report->lock);
    free(report);
    return result;
}

static const char *
outcome_name(enum restore_outcome outcome)
{
    switch (outcome) {
    case RESTORE_DONE:
        return "restored";
    case RESTORE_PRESENT:
        return "present";
    case RESTORE_SKIPPED:
        return "skipped";
    case RESTORE_FAILED:
        return "failed";
    }
    return "";
}

static void
set_text(json_t *json, const char *name, const char *text)
{
    if (text != NULL && text[0] != '\0')
        json_object_set_new(json, name, json_string(text));
}

/* One line; the caller frees it. NULL: a text is no UTF-8 at all, which safe names rule out. */
static char *
line_of(const struct restore_report_entry *entry)
{
    char hex[2 * CATALOG_KEY_MAX + 1];
    encoding_hex(entry->key.bytes, entry->key.len, hex);
    json_t *json = json_pack("{s:s, s:s, s:s, s:I}", "key", hex, "kind", catalog_kind_name(entry->kind), "outcome",
                             outcome_name(entry->outcome), "size", (json_int_t)entry->size);
    set_text(json, "path", entry->path);
    set_text(json, "reason", entry->reason);
    set_text(json, "detail", entry->detail);
    set_text(json, "new_id", entry->new_id);
    set_text(json, "losses", entry->losses);
    if (entry->sha256 != NULL) {
        encoding_hex(entry->sha256, DIGEST_LEN, hex);
        json_object_set_new(json, "sha256", json_string(hex));
    }
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    return text;
}

static int
add_locked(struct restore_report *report, const struct restore_report_entry *entry, const char *line, struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(report->files); i++)
        if (report->files[i] != NULL && (fputs(line, report->files[i]) < 0 || fputc('\n', report->files[i]) < 0))
            return report_fail(err);
    if (entry->outcome == RESTORE_SKIPPED)
        report->skipped++;
    if (entry->outcome == RESTORE_FAILED)
        report->failed++;
    if (entry->outcome == RESTORE_SKIPPED || entry->outcome == RESTORE_FAILED)
        task_result_add_gap(&report->gaps, entry->reason != NULL ? entry->reason : "unknown", 1);
    return 0;
}

int
restore_report_add(struct restore_report *report, const struct restore_report_entry *entry, struct error *err)
{
    char *line = line_of(entry);
    if (line == NULL)
        return FAIL(err, ERROR_INTERNAL, 0, "restore report: an entry cannot be written as JSON");
    pthread_mutex_lock(&report->lock);
    int result = add_locked(report, entry, line, err);
    pthread_mutex_unlock(&report->lock);
    free(line);
    return result;
}

int
restore_report_line(struct restore_report *report, const char *line, struct error *err)
{
    pthread_mutex_lock(&report->lock);
    bool bad = fputs(line, report->files[0]) < 0 || fputc('\n', report->files[0]) < 0;
    pthread_mutex_unlock(&report->lock);
    return bad ? report_fail(err) : 0;
}

void
restore_report_totals(struct restore_report *report, struct task_result *result)
{
    pthread_mutex_lock(&report->lock);
    result->items_skipped = report->skipped;
    result->items_failed = report->failed;
    for (size_t i = 0; i < report->gaps.gap_count; i++)
        task_result_add_gap(result, report->gaps.gaps[i].reason, report->gaps.gaps[i].count);
    pthread_mutex_unlock(&report->lock);
}
