/* Sources and restore against the simulator: everything is read and equals the files, changes on disk come as changes,
 * a lost cursor fetches nothing again, and what is put back to another user is what was read. graph_round_trip M365SIM
 * MAKE_SAMPLE_TENANT [TENANT_DIR] */
#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/fakes/scratch_folder.h"
#include "tests/with_m365sim/round.h"
#include "tests/with_m365sim/simulator.h"
#include "transporter/graph/graph_client.h"
#include "transporter/graph/graph_json.h"
#include "transporter/restore/to_tenant.h"
#include "transporter/source/discovery.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned failures;

static void
check(bool ok, const char *what)
{
    if (!ok) {
        failures++;
        fprintf(stderr, "FAILED: %s\n", what);
    }
}

struct users {
    char *ids[8], *names[8];
    unsigned count, unusable;
};

static int
on_found(void *ctx, const struct discovery_object *object, struct error *err)
{
    struct users *users = ctx;

    (void)err;
    users->unusable += !object->usable;
    if (object->kind == DISCOVERY_MAILBOX && users->count < 8) {
        users->ids[users->count] = memory_strdup(object->external_id);
        users->names[users->count++] = memory_strdup(object->name);
    }
    return 0;
}

static bool
file_equals(const char *path, const struct buffer *content)
{
    FILE *file = fopen(path, "rb");
    char *data = malloc(content->len + 1);
    size_t len = file != NULL ? fread(data, 1, content->len + 1, file) : SIZE_MAX;
    bool equal =
        len == content->len && memcmp(data, content->data != NULL ? (const void *)content->data : "", len) == 0;

    if (file != NULL)
        fclose(file);
    free(data);
    return equal;
}

static void
check_drive(const struct round *round, const char *root)
{
    struct round_item *one, *next;

    HASH_ITER (hh, round->items, one, next) {
        char *path = round_path(round, one), *file = memory_printf("%s/%s", root, path);
        struct stat st;
        if (one->item->kind == CATALOG_FOLDER)
            check(stat(file, &st) == 0 && S_ISDIR(st.st_mode), path);
        else
            check(file_equals(file, &one->content), path);
        free(file);
        free(path);
    }
}

/* Folder names are the folder's on disk but for the standard ones: so mail is compared as a set of contents. */
static unsigned
count_matching(const struct round *round, const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    unsigned found = 0;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        char *path = memory_printf("%s/%s", folder, entry->d_name);
        struct stat st;
        struct round_item *one, *next;
        bool matched = false;
        if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
            found += count_matching(round, path);
        } else {
            HASH_ITER (hh, round->items, one, next) {
                matched |= one->item->kind == CATALOG_MESSAGE && file_equals(path, &one->content);
            }
            check(matched, path);
            found += matched;
        }
        free(path);
    }
    if (dir != NULL)
        closedir(dir);
    return found;
}

static int
read_content(void *ctx, uint64_t offset, void *out, size_t capacity, size_t *len, struct error *err)
{
    const struct buffer *b = ctx;

    (void)err;
    *len = b->len - (size_t)offset < capacity ? b->len - (size_t)offset : capacity;
    memcpy(out, b->data + offset, *len);
    return 0;
}

static void
restore_folder(struct to_tenant *restore, const struct round *round, const char *parent)
{
    struct round_item *one, *next;
    struct to_tenant_report report;
    struct error err = ERROR_INIT;

    HASH_ITER (hh, round->items, one, next) {
        if (one->item->kind != CATALOG_FOLDER || strcmp(one->item->parent_id, parent) != 0)
            continue;
        check(to_tenant_folder(restore, one->item, &report, &err) == 0 && report.result == TO_TENANT_RESTORED,
              one->item->name);
        restore_folder(restore, round, one->item->id);
    }
}

static unsigned
restore_all(struct simulator *sim, const struct round *round, enum catalog_kind content, const char *user,
            enum to_tenant_conflict conflict)
{
    const struct to_tenant_options options = {
        .graph = sim->graph, .external_id = user, .content = content, .conflict = conflict, .scratch = sim->folder
    };
    struct error err = ERROR_INIT;
    struct to_tenant *restore = to_tenant_open(&options, &err);
    struct round_item *one, *next;
    unsigned restored = 0;

    check(restore != NULL, err.text);
    if (restore == NULL)
        return 0;
    restore_folder(restore, round, "");
    HASH_ITER (hh, round->items, one, next) {
        const struct to_tenant_content bytes = { &one->content, one->content.len, read_content };
        struct to_tenant_report report;
        if (one->item->kind == CATALOG_FOLDER)
            continue;
        check(to_tenant_item(restore, one->item, &bytes, &report, &err) == 0, err.text);
        restored += report.result == TO_TENANT_RESTORED;
        if (report.result == TO_TENANT_FAILED || report.losses[0] != '\0')
            printf("%s: %s %s losses=%s\n", one->item->id, report.reason, report.detail, report.losses);
    }
    to_tenant_free(restore);
    return restored;
}

