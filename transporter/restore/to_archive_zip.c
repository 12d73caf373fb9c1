#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/restore/open_format.h"
#include "transporter/restore/safe_name.h"
#include "transporter/restore/to_archive_internal.h"
#include "transporter/restore/used_names.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct zip {
    struct archive_file base;
    char *path, *partial;
    int fd;
    locale_t utf8; /* libarchive asks the locale what names are encoded in */
    struct archive *archive;
    struct used_names *names;
    bool finished;
};

static int
zip_fail(struct zip *zip, struct error *err)
{
    const char *text = archive_error_string(zip->archive);
    int native = archive_errno(zip->archive);
    return FAIL(err, native > 0 ? error_kind_from_errno(native) : ERROR_IO, native, "zip file %s: %s", zip->path,
                text != NULL ? text : "cannot be written");
}

static bool
takes(const struct catalog_item *record)
{
    (void)record;
    return true;
}

static int
write_header(struct zip *zip, const char *path, bool folder, uint64_t size, int64_t modified_ms, struct error *err)
{
    locale_t before = uselocale(zip->utf8);
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, path);
    archive_entry_set_filetype(entry, folder ? AE_IFDIR : AE_IFREG);
    archive_entry_set_perm(entry, folder ? 0755 : 0644);
    archive_entry_set_size(entry, (la_int64_t)size);
    if (modified_ms != 0)
        archive_entry_set_mtime(entry, modified_ms / 1000, 0);
    int result = archive_write_header(zip->archive, entry);
    archive_entry_free(entry);
    uselocale(before);
    return result == ARCHIVE_OK ? 0 : zip_fail(zip, err);
}

static int
write_content(struct zip *zip, struct spool *content, struct error *err)
{
    uint8_t block[16384];
    for (uint64_t at = 0; at < spool_len(content);) {
        size_t n;
        if (spool_read(content, at, block, sizeof(block), &n, err) != 0)
            return -1;
        if (archive_write_data(zip->archive, block, n) != (la_ssize_t)n)
            return zip_fail(zip, err);
        at += n;
    }
    return archive_write_finish_entry(zip->archive) == ARCHIVE_OK ? 0 : zip_fail(zip, err);
}

static int
on_folder(struct archive_file *base, const struct restore_item *folder, struct error *err)
{
    struct zip *zip = (struct zip *)base;
    if (folder->path[0] == '\0' || !used_names_add(zip->names, folder->path))
        return 0;
    CLEANUP(memory_free_p) char *name = memory_printf("%s/", folder->path);
    return write_header(zip, name, true, 0, folder->record.modified_ms, err);
}

static void
choose_path(struct zip *zip, const struct restore_item *item, char path[ARCHIVE_PATH_MAX])
{
    const struct catalog_item *record = &item->record;
    char name[SAFE_NAME_MAX + 1], used[SAFE_NAME_MAX + 1];
    open_format_name(record, name);
    memcpy(used, name, sizeof(used));
    const char *slash = item->path[0] != '\0' ? "/" : "";
    for (unsigned number = 2;; number++) {
        snprintf(path, ARCHIVE_PATH_MAX, "%.*s%s%s", ARCHIVE_PATH_MAX - SAFE_NAME_MAX - 2, item->path, slash, used);
        if (used_names_add(zip->names, path))
            return;
        safe_name_numbered(name, number, used);
    }
}

static int
on_add(struct archive_file *base, const struct restore_item *item, struct spool *content, char path[ARCHIVE_PATH_MAX],
       struct error *err)
{
    struct zip *zip = (struct zip *)base;
    const struct catalog_item *record = &item->record;
    choose_path(zip, item, path);
    if (write_header(zip, path, false, spool_len(content), open_format_time(record), err) != 0)
        return -1;
    return write_content(zip, content, err);
}

static int
on_finish(struct archive_file *base, struct error *err)
{
    struct zip *zip = (struct zip *)base;
    if (archive_write_close(zip->archive) != ARCHIVE_OK)
        return zip_fail(zip, err);
    if (fsync(zip->fd) != 0 || linkat(AT_FDCWD, zip->partial, AT_FDCWD, zip->path, 0) != 0) {
        int native = errno;
        return FAIL(err, error_kind_from_errno(native), native, "zip file %s: %s", zip->path, strerror(native));
    }
    zip->finished = true;
    return 0;
}

static void
on_close(struct archive_file *base)
{
    struct zip *zip = (struct zip *)base;
    if (zip->archive != NULL) {
        if (!zip->finished)
            archive_write_fail(zip->archive);
        archive_write_free(zip->archive);
    }
    if (zip->fd >= 0) {
        close(zip->fd);
        unlink(zip->partial);
    }
    if (zip->utf8 != (locale_t)0)
        freelocale(zip->utf8);
    used_names_free(zip->names);
    free(zip->partial);
    free(zip->path);
    free(zip);
}

static const struct archive_vtable vtable = {
    .takes = takes, .folder = on_folder, .add = on_add, .finish = on_finish, .close = on_close
};

static int
start(struct zip *zip, struct error *err)
{
    if (access(zip->path, F_OK) == 0)
        return FAIL(err, ERROR_EXISTS, 0, "%s is there already: name a new file", zip->path);
    zip->fd = open(zip->partial, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (zip->fd < 0) {
        int native = errno;
        return FAIL(err, error_kind_from_errno(native), native, "zip file %s: %s", zip->partial, strerror(native));
    }
    locale_t before = uselocale(zip->utf8);
    zip->archive = archive_write_new();
    int result =
        archive_write_set_format_zip(zip->archive) == ARCHIVE_OK &&
                archive_write_set_options(zip->archive, "zip:compression=deflate,zip:hdrcharset=UTF-8") == ARCHIVE_OK &&
                archive_write_open_fd(zip->archive, zip->fd) == ARCHIVE_OK
            ? 0
            : zip_fail(zip, err);
    uselocale(before);
    return result;
}

struct archive_file *
archive_zip_open(const char *path, struct error *err)
{
    struct zip *zip = MEMORY_NEW(struct zip);
    zip->base.vtable = &vtable;
    zip->path = memory_strdup(path);
    zip->partial = memory_printf("%s.partial", path);
    zip->fd = -1;
    zip->names = used_names_new();
    zip->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (zip->utf8 == (locale_t)0)
        FAIL(err, ERROR_CONFIG, errno, "the locale C.UTF-8 is missing on this machine: names need it");
    else if (start(zip, err) == 0)
        return &zip->base;
    on_close(&zip->base);
    return NULL;
}
