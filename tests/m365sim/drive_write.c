#include "tests/m365sim/drive.h"

#include "common/base/clock.h"
#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/m365sim/files.h"
#include "tests/m365sim/reply.h"
#include "tests/m365sim/request.h"
#include "tests/m365sim/sim.h"
#include "tests/m365sim/tree.h"
#include "tests/m365sim/uploads.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_CEILING 255u
#define PUT_CEILING  ((uint64_t)250 << 20)

enum conflict { CONFLICT_FAIL, CONFLICT_REPLACE, CONFLICT_RENAME };

const char *
drive_name_problem(const char *name)
{
    static const char *const reserved[] = { ".lock", "CON", "PRN", "AUX", "NUL", "desktop.ini", ".", ".." };
    size_t len = strlen(name);
    if (len == 0 || len > NAME_CEILING)
        return "The name is empty or longer than 255 characters.";
    if (strpbrk(name, "\"*:<>?/\\|") != NULL)
        return "The provided name contains characters that are not allowed.";
    if (name[0] == ' ' || name[len - 1] == ' ' || name[len - 1] == '.' || strncmp(name, "~$", 2) == 0)
        return "The provided name begins or ends with characters that are not allowed.";
    if (strcasestr(name, "_vti_") != NULL || strncmp(name, ".m365sim", 8) == 0)
        return "The provided name is reserved.";
    for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
        if (strcasecmp(name, reserved[i]) == 0)
            return "The provided name is reserved.";
    return NULL;
}

static enum conflict
conflict_of(const struct request *r, const json_t *item, enum conflict fallback)
{
    const char *word = json_string_value(json_object_get(item, "@microsoft.graph.conflictBehavior"));
    if (word == NULL)
        word = json_string_value(json_object_get(item, "@name.conflictBehavior"));
    if (word == NULL)
        word = request_parameter(r, "@microsoft.graph.conflictBehavior");
    if (word == NULL)
        return fallback;
    return strcasecmp(word, "fail") == 0     ? CONFLICT_FAIL
           : strcasecmp(word, "rename") == 0 ? CONFLICT_RENAME
                                             : CONFLICT_REPLACE;
}

static void
name_taken(struct reply *reply)
{
    reply_error(reply, 409, "nameAlreadyExists", "The specified item name already exists.", "nameAlreadyExists");
}

/* "a.txt" becomes "a 1.txt", "a 2.txt", ...; the caller frees it. */
static char *
free_name(struct tree *tree, uint32_t parent, const char *name)
{
    const char *dot = strrchr(name, '.');
    int stem = dot != NULL && dot != name ? (int)(dot - name) : (int)strlen(name);
    for (unsigned i = 1;; i++) {
        char *candidate = memory_printf("%.*s %u%s", stem, name, i, name + stem);
        if (tree_find_child(tree, parent, candidate) == TREE_NONE)
            return candidate;
        free(candidate);
    }
}

/* The name an item may take in the folder, the caller frees it; NULL: the refusal is in reply. *replaced is the
 * item that has it now. */
static char *
settle_name(struct drive *d, uint32_t parent, const char *name, enum conflict conflict, uint32_t *replaced)
{
    const char *problem = drive_name_problem(name);
    if (problem != NULL) {
        reply_error(d->reply, 400, "invalidRequest", problem, "invalidPath");
        return NULL;
    }
    *replaced = tree_find_child(d->tree, parent, name);
    if (*replaced == TREE_NONE)
        return memory_strdup(name);
    switch (conflict) {
    case CONFLICT_RENAME:
        *replaced = TREE_NONE;
        return free_name(d->tree, parent, name);
    case CONFLICT_REPLACE:
        return memory_strdup(tree_name(d->tree, tree_at(d->tree, *replaced)));
    case CONFLICT_FAIL:
        break;
    }
    name_taken(d->reply);
    return NULL;
}

static int
set_modified(const char *path, const json_t *info, struct error *err)
{
    const char *text = json_string_value(json_object_get(info, "lastModifiedDateTime"));
    int64_t ms;
    if (text == NULL || clock_parse_ms(text, &ms) != 0)
        return 0;
    struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 } };
    if (utimensat(AT_FDCWD, path, times, 0) != 0)
        return FAIL(err, ERROR_IO, errno, "set the time of a file: %s", strerror(errno));
    return 0;
}

static void
set_created(struct tree *tree, uint32_t index, const json_t *info)
{
    const char *text = json_string_value(json_object_get(info, "createdDateTime"));
    if (text == NULL)
        return;
    CLEANUP(memory_free_p) char *path = tree_state_path(tree, tree_at(tree, index)->key, "json");
    CLEANUP(memory_free_p) char *document = memory_printf("{\"createdDateTime\":\"%.40s\"}", text);
    if (strchr(text, '"') == NULL && strchr(text, '\\') == NULL &&
        files_replace(path, document, strlen(document), NULL) == 0)
        tree_at(tree, index)->flags |= TREE_OVERLAY;
}

