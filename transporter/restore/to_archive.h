#ifndef LONGHAUL_TRANSPORTER_RESTORE_TO_ARCHIVE_H
#define LONGHAUL_TRANSPORTER_RESTORE_TO_ARCHIVE_H

/* A restore into one zip file, or into one mbox file for each mail folder.
 *
 * zip: <folders>/<name> as to_folder.h names them, with times; a name that is taken becomes "name (2)". The file
 * appears under its name when it is complete; one that is there is never replaced.
 * mbox: <folder>.mbox in an empty folder, "mail.mbox" for what lies at the top; RFC 4155 with the quoting of ">From "
 * lines that can be taken back (mboxrd), line ends as LF. Items that are not messages are reported as skipped. */

#include "transporter/restore/restore_sink.h"

struct clock;

enum to_archive_format { TO_ARCHIVE_ZIP, TO_ARCHIVE_MBOX };

struct to_archive_options {
    enum to_archive_format format;
    const char *path;  /* zip: of the file; mbox: of the folder, made when missing */
    const char *spool; /* a folder for items on their way, sealed with a key of this process; borrowed for life */
    const struct clock *clock;
};

/* ERROR_EXISTS when the file is there, or the folder is not empty. */
struct restore_sink *to_archive_open(const struct to_archive_options *options, struct error *err);

#endif