/* The twin of an item in another round: same path, and for mail the same Message-ID. */
static bool
has_twin(const struct round *there, const char *path, const json_t *metadata, const struct source_item *item)
{
    struct round_item *one, *next;

    HASH_ITER (hh, there->items, one, next) {
        CLEANUP(graph_json_unref) json_t *other = json_loads(one->item->metadata, 0, NULL);
        CLEANUP(memory_free_p) char *own_path = round_path(there, one);
        static const char *const equal[] = { "internetMessageId", "subject",      "sentDateTime",
                                             "receivedDateTime",  "isRead",       "isDraft",
                                             "importance",        "categories",   "from",
                                             "toRecipients",      "ccRecipients", "hasAttachments" };
        bool same = one->item->kind == item->kind && strcmp(own_path, path) == 0;
        for (size_t i = 0; same && item->kind == CATALOG_MESSAGE && i < ARRAY_LEN(equal); i++) {
            const json_t *a = json_object_get(metadata, equal[i]), *b = json_object_get(other, equal[i]);
            same = a == b || json_equal(a, b);
        }
        if (same && (item->kind != CATALOG_FILE ||
                     (one->item->modified_ms / 1000 == item->modified_ms / 1000 && one->item->size == item->size &&
                      (item->size == 0 || strcmp(one->item->change_tag, item->change_tag) == 0))))
            return true;
    }
    return false;
}

static void
check_restored(const struct round *source, const struct round *there)
{
    struct round_item *one, *next;

    HASH_ITER (hh, source->items, one, next) {
        CLEANUP(graph_json_unref) json_t *metadata = json_loads(one->item->metadata, 0, NULL);
        CLEANUP(memory_free_p) char *path = round_path(source, one);
        char *what = memory_printf("restored: %s", path);
        check(has_twin(there, path, metadata, one->item), what);
        free(what);
    }
}

static void
check_workload(struct simulator *sim, const struct source_driver *driver, const struct users *users, const char *tenant,
               const char *maker)
{
    bool mail = driver == &exchange_mail_driver;
    struct round round = { .upserts = 0 }, there = { .upserts = 0 };
    char *root = memory_printf("%s/users/%s/%s", tenant, users->names[0], mail ? "mail" : "drive");
    const char *change[] = { maker, "--change", tenant, NULL };

    round_play(&round, sim->graph, driver, users->ids[0], sim->folder);
    printf("%s: %u upserts, %u fetched\n", driver->name, round.upserts, round.fetches);
    check(round.bad == 0, "every item is read");
    if (mail)
        check(count_matching(&round, root) == round.totals.items, "as many messages as files");
    else
        check_drive(&round, root);
    round_play(&round, sim->graph, driver, users->ids[0], sim->folder);
    check(round.upserts == 0 && round.deletes == 0, "a second round is empty");
    check(restore_all(sim, &round, mail ? CATALOG_MESSAGE : CATALOG_FILE, users->ids[1],
                      mail ? TO_TENANT_RENAME : TO_TENANT_OVERWRITE) > 0,
          "something is restored");
    round_play(&there, sim->graph, driver, users->ids[1], sim->folder);
    check_restored(&round, &there);
    check(restore_all(sim, &round, mail ? CATALOG_MESSAGE : CATALOG_FILE, users->ids[1], TO_TENANT_SKIP) == 0,
          "a second restore skips what is there");
    if (maker != NULL) {
        simulator_run(change);
        round_play(&round, sim->graph, driver, users->ids[0], sim->folder);
        printf("%s: changes: %u upserts, %u deletes, %u fetched\n", driver->name, round.upserts, round.deletes,
               round.fetches);
        if (mail)
            count_matching(&round, root);
        else
            check_drive(&round, root);
        simulator_control(
            sim, "faults",
            "{\"match\":{\"path\":\"oken=\"},\"count\":1,\"action\":{\"status\":410,\"code\":\"SyncStateNotFound\"}}");
        round_play(&round, sim->graph, driver, users->ids[0], sim->folder);
        printf("%s: resync: %u upserts, %u fetched\n", driver->name, round.upserts, round.fetches);
        check(round.totals.resyncs == 1 && round.fetches == 0, "a resync fetches nothing that is known");
    }
    round_clear(&round);
    round_clear(&there);
    free(root);
}

int
main(int argc, char **argv)
{
    struct scratch_folder scratch;
    struct simulator sim;
    struct users users = { .count = 0 };
    struct error err = ERROR_INIT;

    if (argc < 3)
        return 64;
    scratch_folder_init(&scratch);
    char *tenant = argc > 3 ? memory_strdup(argv[3]) : memory_printf("%s/tenant", scratch.path);
    const char *make[] = { argv[2], tenant, NULL };
    if (argc == 3)
        simulator_run(make);
    simulator_start(&sim, argv[1], tenant, scratch.path);
    check(discovery_run(sim.graph, on_found, &users, NULL, &err) == 0, err.text);
    check(users.count >= 2, "two users are found");
    if (users.count >= 2) {
        check_workload(&sim, &exchange_mail_driver, &users, tenant, argc == 3 ? argv[2] : NULL);
        check_workload(&sim, &drive_driver, &users, tenant, NULL);
    }
    simulator_stop(&sim);
    for (unsigned i = 0; i < users.count; i++) {
        free(users.ids[i]);
        free(users.names[i]);
    }
    free(tenant);
    scratch_folder_clear(&scratch);
    printf("%u failures\n", failures);
    return failures == 0 ? 0 : 1;
}
