#include "common/base/arena.h"
#include "common/base/memory.h"
#include "common/rpc/rpc_call.h"
#include "director/jobs/task_spec.h"
#include "director/link/control_send.h"
#include "director/store/store_points.h"
#include "director/store/store_secrets.h"
#include "director/store/store_tenants.h"
#include "director/store/store_vaults.h"
#include "proto/control.pb-c.h"

#include <stdlib.h>
#include <string.h>

#define ORDER_BUDGET  ((size_t)2 << 20)
#define ORDER_SECRETS 3

/* One StartTask while it is put together; all parts lie in the arena. */
struct order {
    struct session *session;
    struct store *store;
    const struct store_task *task;
    struct task_spec spec;
    struct arena *arena;
    Longhaul__V1__StartTask body;
    Longhaul__V1__SealedSecret secrets[ORDER_SECRETS];
    Longhaul__V1__SealedSecret *secret_list[ORDER_SECRETS];
};

static void *
keep(struct order *order, const void *data, size_t len, struct error *err)
{
    void *copy = arena_alloc(order->arena, len > 0 ? len : 1);

    if (copy == NULL) {
        FAIL(err, ERROR_LIMIT, 0, "the task is too large to be sent");
        return NULL;
    }
    if (len > 0)
        memcpy(copy, data, len);
    return copy;
}

static char *
keep_text(struct order *order, const char *text, struct error *err)
{
    return keep(order, text, strlen(text) + 1, err);
}

static int
add_secret(struct order *order, const char *id, enum store_secret_purpose purpose, struct error *err)
{
    CLEANUP(memory_free_p) uint8_t *sealed = NULL;
    size_t len = 0;

    if (id[0] == '\0')
        return FAIL(err, ERROR_CONFIG, 0, "the %s secret is missing: set it and seal it to the transporters",
                    store_secret_purpose_name(purpose));
    if (store_secrets_get_slot(order->store, id, order->session->node_id, &sealed, &len, err) != 0)
        return -1;
    Longhaul__V1__SealedSecret *secret = &order->secrets[order->body.n_secrets];
    longhaul__v1__sealed_secret__init(secret);
    secret->secret_id = keep_text(order, id, err);
    secret->purpose = keep_text(order, store_secret_purpose_name(purpose), err);
    secret->sealed = (ProtobufCBinaryData){ .len = len, .data = keep(order, sealed, len, err) };
    if (secret->secret_id == NULL || secret->purpose == NULL || secret->sealed.data == NULL)
        return -1;
    order->secret_list[order->body.n_secrets++] = secret;
    return 0;
}

static int
add_source_secret(struct order *order, struct error *err)
{
    struct store_tenant tenant;

    if (store_tenants_find(order->store, order->task->tenant, &tenant, err) != 0)
        return -1;
    return add_secret(order, tenant.microsoft_secret, STORE_SECRET_MICROSOFT365, err);
}

static Longhaul__V1__VaultAccess *
make_access(struct order *order, const struct vault_access *access, struct error *err)
{
    Longhaul__V1__VaultAccess *to = arena_alloc(order->arena, sizeof(*to));

    if (to == NULL) {
        FAIL(err, ERROR_LIMIT, 0, "the task is too large to be sent");
        return NULL;
    }
    longhaul__v1__vault_access__init(to);
    to->vault_id = keep_text(order, access->vault_id, err);
    to->repository_id = keep_text(order, access->repository_id, err);
    to->host_node_id = keep_text(order, access->host_node_id, err);
    to->host_address = keep_text(order, access->host_address, err);
    to->grant = (ProtobufCBinaryData){ access->grant_len, keep(order, access->grant, access->grant_len, err) };
    bool whole = to->vault_id != NULL && to->repository_id != NULL && to->host_node_id != NULL &&
                 to->host_address != NULL && to->grant.data != NULL;
    return whole ? to : NULL;
}

static int
add_vault(struct order *order, struct error *err)
{
    struct store_vault vault;
    struct vault_access access;

    if (store_vaults_find(order->store, order->task->vault, &vault, err) != 0 ||
        vault_access_for_task(order->store, order->session->service->options.authority, order->task,
                              order->session->peer.key_sha256, &access, err) != 0)
        return -1;
    order->body.vault = make_access(order, &access, err);
    if (order->body.vault == NULL)
        return -1;
    return add_secret(order, vault.password_secret, STORE_SECRET_VAULT_PASSWORD, err);
}