static void
io_failed(struct reply *reply)
{
    int native = errno;
    reply_error(reply, native == ENOSPC || native == EDQUOT ? 507 : 500,
                native == ENOSPC || native == EDQUOT ? "quotaLimitReached" : "generalException", strerror(native),
                NULL);
}

/* The tree is locked; on success the drive is ended and the item in reply. */
static void
place_file(struct drive *d, uint32_t parent, const char *name, const char *file, const json_t *item)
{
    uint32_t replaced;
    enum conflict conflict = conflict_of(d->request, item, CONFLICT_REPLACE);
    CLEANUP(memory_free_p) char *settled = settle_name(d, parent, name, conflict, &replaced);
    if (settled == NULL)
        return;
    if (replaced != TREE_NONE && tree_at(d->tree, replaced)->kind == TREE_FOLDER) {
        name_taken(d->reply);
        return;
    }
    const json_t *info = json_object_get(item, "fileSystemInfo");
    CLEANUP(memory_free_p) char *folder = tree_path(d->tree, parent);
    CLEANUP(memory_free_p) char *path = memory_printf("%s/%s", folder, settled);
    if (set_modified(file, info, NULL) != 0 || rename(file, path) != 0) {
        io_failed(d->reply);
        return;
    }
    uint32_t index = tree_adopt(d->tree, parent, settled);
    if (index == TREE_NONE) {
        io_failed(d->reply);
        return;
    }
    set_created(d->tree, index, info);
    tree_touch(d->tree, index, false);
    drive_reply_item(d, index, replaced == TREE_NONE ? 201 : 200);
}

void
drive_commit(struct request *r, struct reply *reply, const struct drive_commit *c)
{
    struct drive d;
    if (!drive_begin(&d, c->account, r, reply))
        return;
    uint32_t parent = tree_find_key(d.tree, c->parent_key);
    if (parent == TREE_NONE || (tree_at(d.tree, parent)->flags & TREE_DELETED))
        drive_not_found(&d);
    else
        place_file(&d, parent, c->name, c->file, c->item);
    drive_end(&d);
}

/* Where an upload to the target goes: the parent and the name. */
static bool
upload_place(struct drive *d, const struct drive_target *t, uint32_t *parent, const char **name)
{
    *parent = t->parent;
    *name = t->name;
    if (t->name == NULL && t->item != TREE_ROOT && t->item != TREE_NONE) {
        *parent = tree_at(d->tree, t->item)->parent;
        *name = tree_name(d->tree, tree_at(d->tree, t->item));
    }
    if (*name != NULL && *parent != TREE_NONE)
        return true;
    drive_not_found(d);
    return false;
}

static char *
temporary_beside(struct drive *d, uint32_t parent)
{
    uint8_t random[12];
    char hex[25];
    CLEANUP(memory_free_p) char *folder = tree_path(d->tree, parent);
    clock_random(d->request->sim->clock, random, sizeof(random));
    encoding_hex(random, sizeof(random), hex);
    return memory_printf("%s/.m365sim-%s", folder, hex);
}

void
drive_content_put(struct drive *d, const struct drive_target *t)
{
    struct request *r = d->request;
    uint32_t parent;
    const char *name;
    if (!upload_place(d, t, &parent, &name))
        return;
    if (r->body.size > PUT_CEILING) {
        reply_error(d->reply, 413, "invalidRequest", "The request is too large: use an upload session.",
                    "maxFileSizeExceeded");
        return;
    }
    CLEANUP(memory_free_p) char *settled = memory_strdup(name);
    CLEANUP(memory_free_p) char *file = temporary_beside(d, parent);
    int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    int result = fd < 0 ? -1 : body_write(&r->body, fd, 0, NULL);
    if (fd >= 0)
        close(fd);
    if (result == 0)
        place_file(d, parent, settled, file, NULL);
    else
        io_failed(d->reply);
    unlink(file);
}

void
drive_create_session(struct drive *d, const struct drive_target *t)
{
    uint32_t parent, replaced;
    const char *name;
    json_t *given = request_json(d->request);
    const json_t *item = json_object_get(given, "item");
    if (upload_place(d, t, &parent, &name)) {
        enum conflict conflict = conflict_of(d->request, item, CONFLICT_REPLACE);
        /* A name that is taken shows at the end; one that is not allowed at once. */
        CLEANUP(memory_free_p)
        char *settled =
            settle_name(d, parent, name, conflict == CONFLICT_FAIL ? CONFLICT_REPLACE : conflict, &replaced);
        CLEANUP(memory_free_p) char *folder = tree_path(d->tree, parent);
        uint64_t key = tree_at(d->tree, parent)->key;
        struct account *account = d->account;
        if (settled != NULL) {
            CLEANUP(memory_free_p) char *wanted = memory_strdup(name);
            drive_end(d);
            uploads_begin_drive(d->request, d->reply, account, folder, key, wanted, given);
        }
    }
    json_decref(given);
}

