#include "tests/crash/crash_world.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/key_slot.h"
#include "common/vault/catalog_edit.h"
#include "common/vault/point.h"
#include "common/vault/vault_reader.h"
#include "common/vault/vault_verify.h"
#include "common/vault/vault_writer.h"
#include "tests/crash/crash_content.h"
#include "transporter/host/vault_host.h"
#include "transporter/storage/storage.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char crash_world_step[256];

#define DAY_MS      INT64_C(86400000)
#define CACHE_BYTES ((size_t)1 << 20)

#define fail_step(fmt, ...) fail_msg("%s: " fmt, crash_world_step, __VA_ARGS__)

static int
open_vault(struct crash_world *world, const char *vault_id, bool create, struct crash_engine *engine, struct error *err)
{
    struct vault *keys = world->keys[vault_id[strlen(vault_id) - 1] - 'a'];
    struct vault_backend backend = vault_host_backend(engine->host);
    struct vault_params params = { .password_cost = &key_slot_cost_least };
    if (keys != NULL) {
        engine->vault = vault_share(keys, backend);
        return 0;
    }
    if (create && vault_create(backend, &world->clock->clock, vault_id, world->password, &params, err) != 0)
        return -1;
    engine->vault = vault_open(backend, &world->clock->clock, vault_id, world->password, err);
    return engine->vault == NULL ? -1 : 0;
}

static void
vault_id_of(char repository, bool replica, char out[16])
{
    snprintf(out, 16, "vault-%c", replica ? 'a' : repository);
}

int
crash_engine_open_host(struct crash_world *world, char repository, bool replica, bool create,
                       struct crash_engine *engine, struct error *err)
{
    char name[2] = { repository, '\0' }, state_dir[PATH_MAX], vault_id[16];
    vault_id_of(repository, replica, vault_id);
    memset(engine, 0, sizeof(*engine));
    world->place->state_dir(world->place->ctx, name, state_dir);
    struct vault_host_options options = { .vault_id = vault_id, .state_dir = state_dir };
    engine->storage = world->place->open(world->place->ctx, name, create, err);
    engine->host =
        engine->storage == NULL ? NULL : vault_host_open(engine->storage, &world->clock->clock, &options, err);
    if (engine->host != NULL)
        return 0;
    crash_engine_close(engine);
    return -1;
}

int
crash_engine_open(struct crash_world *world, char repository, bool replica, bool create, struct crash_engine *engine,
                  struct error *err)
{
    char vault_id[16];
    vault_id_of(repository, replica, vault_id);
    if (crash_engine_open_host(world, repository, replica, create, engine, err) != 0)
        return -1;
    if (open_vault(world, vault_id, create, engine, err) == 0)
        return 0;
    crash_engine_close(engine);
    return -1;
}

void
crash_engine_close(struct crash_engine *engine)
{
    vault_close(engine->vault);
    vault_host_close(engine->host);
    storage_close(engine->storage);
    memset(engine, 0, sizeof(*engine));
}

void
crash_world_committed(struct crash_world *world, char repository, const char *id, unsigned version)
{
    assert_true(world->point_count < CRASH_POINTS_MAX);
    struct crash_point *point = &world->points[world->point_count++];
    snprintf(point->id, sizeof(point->id), "%s", id);
    point->repository = repository;
    point->version = version;
}

const char *
crash_world_expire(struct crash_world *world, char repository, unsigned version, char id[40])
{
    for (size_t i = 0; i < world->point_count; i++) {
        if (world->points[i].repository != repository || world->points[i].version != version)
            continue;
        snprintf(id, sizeof(world->points[i].id), "%s", world->points[i].id);
        world->points[i] = world->points[--world->point_count];
        return id;
    }
    return NULL;
}

static const struct crash_point *
last_committed(const struct crash_world *world, char repository)
{
    const struct crash_point *last = NULL;
    for (size_t i = 0; i < world->point_count; i++)
        if (world->points[i].repository == repository && (last == NULL || world->points[i].version >= last->version))
            last = &world->points[i];
    return last;
}

struct run {
    struct vault_reader *reader;
    struct vault_writer *writer;
    struct catalog_edit *edit;
};

