#ifndef LONGHAUL_TRANSPORTER_RESCUE_RESCUE_INTERNAL_H
#define LONGHAUL_TRANSPORTER_RESCUE_RESCUE_INTERNAL_H

#include "common/base/error.h"
#include "common/vault/catalog.h"
#include "transporter/rescue/rescue.h"

#include <stdbool.h>

struct vault;

struct rescue_options {
    const char *command;
    const char *storage, *vault_id, *password_file;
    /* NULL: not given */
    const char *point, *folder, *to, *format;
    const char *text, *name, *subject, *sender, *from, *until;
    const char *sample, *seed, *from_storage, *from_vault, *from_password_file;
    bool json; /* one object a line */
    bool structure, quarantine;
};

/* A vault opened for one command. */
struct rescue {
    const struct clock *clock;
    struct rescue_options options;
    bool writes;     /* else nothing on the storage is touched */
    char *state_dir; /* a temporary folder, removed at the end */
    struct storage *storage;
    struct vault_host *host;
    struct vault *vault;
};

int rescue_open(struct rescue *rescue, struct error *err);
void rescue_close(struct rescue *rescue);

/* --folder as a key; len 0 when it is not given. */
int rescue_folder_key(const struct rescue *rescue, struct catalog_key_buffer *key, struct error *err);

int rescue_list(struct rescue *rescue, struct error *err);
int rescue_search(struct rescue *rescue, struct error *err);
int rescue_browse(struct rescue *rescue, struct error *err);
int rescue_verify(struct rescue *rescue, struct error *err);
int rescue_heal(struct rescue *rescue, struct error *err);
int rescue_rebuild_index(struct rescue *rescue, struct error *err);
int rescue_export(struct rescue *rescue, struct error *err);

#endif
