#ifndef LONGHAUL_TRANSPORTER_RESTORE_TO_FOLDER_H
#define LONGHAUL_TRANSPORTER_RESTORE_TO_FOLDER_H

/* A restore into a folder of this machine: <folder>/<folders of the mailbox or drive>/<name>. Mails are .eml files
 * named as safe_name_message() says, files keep their names as far as safe_name_file() lets them; both get the time
 * they had. Nothing that is there is overwritten: an item that is there already with the same bytes is left alone (so a
 * restore that was cut off can be repeated), another one of that name makes the new one "name (2)". */

#include "transporter/restore/restore_sink.h"

struct confined_dir;

struct to_folder_options {
    const char *root;  /* the operator's; see confined_dir_open() */
    const char *below; /* "": the root itself */
    const char *task_id;
};

struct restore_sink *to_folder_open(const struct to_folder_options *options, struct error *err);
/* Where report.jsonl goes; borrowed. */
int to_folder_fd(const struct restore_sink *sink);

#endif