static Longhaul__V1__ObjectKind
kind_of(enum store_object_kind kind)
{
    switch (kind) {
    case STORE_OBJECT_MAILBOX:
        return LONGHAUL__V1__OBJECT_KIND__OBJECT_KIND_MAILBOX;
    case STORE_OBJECT_DRIVE:
        return LONGHAUL__V1__OBJECT_KIND__OBJECT_KIND_DRIVE;
    case STORE_OBJECT_ANY:
        break;
    }
    return LONGHAUL__V1__OBJECT_KIND__OBJECT_KIND_UNSPECIFIED;
}

static Longhaul__V1__ProtectedObject *
make_object(struct order *order, const char *id, struct error *err)
{
    struct store_object row;

    if (store_objects_find(order->store, id, &row, err) != 0)
        return NULL;
    Longhaul__V1__ProtectedObject *object = arena_alloc(order->arena, sizeof(*object));
    if (object == NULL) {
        FAIL(err, ERROR_LIMIT, 0, "the task is too large to be sent");
        return NULL;
    }
    longhaul__v1__protected_object__init(object);
    object->kind = kind_of(row.kind);
    object->object_id = keep_text(order, row.id, err);
    object->external_id = keep_text(order, row.external_id, err);
    object->name = keep_text(order, row.name, err);
    return object->object_id != NULL && object->external_id != NULL && object->name != NULL ? object : NULL;
}

static int
send_body(struct order *order, struct error *err)
{
    Longhaul__V1__DirectorMessage message = LONGHAUL__V1__DIRECTOR_MESSAGE__INIT;

    order->body.task_id = keep_text(order, order->task->id, err);
    order->body.run_id = keep_text(order, order->task->run, err);
    order->body.tenant_id = keep_text(order, order->task->tenant, err);
    if (order->body.task_id == NULL || order->body.run_id == NULL || order->body.tenant_id == NULL)
        return -1;
    order->body.fence = order->task->fence;
    order->body.secrets = order->secret_list;
    message.kind_case = LONGHAUL__V1__DIRECTOR_MESSAGE__KIND_START_TASK;
    message.start_task = &order->body;
    if (order->session->call == NULL)
        return FAIL(err, ERROR_UNAVAILABLE, 0, "transporter %s is not connected", order->session->node_id);
    struct error why = ERROR_INIT;
    if (rpc_call_send(order->session->call, &message.base, &why) == 0)
        return 0;
    /* Whatever it is, it is about the connection, and the task can go elsewhere. */
    return FAIL(err, ERROR_UNAVAILABLE, why.native, "transporter %s: %s", order->session->node_id, why.text);
}

static int
send(struct order *order, struct error *err)
{
    int rc = send_body(order, err);
    order->body.work_case = LONGHAUL__V1__START_TASK__WORK__NOT_SET;
    order->body.backup = NULL; /* the work is its builder's local */
    return rc;
}

static int
send_backup(struct order *order, struct error *err)
{
    Longhaul__V1__BackupTask work = LONGHAUL__V1__BACKUP_TASK__INIT;
    struct store_point previous = { 0 };
    struct error none = ERROR_INIT;

    if (add_vault(order, err) != 0 || add_source_secret(order, err) != 0)
        return -1;
    work.object = make_object(order, order->task->object, err);
    if (work.object == NULL)
        return -1;
    if (store_points_latest(order->store, order->task->vault, order->task->object, &previous, &none) != 0 &&
        none.kind != ERROR_NOT_FOUND)
        return FAIL(err, none.kind, none.native, "%s", none.text);
    work.previous_point = keep_text(order, store_points_stored_id(&previous), err);
    if (work.previous_point == NULL)
        return -1;
    work.bytes_per_second = order->spec.backup.bytes_per_second;
    work.force_full = order->spec.backup.force_full;
    order->body.work_case = LONGHAUL__V1__START_TASK__WORK_BACKUP;
    order->body.backup = &work;
    return send(order, err);
}

static Longhaul__V1__ConflictRule
conflict_of(enum director_conflict conflict)
{
    switch (conflict) {
    case DIRECTOR_CONFLICT_SKIP:
        return LONGHAUL__V1__CONFLICT_RULE__CONFLICT_RULE_SKIP;
    case DIRECTOR_CONFLICT_RENAME:
        return LONGHAUL__V1__CONFLICT_RULE__CONFLICT_RULE_RENAME;
    case DIRECTOR_CONFLICT_OVERWRITE:
        return LONGHAUL__V1__CONFLICT_RULE__CONFLICT_RULE_OVERWRITE;
    }
    return LONGHAUL__V1__CONFLICT_RULE__CONFLICT_RULE_SKIP;
}

