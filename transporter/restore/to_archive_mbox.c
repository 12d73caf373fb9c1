#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/restore/confined_dir.h"
#include "transporter/restore/safe_name.h"
#include "transporter/restore/to_archive_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ADDRESS_MAX 320 /* RFC 3696 */

struct mbox {
    struct archive_file base;
    struct confined_dir *dir;
};

/* How far a line has been seen, over the borders of blocks. */
struct line {
    struct buffer out;
    uint8_t held[64]; /* the line's beginning: whether it needs a quote is not known yet */
    size_t held_len;
    bool holding;
    bool cr; /* the last byte was a CR that is not written yet */
};

static int
mbox_fail(struct error *err, const char *what)
{
    int native = errno;
    return FAIL(err, error_kind_from_errno(native), native, "mbox folder: %s: %s", what, strerror(native));
}

static bool
takes(const struct catalog_item *record)
{
    return record->kind == CATALOG_MESSAGE;
}

static int
on_folder(struct archive_file *base, const struct restore_item *folder, struct error *err)
{
    (void)base;
    (void)folder;
    (void)err;
    return 0;
}

/* "From ada@contoso.example Tue Nov 14 22:13:20 2023": the address of "Ada <ada@…>", the time in UTC. */
static int
write_separator(struct buffer *out, const struct catalog_item *record, struct error *err)
{
    char address[ADDRESS_MAX + 1] = "MAILER-DAEMON", at[32], separator[ADDRESS_MAX + 64];
    const char *from = record->from != NULL ? strrchr(record->from, '<') : NULL;
    size_t len = from != NULL ? strcspn(from + 1, "> \t\r\n") : 0;
    if (len > 0 && len <= ADDRESS_MAX && from[1 + len] == '>') {
        memcpy(address, from + 1, len);
        address[len] = '\0';
    }
    time_t seconds = (time_t)(record->received_ms / 1000);
    struct tm utc;
    if (gmtime_r(&seconds, &utc) == NULL || strftime(at, sizeof(at), "%a %b %e %H:%M:%S %Y", &utc) == 0)
        snprintf(at, sizeof(at), "Thu Jan  1 00:00:00 1970");
    int n = snprintf(separator, sizeof(separator), "From %s %s\n", address, at);
    return buffer_append(out, separator, (size_t)n, err);
}

/* mboxrd: one more '>' before every line of '>'s and "From ". */
static int
release_held(struct line *line, struct error *err)
{
    size_t quotes = strspn((const char *)line->held, ">");
    bool quote = line->held_len >= quotes + 5 && memcmp(line->held + quotes, "From ", 5) == 0;
    line->holding = false;
    if (quote && buffer_append(&line->out, ">", 1, err) != 0)
        return -1;
    return buffer_append(&line->out, line->held, line->held_len, err);
}

static int
put_byte(struct line *line, uint8_t byte, struct error *err)
{
    if (line->holding && byte != '\n' && line->held_len < sizeof(line->held) - 1) {
        line->held[line->held_len++] = byte;
        line->held[line->held_len] = 0;
        /* Most lines are told apart by their first byte. */
        bool undecided = byte == '>' || memchr("From ", byte, 5) != NULL;
        return undecided && line->held_len < sizeof(line->held) - 1 ? 0 : release_held(line, err);
    }
    if (line->holding && release_held(line, err) != 0)
        return -1;
    if (buffer_append(&line->out, &byte, 1, err) != 0)
        return -1;
    if (byte == '\n') {
        line->holding = true;
        line->held_len = 0;
        line->held[0] = 0;
    }
    return 0;
}

/* CRLF becomes LF; a CR alone stays. */
static int
put_bytes(struct line *line, const uint8_t *data, size_t len, struct error *err)
{
    static const uint8_t cr = '\r';
    for (size_t i = 0; i < len; i++) {
        if (line->cr && data[i] != '\n' && put_byte(line, cr, err) != 0)
            return -1;
        line->cr = data[i] == '\r';
        if (!line->cr && put_byte(line, data[i], err) != 0)
            return -1;
    }
    return 0;
}

static int
write_out(int fd, struct buffer *out, struct error *err)
{
    for (size_t at = 0; at < out->len;) {
        ssize_t n = write(fd, out->data + at, out->len - at);
        if (n < 0 && errno != EINTR)
            return mbox_fail(err, "write");
        at += n > 0 ? (size_t)n : 0;
    }
    out->len = 0;
    return 0;
}

