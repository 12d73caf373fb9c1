#include "common/base/memory.h"
#include "director/api/api_fields.h"
#include "director/api/api_handlers.h"
#include "director/api/api_json.h"
#include "director/director.h"
#include "director/store/store_objects.h"
#include "director/store/store_points.h"
#include "director/store/store_secrets.h"
#include "director/store/store_transporters.h"

#include <string.h>

#define FOLDER_MAX 1024

static int
read_conflict(json_t *body, enum director_conflict *conflict, struct error *err)
{
    static const char *const names[] = { [DIRECTOR_CONFLICT_SKIP] = "skip",
                                         [DIRECTOR_CONFLICT_RENAME] = "rename",
                                         [DIRECTOR_CONFLICT_OVERWRITE] = "overwrite" };
    const char *text;

    *conflict = DIRECTOR_CONFLICT_SKIP;
    if (api_fields_optional_text(body, "conflict", 16, &text, err) != 0)
        return -1;
    for (size_t i = 0; text != NULL && i <= ARRAY_LEN(names); i++) {
        if (i == ARRAY_LEN(names))
            return FAIL(err, ERROR_USAGE, 0, "field \"conflict\" is skip, rename or overwrite");
        if (strcmp(text, names[i]) == 0) {
            *conflict = (enum director_conflict)i;
            break;
        }
    }
    return 0;
}

/* A path below the transporter's restore folder; the transporter checks again. */
static int
check_folder_path(const char *path, struct error *err)
{
    if (path[0] == '/' || strstr(path, "..") != NULL)
        return FAIL(err, ERROR_USAGE, 0,
                    "field \"folder_path\" is relative to the transporter's restore folder and has no \"..\"");
    return 0;
}

static int
read_target(const struct api_call *call, const struct store_point *point, struct director_restore *restore,
            struct error *err)
{
    json_t *body = call->body;
    CLEANUP(memory_free_p) struct store_object *object = MEMORY_NEW(struct store_object);

    if (api_fields_optional_text(body, "folder_path", FOLDER_MAX, &restore->folder_path, err) != 0 ||
        api_fields_optional_text(body, "target_object", IDENTIFIER_LEN - 1, &restore->target_object, err) != 0 ||
        api_fields_optional_text(body, "target_folder", 255, &restore->target_folder, err) != 0 ||
        read_conflict(body, &restore->conflict, err) != 0)
        return -1;
    if (restore->folder_path != NULL)
        return check_folder_path(restore->folder_path, err);
    if (restore->target_object == NULL)
        return 0;
    if (store_objects_find(call->store, restore->target_object, object, err) != 0)
        return -1;
    if (strcmp(object->tenant, point->tenant) != 0) /* content of one tenant never goes to another */
        return FAIL(err, ERROR_NOT_FOUND, 0, "the target is not an object of the point's tenant");
    return 0;
}

static int
check_selection(const struct api_call *call, const char *id, const char *tenant, struct error *err)
{
    struct store_secret secret;

    if (store_secrets_find(call->store, id, &secret, err) != 0)
        return -1;
    if (secret.purpose != STORE_SECRET_SELECTION || strcmp(secret.tenant, tenant) != 0)
        return FAIL(err, ERROR_USAGE, 0, "secret %s is not a selection of this tenant", id);
    return 0;
}

int
api_restores_start(struct api_call *call, struct error *err)
{
    static const char *const fields[] = { "point",         "selection",     "transporter", "folder_path",
                                          "target_object", "target_folder", "conflict",    NULL };
    CLEANUP(memory_free_p) struct store_transporter *transporter = MEMORY_NEW(struct store_transporter);
    struct director_restore restore = { .point_id = NULL };
    struct store_point point;
    char run[IDENTIFIER_LEN];

    if (api_fields_only(call->body, fields, err) != 0 ||
        api_fields_text(call->body, "point", IDENTIFIER_LEN - 1, &restore.point_id, err) != 0 ||
        api_fields_text(call->body, "selection", IDENTIFIER_LEN - 1, &restore.selection_secret, err) != 0 ||
        api_fields_optional_text(call->body, "transporter", STORE_NAME_LEN - 1, &restore.transporter, err) != 0 ||
        store_points_find(call->store, restore.point_id, &point, err) != 0 ||
        api_json_tenant_check(call, point.tenant, "recovery point", err) != 0 ||
        check_selection(call, restore.selection_secret, point.tenant, err) != 0 ||
        read_target(call, &point, &restore, err) != 0)
        return -1;
    if (restore.transporter != NULL) {
        if (store_transporters_find(call->store, restore.transporter, transporter, err) != 0)
            return -1;
        restore.transporter = transporter->id;
    }
    if (director_restore_start(call->director, &restore, call->token_name, run, err) != 0)
        return -1;
    return api_json_run_started(call, run);
}