static int
send_restore(struct order *order, struct error *err)
{
    Longhaul__V1__RestoreTask work = LONGHAUL__V1__RESTORE_TASK__INIT;
    Longhaul__V1__FolderTarget folder = LONGHAUL__V1__FOLDER_TARGET__INIT;
    Longhaul__V1__TenantTarget tenant = LONGHAUL__V1__TENANT_TARGET__INIT;
    bool to_folder = order->spec.restore.to_folder;

    if (add_vault(order, err) != 0 || (!to_folder && add_source_secret(order, err) != 0) ||
        add_secret(order, order->task->selection_secret, STORE_SECRET_SELECTION, err) != 0)
        return -1;
    work.object = make_object(order, order->task->object, err);
    work.point_id = order->spec.restore.point;
    if (work.object == NULL)
        return -1;
    if (to_folder) {
        folder.path = order->spec.restore.path;
        work.target_case = LONGHAUL__V1__RESTORE_TASK__TARGET_FOLDER;
        work.folder = &folder;
    } else {
        tenant.object = make_object(order, order->spec.restore.target_object, err);
        if (tenant.object == NULL)
            return -1;
        tenant.folder = order->spec.restore.path;
        tenant.conflict = conflict_of(order->spec.restore.conflict);
        work.target_case = LONGHAUL__V1__RESTORE_TASK__TARGET_TENANT;
        work.tenant = &tenant;
    }
    order->body.work_case = LONGHAUL__V1__START_TASK__WORK_RESTORE;
    order->body.restore = &work;
    return send(order, err);
}

static int
send_verify(struct order *order, struct error *err)
{
    Longhaul__V1__VerifyTask work = LONGHAUL__V1__VERIFY_TASK__INIT;
    char *points[TASK_SPEC_POINTS_MAX];

    if (add_vault(order, err) != 0)
        return -1;
    for (size_t i = 0; i < order->spec.verify.point_count; i++)
        points[i] = order->spec.verify.points[i];
    work.points = points;
    work.n_points = order->spec.verify.point_count;
    work.data = order->spec.verify.data;
    work.sample_ppm = order->spec.verify.sample_ppm;
    work.rebuild_index = order->spec.verify.rebuild_index;
    order->body.work_case = LONGHAUL__V1__START_TASK__WORK_VERIFY;
    order->body.verify = &work;
    return send(order, err);
}

#define EXPIRE_MAX 1024 /* points that one sweep retires */

struct expire_points {
    struct order *order;
    char **at;
    size_t count;
};

static int
on_expirable(void *ctx, const char *stored_id, struct error *err)
{
    struct expire_points *points = ctx;

    if (points->count == EXPIRE_MAX)
        return 0;
    points->at[points->count] = keep_text(points->order, stored_id, err);
    return points->at[points->count++] == NULL ? -1 : 0;
}

static int
send_sweep(struct order *order, struct error *err)
{
    Longhaul__V1__SweepTask work = LONGHAUL__V1__SWEEP_TASK__INIT;
    struct expire_points points = { order, arena_alloc(order->arena, EXPIRE_MAX * sizeof(char *)), 0 };

    if (points.at == NULL)
        return FAIL(err, ERROR_LIMIT, 0, "the task is too large to be sent");
    if (add_vault(order, err) != 0)
        return -1;
    for (size_t i = 0; i < order->spec.sweep.point_count; i++)
        points.at[points.count++] = order->spec.sweep.points[i];
    if (order->spec.sweep.before_ms != 0 &&
        store_points_expirable(order->store, order->task->vault, order->spec.sweep.before_ms,
                               EXPIRE_MAX - (unsigned)points.count, on_expirable, &points, err) != 0)
        return -1;
    work.expire = points.at;
    work.n_expire = points.count;
    work.undo_ms = order->spec.sweep.undo_ms;
    work.undo_record = order->spec.sweep.undo_record;
    work.dry_run = order->spec.sweep.dry_run;
    order->body.work_case = LONGHAUL__V1__START_TASK__WORK_SWEEP;
    order->body.sweep = &work;
    return send(order, err);
}

struct copy_points {
    struct order *order;
    char **ids;
    size_t count;
};

static int
on_uncopied(void *ctx, const char *stored_id, struct error *err)
{
    struct copy_points *points = ctx;

    if (points->count == SCHEDULER_COPIED_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "more recovery points than one task takes");
    points->ids[points->count] = keep_text(points->order, stored_id, err);
    return points->ids[points->count++] != NULL ? 0 : -1;
}