static void
run_close(struct run *run)
{
    catalog_edit_free(run->edit);
    vault_writer_close(run->writer);
    vault_reader_close(run->reader);
}

static int
store_item(struct run *run, unsigned item, unsigned version, struct error *err)
{
    struct catalog_key_buffer key;
    uint8_t *data;
    size_t len = crash_content_make(item, version, &data);
    char name[32];
    int n = snprintf(name, sizeof(name), "item-%u", item);
    struct catalog_item row = { .kind = crash_content_kind(item), .name = name, .size = len };
    int failed = catalog_key_make(row.kind, name, (size_t)n, &key, err);
    row.key = catalog_key_of(&key);
    if (failed == 0 && len == 0)
        failed = catalog_edit_remove(run->edit, row.key, err);
    else if (failed == 0)
        failed = vault_writer_put(run->writer, row.kind == CATALOG_MESSAGE ? VAULT_MESSAGE : VAULT_FILE, data, len,
                                  &row.content, err) != 0 ||
                 catalog_edit_put(run->edit, &row, err) != 0;
    free(data);
    return failed == 0 ? 0 : -1;
}

static int
store_and_commit(struct crash_world *world, struct vault *vault, char repository, unsigned version, struct run *run,
                 struct error *err)
{
    struct point previous = { .previous = "" }, point = { .header = { .scope = "object-1", .fence = 1 } };
    const struct crash_point *last = last_committed(world, repository);
    struct vault_writer_options options = { .pack_bytes = CRASH_PACK_BYTES };
    if (vault_begin(vault, &point.epoch, err) != 0 ||
        (last != NULL && point_read(vault, last->id, &previous, err) != 0))
        return -1;
    run->reader = vault_reader_open(vault, 0, err);
    run->writer = run->reader == NULL ? NULL : vault_writer_open(vault, &options, err);
    run->edit = run->writer == NULL
                    ? NULL
                    : catalog_edit_begin(run->reader, run->writer, last != NULL ? &previous.catalog : NULL, NULL, err);
    if (run->edit == NULL)
        return -1;
    for (unsigned i = 0; i < CRASH_ITEMS; i++)
        if ((last == NULL || crash_content_changed(i, version)) && store_item(run, i, version, err) != 0)
            return -1;
    snprintf(point.header.id, sizeof(point.header.id), "point-%u", ++world->ids);
    snprintf(point.previous, sizeof(point.previous), "%s", last != NULL ? last->id : "");
    if (catalog_edit_commit(run->edit, &point.catalog, NULL, err) != 0 ||
        point_commit(vault, run->writer, &point, "cursor", 6, err) != 0)
        return -1;
    crash_world_committed(world, repository, point.header.id, version);
    return 0;
}

int
crash_world_backup(struct crash_world *world, char repository, unsigned version, struct error *err)
{
    struct crash_engine engine;
    struct run run = { NULL, NULL, NULL };
    if (crash_engine_open(world, repository, false, true, &engine, err) != 0)
        return -1;
    int failed = store_and_commit(world, engine.vault, repository, version, &run, err);
    run_close(&run);
    crash_engine_close(&engine);
    return failed;
}

struct restored {
    struct vault_reader *reader; /* another one than the catalog's */
    unsigned version, count;
};

static int
on_item(void *ctx, const struct catalog_item *item, struct error *err)
{
    struct restored *restored = ctx;
    uint8_t *got = NULL, *wanted = NULL;
    size_t got_len = 0;
    unsigned number = CRASH_ITEMS;
    assert_int_equal(sscanf(item->name, "item-%u", &number), 1);
    size_t wanted_len = crash_content_make(number, restored->version, &wanted);
    if (vault_reader_get(restored->reader, &item->content, wanted_len, &got, &got_len, err) != 0)
        fail_step("%s is not restored: %s", item->name, err->text);
    assert_int_equal(got_len, wanted_len);
    assert_memory_equal(got, wanted, wanted_len);
    restored->count++;
    free(got);
    free(wanted);
    return 0;
}

static int
on_needed(void *ctx, const char *name, const struct storage_stat *listed, struct error *err)
{
    const struct crash_world *world = ctx;
    struct storage_stat stat;
    (void)listed;
    if (storage_stat(world->checked, name, &stat, err) != 0)
        return -1;
    if (stat.lock_until_ms < world->held_until)
        fail_step("%s is not held as long as was told", name);
    return 0;
}

