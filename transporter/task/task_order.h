#ifndef LONGHAUL_TRANSPORTER_TASK_TASK_ORDER_H
#define LONGHAUL_TRANSPORTER_TASK_TASK_ORDER_H

/* What the director asks for, in plain structs: a task, where its vault is, its sealed secrets. Read-only once
 * made; see link/control_messages.h for the way from and to the wire. */

#include "common/base/identifier.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

#define TASK_ORDER_ADDRESS_MAX  264
#define TASK_ORDER_EXTERNAL_MAX 256
#define TASK_ORDER_NAME_MAX     512
#define TASK_ORDER_SECRETS_MAX  16
#define TASK_ORDER_POINTS_MAX   4096
#define TASK_ORDER_COPY_MAX     8192 /* points of one copy */
#define TASK_ORDER_EXPIRE_MAX   1024 /* points that one sweep retires */
#define TASK_ORDER_UNDO_MS_MAX  ((uint64_t)3650 * 24 * 3600 * 1000)

enum task_kind {
    TASK_CREATE_VAULT,
    TASK_BACKUP,
    TASK_RESTORE,
    TASK_VERIFY,
    TASK_DISCOVER,
    TASK_COPY,
    TASK_SWEEP,
    TASK_HEAL
};

enum task_object_kind { TASK_OBJECT_MAILBOX, TASK_OBJECT_DRIVE };

enum task_conflict { TASK_CONFLICT_SKIP, TASK_CONFLICT_RENAME, TASK_CONFLICT_OVERWRITE };

/* Where a vault is and the right to use it. */
struct task_vault {
    char vault_id[IDENTIFIER_LEN];
    char repository_id[IDENTIFIER_LEN];
    char host_node_id[IDENTIFIER_LEN];
    char host_address[TASK_ORDER_ADDRESS_MAX]; /* "host:port" */
    uint8_t *grant;                            /* owned */
    size_t grant_len;
};

/* A secret that only this transporter's sealing key opens. */
struct task_secret {
    char secret_id[IDENTIFIER_LEN];
    char purpose[IDENTIFIER_LEN];
    uint8_t *sealed; /* owned */
    size_t sealed_len;
};

struct task_object {
    char object_id[IDENTIFIER_LEN];
    enum task_object_kind kind;
    char external_id[TASK_ORDER_EXTERNAL_MAX];
    char name[TASK_ORDER_NAME_MAX];
};

struct task_order {
    char task_id[IDENTIFIER_LEN];
    char run_id[IDENTIFIER_LEN];
    char tenant_id[IDENTIFIER_LEN];
    uint64_t fence;
    enum task_kind kind;
    struct task_vault vault; /* empty ids for a discovery */
    struct task_secret *secrets;
    size_t secret_count;

    struct task_object object;     /* backup, restore: what it is of */
    char point_id[IDENTIFIER_LEN]; /* backup: the previous one or ""; restore: which */
    uint64_t bytes_per_second;     /* backup: 0: no limit */
    bool force_full;               /* backup */
    uint32_t compression_level;    /* create: 0: the default */
    bool to_tenant;                /* restore: else to a folder */
    char *folder_path;             /* restore to a folder: below restore.folder; owned */
    struct task_object target;     /* restore to a tenant */
    char *target_folder;           /* "": original folders; owned */
    enum task_conflict conflict;
    char (*points)[IDENTIFIER_LEN]; /* verify: which; none: all. Copy: which, oldest first. Sweep: to be retired */
    size_t point_count;
    bool verify_data;
    uint32_t verify_sample_ppm; /* 0: all */
    bool rebuild_index;         /* verify: first */
    uint64_t undo_ms;           /* sweep: how long what is retired can be brought back */
    uint64_t undo_record;       /* sweep: not 0: bring back what this retire record names, and nothing else */
    bool dry_run;               /* sweep */
    struct task_vault source;   /* copy: from where; object.object_id: whose, or "". Heal: the copy, or empty ids */
    struct task_secret source_password;
};

struct task_order *task_order_new(void);
void task_order_free(struct task_order *order);
void task_order_free_p(struct task_order **order);

void task_order_vault_clear(struct task_vault *vault);
void task_order_secret_clear(struct task_secret *secret);

const char *task_order_kind_name(enum task_kind kind);

#endif