void
drive_create_folder(struct drive *d, const struct drive_target *t)
{
    json_t *given = request_json(d->request);
    const char *name = json_string_value(json_object_get(given, "name"));
    uint32_t replaced;
    if (name == NULL || json_object_get(given, "folder") == NULL || tree_at(d->tree, t->item)->kind != TREE_FOLDER) {
        reply_error(d->reply, 400, "invalidRequest", "A folder needs a name and the folder facet.", NULL);
        json_decref(given);
        return;
    }
    enum conflict conflict = conflict_of(d->request, given, CONFLICT_FAIL);
    CLEANUP(memory_free_p) char *settled = settle_name(d, t->item, name, conflict, &replaced);
    CLEANUP(memory_free_p) char *parent = tree_path(d->tree, t->item);
    CLEANUP(memory_free_p) char *path = memory_printf("%s/%s", parent, settled != NULL ? settled : "");
    if (settled != NULL && replaced != TREE_NONE) {
        if (tree_at(d->tree, replaced)->kind == TREE_FOLDER)
            drive_reply_item(d, replaced, 200);
        else
            name_taken(d->reply);
    } else if (settled != NULL && mkdir(path, 0755) != 0) {
        io_failed(d->reply);
    } else if (settled != NULL) {
        const json_t *info = json_object_get(given, "fileSystemInfo");
        set_modified(path, info, NULL);
        uint32_t index = tree_adopt(d->tree, t->item, settled);
        if (index == TREE_NONE) {
            io_failed(d->reply);
        } else {
            set_created(d->tree, index, info);
            tree_touch(d->tree, index, false);
            drive_reply_item(d, index, 201);
        }
    }
    json_decref(given);
}

/* The folder and name a PATCH asks for; false: the refusal is in reply. */
static bool
wanted_place(struct drive *d, uint32_t item, const json_t *given, uint32_t *parent, char **name)
{
    const struct tree_node *n = tree_at(d->tree, item);
    const char *new_name = json_string_value(json_object_get(given, "name"));
    const char *folder = json_string_value(json_object_get(json_object_get(given, "parentReference"), "id"));
    *parent = folder != NULL ? drive_find_item(d, folder) : n->parent;
    *name = memory_strdup(new_name != NULL ? new_name : tree_name(d->tree, n));
    if (*parent == TREE_NONE || tree_at(d->tree, *parent)->kind != TREE_FOLDER) {
        drive_not_found(d);
        return false;
    }
    for (uint32_t up = *parent; up != TREE_NONE; up = tree_at(d->tree, up)->parent) {
        if (up == item) {
            reply_error(d->reply, 400, "invalidRequest", "An item cannot be moved below itself.", NULL);
            return false;
        }
    }
    const char *problem = new_name != NULL ? drive_name_problem(new_name) : NULL;
    uint32_t there = tree_find_child(d->tree, *parent, *name);
    if (problem != NULL)
        reply_error(d->reply, 400, "invalidRequest", problem, "invalidPath");
    else if (there != TREE_NONE && there != item)
        name_taken(d->reply);
    return problem == NULL && (there == TREE_NONE || there == item);
}

static bool
move_on_disk(struct drive *d, uint32_t item, uint32_t parent, const char *name)
{
    const struct tree_node *n = tree_at(d->tree, item);
    if (n->parent == parent && strcmp(tree_name(d->tree, n), name) == 0)
        return true;
    CLEANUP(memory_free_p) char *from = tree_path(d->tree, item);
    CLEANUP(memory_free_p) char *folder = tree_path(d->tree, parent);
    CLEANUP(memory_free_p) char *to = memory_printf("%s/%s", folder, name);
    if (rename(from, to) != 0) {
        io_failed(d->reply);
        return false;
    }
    tree_move(d->tree, item, parent, name, 0);
    return true;
}

void
drive_update(struct drive *d, const struct drive_target *t)
{
    json_t *given = request_json(d->request);
    const json_t *info = json_object_get(given, "fileSystemInfo");
    uint32_t parent = TREE_NONE;
    CLEANUP(memory_free_p) char *name = NULL;
    if (given == NULL || t->item == TREE_ROOT) {
        reply_error(d->reply, 400, "invalidRequest", "The request is malformed or incorrect.", NULL);
    } else if (wanted_place(d, t->item, given, &parent, &name) && move_on_disk(d, t->item, parent, name)) {
        CLEANUP(memory_free_p) char *path = tree_path(d->tree, t->item);
        struct stat st;
        set_modified(path, info, NULL);
        if (stat(path, &st) == 0)
            tree_at(d->tree, t->item)->mtime_ns = st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
        set_created(d->tree, t->item, info);
        tree_touch(d->tree, t->item, false);
        drive_reply_item(d, t->item, 200);
    }
    json_decref(given);
}

void
drive_delete(struct drive *d, const struct drive_target *t)
{
    if (t->item == TREE_ROOT) {
        reply_error(d->reply, 403, "accessDenied", "The root cannot be deleted.", NULL);
        return;
    }
    CLEANUP(memory_free_p) char *path = tree_path(d->tree, t->item);
    struct stat st;
    if (lstat(path, &st) == 0 && files_remove_tree(path, NULL) != 0) {
        io_failed(d->reply);
        return;
    }
    tree_delete(d->tree, t->item);
    reply_empty(d->reply, 204);
}