static void
expect_held(struct crash_world *world, const struct crash_engine *engine)
{
    static const char *const needed[] = { "vault-a/format", "vault-a/keys", "vault-a/packs" };
    struct error err = ERROR_INIT;
    world->checked = engine->storage;
    for (size_t i = 0; i < ARRAY_LEN(needed) && world->held_until != 0; i++)
        if (storage_list(engine->storage, needed[i], on_needed, world, &err) != 0)
            fail_step("%s: %s", needed[i], err.text);
}

static void
expect_restored(struct vault *vault, const struct crash_point *committed)
{
    struct error err = ERROR_INIT;
    struct point point;
    struct restored restored = { vault_reader_open(vault, CACHE_BYTES, &err), committed->version, 0 };
    unsigned wanted = 0;
    struct vault_reader *reader = vault_reader_open(vault, CACHE_BYTES, &err);
    if (reader == NULL || restored.reader == NULL || point_read(vault, committed->id, &point, &err) != 0)
        fail_step("committed point %s is lost: %s", committed->id, err.text);
    struct catalog *catalog = catalog_open(reader, &point.catalog);
    if (catalog_walk(catalog, (struct catalog_key){ NULL, 0 }, on_item, &restored, &err) != 0)
        fail_step("point %s: %s", committed->id, err.text);
    catalog_close(catalog);
    vault_reader_close(reader);
    vault_reader_close(restored.reader);
    for (unsigned i = 0; i < CRASH_ITEMS; i++)
        wanted += crash_content_len(i, committed->version) > 0;
    assert_int_equal(restored.count, wanted);
}

static int
on_damage(void *ctx, const struct vault_damage *damage, struct error *err)
{
    (void)ctx;
    (void)err;
    fail_step("point %s is damaged: %s: %s", damage->point_count > 0 ? damage->points[0] : "vault", damage->meaning,
              damage->cause == NULL ? "" : damage->cause->text);
    return -1;
}

static void
expect_verified(struct crash_world *world, struct vault *vault, char repository, bool only_committed)
{
    struct error err = ERROR_INIT;
    struct vault_verify_options options = { .data = true, .damage = on_damage };
    struct vault_verify_result result;
    const char *ids[CRASH_POINTS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < world->point_count; i++)
        if (world->points[i].repository == repository)
            ids[count++] = world->points[i].id;
    if (vault_verify(vault, only_committed ? ids : NULL, only_committed ? count : 0, &options, &result, &err) != 0)
        fail_step("the vault cannot be verified: %s", err.text);
    assert_int_equal(result.damaged, 0);
    assert_true(result.points >= count);
}

void
crash_world_check(struct crash_world *world, char repository, bool replica, bool only_committed)
{
    struct error err = ERROR_INIT;
    struct crash_engine engine;
    const struct crash_point *last = last_committed(world, repository);
    if (last == NULL)
        return;
    if (crash_engine_open(world, repository, replica, false, &engine, &err) != 0)
        fail_step("a vault with committed points does not open: %s", err.text);
    expect_verified(world, engine.vault, repository, only_committed);
    expect_held(world, &engine);
    for (size_t i = 0; i < world->point_count; i++)
        if (world->points[i].repository == repository)
            expect_restored(engine.vault, &world->points[i]);
    crash_engine_close(&engine);
}

static void
check_all(struct crash_world *world, const struct crash_scenario *scenario, bool only_committed)
{
    for (const char *repository = scenario->repositories; *repository != '\0'; repository++)
        crash_world_check(world, *repository, scenario->replica, only_committed);
}

static void
keep_keys(struct crash_world *world, const struct crash_scenario *scenario)
{
    struct crash_engine engine;
    struct error err = ERROR_INIT;
    for (char repository = 'a'; repository <= 'b' && scenario->prepare != NULL; repository++) {
        if (crash_engine_open(world, repository, false, false, &engine, &err) != 0)
            continue; /* it is to be made under the fault */
        world->keys[repository - 'a'] = vault_share(engine.vault, vault_backend(engine.vault));
        crash_engine_close(&engine);
    }
}