/* What is new since the last copy is looked up as late as now. */
static int
add_uncopied(struct order *order, Longhaul__V1__CopyTask *work, struct error *err)
{
    const struct store_point_copy copy = {
        .source = order->spec.copy.source,
        .vault = order->task->vault,
        .object = order->task->object,
        .latest = order->spec.copy.latest,
        .since_ms = order->spec.copy.since_ms,
    };
    struct copy_points points = { order, arena_alloc(order->arena, SCHEDULER_COPIED_MAX * sizeof(char *)), 0 };

    if (points.ids == NULL)
        return FAIL(err, ERROR_LIMIT, 0, "the task is too large to be sent");
    /* Half of the room is for what the new ones are built on. */
    if (store_points_uncopied(order->store, &copy, SCHEDULER_COPIED_MAX / 2, on_uncopied, &points, err) != 0)
        return -1;
    work->points = points.ids;
    work->n_points = points.count;
    return 0;
}

/* The other vault that is read. */
static int
make_source(struct order *order, Longhaul__V1__VaultAccess **to, Longhaul__V1__SealedSecret **password,
            struct error *err)
{
    struct store_vault source;
    struct vault_access access;

    if (store_vaults_find(order->store, task_spec_source(&order->spec), &source, err) != 0 ||
        vault_access_for_source(order->store, order->session->service->options.authority, order->task,
                                order->session->peer.key_sha256, &access, err) != 0 ||
        add_secret(order, source.password_secret, STORE_SECRET_VAULT_PASSWORD, err) != 0)
        return -1;
    /* The last one is the source's. */
    *password = order->secret_list[--order->body.n_secrets];
    *to = make_access(order, &access, err);
    return *to == NULL ? -1 : 0;
}

static int
send_copy(struct order *order, struct error *err)
{
    Longhaul__V1__CopyTask work = LONGHAUL__V1__COPY_TASK__INIT;

    if (add_vault(order, err) != 0 || make_source(order, &work.source, &work.source_password, err) != 0 ||
        add_uncopied(order, &work, err) != 0)
        return -1;
    work.object_id = keep_text(order, order->task->object, err);
    if (work.object_id == NULL)
        return -1;
    order->body.work_case = LONGHAUL__V1__START_TASK__WORK_COPY;
    order->body.copy = &work;
    return send(order, err);
}

static int
send_heal(struct order *order, struct error *err)
{
    Longhaul__V1__HealTask work = LONGHAUL__V1__HEAL_TASK__INIT;

    if (add_vault(order, err) != 0 ||
        (order->spec.heal.source[0] != '\0' && make_source(order, &work.source, &work.source_password, err) != 0))
        return -1;
    order->body.work_case = LONGHAUL__V1__START_TASK__WORK_HEAL;
    order->body.heal = &work;
    return send(order, err);
}

static int
send_small(struct order *order, struct error *err)
{
    Longhaul__V1__CreateVaultTask create = LONGHAUL__V1__CREATE_VAULT_TASK__INIT;
    Longhaul__V1__DiscoverTask discover = LONGHAUL__V1__DISCOVER_TASK__INIT;

    if (order->task->kind == STORE_RUN_DISCOVER) {
        if (add_source_secret(order, err) != 0)
            return -1;
        order->body.work_case = LONGHAUL__V1__START_TASK__WORK_DISCOVER;
        order->body.discover = &discover;
    } else {
        if (add_vault(order, err) != 0)
            return -1;
        order->body.work_case = LONGHAUL__V1__START_TASK__WORK_CREATE_VAULT;
        order->body.create_vault = &create;
    }
    return send(order, err);
}

static int
send_by_kind(struct order *order, struct error *err)
{
    switch (order->task->kind) {
    case STORE_RUN_BACKUP:
        return send_backup(order, err);
    case STORE_RUN_RESTORE:
        return send_restore(order, err);
    case STORE_RUN_VERIFY:
        return send_verify(order, err);
    case STORE_RUN_SWEEP:
        return send_sweep(order, err);
    case STORE_RUN_COPY:
        return send_copy(order, err);
    case STORE_RUN_HEAL:
        return send_heal(order, err);
    case STORE_RUN_DISCOVER:
    case STORE_RUN_CREATE_VAULT:
        return send_small(order, err);
    }
    return FAIL(err, ERROR_INTERNAL, 0, "a task of an unknown kind");
}

int
task_order_send(struct session *session, const struct store_task *task, struct error *err)
{
    CLEANUP(arena_free_p) struct arena *arena = arena_new(ORDER_BUDGET);
    struct order order = {
        .session = session,
        .store = session->service->options.store,
        .task = task,
        .spec = { .kind = task->kind },
        .arena = arena,
        .body = LONGHAUL__V1__START_TASK__INIT,
    };

    if (task_spec_decode(task->spec, &order.spec, err) != 0)
        return -1;
    return send_by_kind(&order, err);
}