static int
end_message(struct line *line, struct error *err)
{
    if (line->cr && put_byte(line, '\r', err) != 0)
        return -1;
    bool at_start = line->holding && line->held_len == 0;
    if (line->holding && release_held(line, err) != 0)
        return -1;
    return buffer_append(&line->out, "\n\n", at_start ? 1 : 2, err);
}

static int
write_message(int fd, const struct catalog_item *record, struct spool *content, struct error *err)
{
    CLEANUP(memory_free_p) uint8_t *block = memory_new(SPOOL_BLOCK);
    struct line line = { .out = BUFFER_INIT(4 * SPOOL_BLOCK), .holding = true };
    int result = write_separator(&line.out, record, err);
    for (uint64_t at = 0; result == 0 && at < spool_len(content);) {
        size_t n = 0;
        result = spool_read(content, at, block, SPOOL_BLOCK, &n, err);
        if (result == 0)
            result = put_bytes(&line, block, n, err);
        if (result == 0)
            result = write_out(fd, &line.out, err);
        at += n;
    }
    if (result == 0 && (result = end_message(&line, err)) == 0)
        result = write_out(fd, &line.out, err);
    buffer_clear(&line.out);
    return result;
}

/* "Inbox/Projects" is the file Projects.mbox in the folder Inbox. */
static int
open_folder_file(struct mbox *mbox, const char *folder_path, char path[ARCHIVE_PATH_MAX], struct error *err)
{
    char used[ARCHIVE_PATH_MAX - SAFE_NAME_MAX - 1], name[SAFE_NAME_MAX + 1];
    const char *slash = strrchr(folder_path, '/');
    CLEANUP(memory_free_p)
    char *parent = memory_printf("%.*s", slash != NULL ? (int)(slash - folder_path) : 0, folder_path);
    const char *last = slash != NULL ? slash + 1 : folder_path;
    int folder;
    if (confined_dir_enter(mbox->dir, parent, &folder, used, sizeof(used), err) != 0)
        return -1;
    snprintf(name, sizeof(name), "%.*s.mbox", SAFE_NAME_MAX - 5, last[0] != '\0' ? last : "mail");
    snprintf(path, ARCHIVE_PATH_MAX, "%s%s", used, name);
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    return fd >= 0 ? fd : mbox_fail(err, "open a file");
}

static int
on_add(struct archive_file *base, const struct restore_item *item, struct spool *content, char path[ARCHIVE_PATH_MAX],
       struct error *err)
{
    int fd = open_folder_file((struct mbox *)base, item->path, path, err);
    if (fd < 0)
        return -1;
    int result = write_message(fd, &item->record, content, err);
    close(fd);
    return result;
}

static int
on_finish(struct archive_file *base, struct error *err)
{
    return syncfs(confined_dir_fd(((struct mbox *)base)->dir)) == 0 ? 0 : mbox_fail(err, "sync");
}

static void
on_close(struct archive_file *base)
{
    struct mbox *mbox = (struct mbox *)base;
    confined_dir_close(mbox->dir);
    free(mbox);
}

static const struct archive_vtable vtable = {
    .takes = takes, .folder = on_folder, .add = on_add, .finish = on_finish, .close = on_close
};

static int
check_empty(int folder, struct error *err)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
    bool empty = true;
    if (entries == NULL)
        return mbox_fail(err, "list");
    for (const struct dirent *entry; (entry = readdir(entries)) != NULL;)
        empty = empty && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0);
    closedir(entries);
    return empty ? 0 : FAIL(err, ERROR_EXISTS, 0, "the mbox folder is not empty: name a new one");
}

struct archive_file *
archive_mbox_open(const char *path, struct error *err)
{
    struct confined_dir *dir = confined_dir_open(path, "", err);
    if (dir == NULL)
        return NULL;
    if (check_empty(confined_dir_fd(dir), err) != 0) {
        confined_dir_close(dir);
        return NULL;
    }
    struct mbox *mbox = MEMORY_NEW(struct mbox);
    mbox->base.vtable = &vtable;
    mbox->dir = dir;
    return &mbox->base;
}