/* What the password opens is what was made. */
static void
expect_opens(struct crash_world *world, const struct crash_scenario *scenario)
{
    struct crash_world fresh = *world;
    struct crash_engine engine;
    struct error err = ERROR_INIT;
    char repository = scenario->repositories[strlen(scenario->repositories) - 1];
    memset(fresh.keys, 0, sizeof(fresh.keys));
    if (last_committed(world, repository) == NULL)
        return;
    if (crash_engine_open(&fresh, repository, scenario->replica, false, &engine, &err) != 0)
        fail_step("a vault with committed points does not open: %s", err.text);
    crash_engine_close(&engine);
}

/* Returns whether the fault struck. */
static bool
run_once(struct crash_world *world, const struct crash_scenario *scenario, const struct crash_fault *fault)
{
    const struct crash_place *place = world->place;
    struct error err = ERROR_INIT;
    bool tears = place->tears_objects != NULL && place->tears_objects(fault->mode);
    place->arm(place->ctx, fault);
    int failed = scenario->act(world, &err);
    bool struck = place->struck(place->ctx);
    if (!struck && place->cut_at_end != NULL)
        place->cut_at_end(place->ctx);
    place->recover(place->ctx);
    if (!struck && failed != 0)
        fail_step("without any fault: %s", err.text);
    if (!struck)
        expect_opens(world, scenario);
    check_all(world, scenario, tears);
    err = (struct error)ERROR_INIT;
    if (failed != 0 && scenario->act(world, &err) != 0)
        fail_step("again, after the fault: %s", err.text);
    check_all(world, scenario, tears);
    return struck;
}

unsigned
crash_world_run(const struct crash_place *place, const struct crash_scenario *scenario)
{
    struct fake_clock clock;
    struct crash_world prepared = { .place = place, .clock = &clock }, world;
    struct error err = ERROR_INIT;
    unsigned struck = 0;
    if (scenario->needs_locks && !place->has_locks)
        return 0;
    log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_ERROR);
    fake_clock_init(&clock, 11);
    /* Storage stamps with the machine's clock: to sweeps everything there looks old enough. */
    fake_clock_advance(&clock, (uint64_t)(clock_wall_ms(clock_system()) + 2 * DAY_MS - FAKE_CLOCK_START_MS));
    prepared.password = secret_new("correct horse", 13, NULL);
    place->clear(place->ctx);
    if (scenario->prepare != NULL && scenario->prepare(&prepared, &err) != 0)
        fail_step("%s", err.text);
    keep_keys(&prepared, scenario);
    place->save(place->ctx);
    for (unsigned mode = 0; place->modes[mode] != NULL; mode++) {
        bool strikes = true;
        for (uint64_t at = 0; strikes; at += scenario->stride * (place->stride == NULL ? 1 : place->stride(mode))) {
            struct crash_fault fault = { mode, scenario->repositories[strlen(scenario->repositories) - 1], at,
                                         at * 31 + mode };
            place->load(place->ctx);
            world = prepared;
            snprintf(crash_world_step, sizeof(crash_world_step), "%s: %s, call %llu", scenario->name,
                     place->modes[mode], (unsigned long long)at);
            strikes = run_once(&world, scenario, &fault);
            struck += strikes;
        }
    }
    vault_close(prepared.keys[0]);
    vault_close(prepared.keys[1]);
    secret_free(prepared.password);
    return struck;
}

int
crash_world_main(const char *name, CMUnitTestFunction test, const char *pattern)
{
    if (pattern != NULL)
        cmocka_set_test_filter(pattern);
    struct CMUnitTest *tests = memory_new(sizeof(*tests) * crash_scenarios_count);
    for (size_t i = 0; i < crash_scenarios_count; i++)
        tests[i] = (struct CMUnitTest){ crash_scenarios[i].name, test, NULL, NULL, NULL };
    for (size_t i = 0; i < crash_scenarios_count; i++)
        memcpy(&tests[i].initial_state, &(const struct crash_scenario *){ &crash_scenarios[i] }, sizeof(void *));
    int failed = _cmocka_run_group_tests(name, tests, crash_scenarios_count, NULL, NULL);
    free(tests);
    return failed == 0 ? 0 : 1;
}
