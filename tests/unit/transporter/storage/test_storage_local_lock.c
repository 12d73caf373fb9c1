#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/scratch_folder.h"
#include "transporter/storage/storage_local_internal.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define HOUR INT64_C(3600000)

/* A file system of our own in memory: locked files of a failed test go with it. Kernels before 6.6 have no flags there,
 * machines without root no mounts; the conformance suite does the same on ext4. */
struct place {
    struct scratch_folder folder;
    char mount[PATH_MAX], repository[PATH_MAX];
    struct fake_clock clock;
    bool usable;
};

#define assert_ok(expression, error)                                                                                   \
    do {                                                                                                               \
        if ((expression) != 0)                                                                                         \
            fail_msg("%s: %s", #expression, (error).text);                                                             \
    } while (0)

static struct storage *
attach_as(struct place *place, const char *mode, struct error *err)
{
    char location[6000];
    int n = snprintf(location, sizeof(location), "{\"driver\":\"local\",\"create\":true,\"path\":\"%s\"%s}",
                     place->repository, mode);
    return storage_open(location, (size_t)n, &place->clock.clock, true, err);
}

static struct storage *
attach(struct place *place)
{
    struct error err = ERROR_INIT;
    struct storage *storage = attach_as(place, ",\"lock_mode\":\"immutable\"", &err);
    if (storage == NULL)
        fail_msg("%s", err.text);
    return storage;
}

static int
setup(void **state)
{
    struct place *place = MEMORY_NEW(struct place);
    scratch_folder_init(&place->folder);
    fake_clock_init(&place->clock, 1);
    snprintf(place->mount, sizeof(place->mount), "%.4000s/mount", place->folder.path);
    snprintf(place->repository, sizeof(place->repository), "%.4000s/mount/repository", place->folder.path);
    mkdir(place->mount, 0700);
    *state = place;
    if (mount("none", place->mount, "tmpfs", 0, "size=8m") != 0)
        return 0;
    struct storage *storage = attach_as(place, ",\"lock_mode\":\"immutable\"", NULL);
    place->usable = storage != NULL;
    storage_close(storage);
    return 0;
}

static int
teardown(void **state)
{
    struct place *place = *state;
    umount2(place->mount, MNT_DETACH); /* a test that failed has files open */
    scratch_folder_clear(&place->folder);
    free(place);
    return 0;
}

static struct place *
usable(void **state)
{
    struct place *place = *state;
    if (!place->usable)
        skip();
    return place;
}

static char *
object_file(struct place *place, const char *name)
{
    char path[STORAGE_LOCAL_PATH_LEN];
    storage_local_object_path(name, path);
    return memory_printf("%s/%s", place->repository, path);
}

/* As a crash between name and flag, or in the midst of an extension, leaves it. */
static void
clear_flag(struct place *place, const char *name)
{
    CLEANUP(memory_free_p) char *path = object_file(place, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC), flags = 0;
    assert_true(fd >= 0);
    assert_int_equal(ioctl(fd, FS_IOC_GETFLAGS, &flags), 0);
    assert_true((flags & FS_IMMUTABLE_FL) != 0);
    flags &= ~FS_IMMUTABLE_FL;
    assert_int_equal(ioctl(fd, FS_IOC_SETFLAGS, &flags), 0);
    close(fd);
}

static int64_t
lock_of(struct storage *storage, const char *name)
{
    struct error err = ERROR_INIT;
    struct storage_stat stat;
    assert_ok(storage_stat(storage, name, &stat, &err), err);
    return stat.lock_until_ms;
}

static unsigned
intents(struct place *place)
{
    unsigned count = 0;
    DIR *dir = opendir(place->repository);
    assert_non_null(dir);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += strncmp(entry->d_name, ".longhaul-intent", 16) == 0;
    closedir(dir);
    return count;
}

static void
the_file_system_holds_what_is_locked(void **state)
{
    struct place *place = usable(state);
    struct storage *storage = attach(place);
    struct error err = ERROR_INIT;
    int64_t until = FAKE_CLOCK_START_MS + HOUR;
    CLEANUP(memory_free_p) char *path = object_file(place, "vault-1/packs/aa");
    assert_ok(storage_put(storage, "vault-1/packs/aa", "abc", 3, until, &err), err);
    assert_int_equal(unlink(path), -1);
    assert_int_equal(open(path, O_WRONLY | O_CLOEXEC), -1);
    assert_int_equal(removexattr(path, "user.longhaul.lock_until"), -1);
    assert_int_equal(lock_of(storage, "vault-1/packs/aa"), until);
    assert_int_equal(storage_remove(storage, "vault-1/packs/aa", &err), -1);
    assert_int_equal(err.kind, ERROR_LOCKED);
    assert_non_null(strstr(err.text, "2026-01-01T01:00:00"));
    fake_clock_advance(&place->clock, HOUR);
    err = (struct error)ERROR_INIT;
    assert_ok(storage_remove(storage, "vault-1/packs/aa", &err), err);
    storage_close(storage);
    assert_int_equal(intents(place), 0);
}

/* Also who attaches the folder without locks does not remove what is held. */
static void
without_lock_mode_locks_still_hold(void **state)
{
    struct place *place = usable(state);
    struct storage *storage = attach(place);
    struct error err = ERROR_INIT;
    assert_ok(storage_put(storage, "vault-1/packs/aa", "abc", 3, FAKE_CLOCK_START_MS + HOUR, &err), err);
    storage_close(storage);
    storage = attach_as(place, "", &err);
    assert_non_null(storage);
    assert_int_equal(storage_remove(storage, "vault-1/packs/aa", &err), -1);
    assert_int_equal(err.kind, ERROR_LOCKED);
    storage_close(storage);
}

static void
a_missing_flag_is_no_lock_until_it_is_extended(void **state)
{
    struct place *place = usable(state);
    struct storage *storage = attach(place);
    struct error err = ERROR_INIT;
    int64_t until = FAKE_CLOCK_START_MS + HOUR;
    assert_ok(storage_put(storage, "vault-1/packs/aa", "abc", 3, until, &err), err);
    clear_flag(place, "vault-1/packs/aa");
    assert_int_equal(lock_of(storage, "vault-1/packs/aa"), 0);
    /* The time is kept, so we refuse; the file system would not. */
    assert_int_equal(storage_remove(storage, "vault-1/packs/aa", &err), -1);
    assert_int_equal(err.kind, ERROR_LOCKED);
    err = (struct error)ERROR_INIT;
    assert_ok(storage_extend(storage, "vault-1/packs/aa", until - 1000, &err), err);
    assert_int_equal(lock_of(storage, "vault-1/packs/aa"), until);
    storage_close(storage);
}

/* A process that is gone in the midst of a lock: the next one that opens the repository sets what is missing. */
static void
a_dead_process_leaves_no_object_without_its_lock(void **state)
{
    struct place *place = usable(state);
    struct error err = ERROR_INIT;
    int64_t until = FAKE_CLOCK_START_MS + HOUR;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct storage *storage = attach(place);
        int failed = storage_put(storage, "vault-1/packs/aa", "abc", 3, until, &err) != 0 ||
                     storage_put(storage, "vault-1/packs/bb", "abc", 3, until, &err) != 0 ||
                     storage_local_intent_begin((struct storage_local *)storage, "vault-1/packs/aa") != 0 ||
                     storage_local_intent_begin((struct storage_local *)storage, "vault-1/packs/none") != 0;
        clear_flag(place, "vault-1/packs/aa");
        _exit(failed);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(intents(place), 1);
    struct storage *storage = attach(place);
    assert_int_equal(intents(place), 0);
    assert_int_equal(lock_of(storage, "vault-1/packs/aa"), until);
    assert_int_equal(lock_of(storage, "vault-1/packs/bb"), until);
    storage_close(storage);
}

static void
a_live_process_is_left_alone(void **state)
{
    struct place *place = usable(state);
    struct storage *one = attach(place);
    assert_int_equal(storage_local_intent_begin((struct storage_local *)one, "vault-1/packs/aa"), 0);
    struct storage *other = attach(place);
    assert_int_equal(intents(place), 1);
    storage_local_intent_end((struct storage_local *)one, true);
    storage_close(one);
    assert_int_equal(intents(place), 0);
    storage_close(other);
}

static void
a_damaged_time_is_told(void **state)
{
    struct place *place = usable(state);
    struct storage *storage = attach(place);
    struct error err = ERROR_INIT;
    struct storage_stat stat;
    CLEANUP(memory_free_p) char *path = object_file(place, "vault-1/packs/aa");
    assert_ok(storage_put(storage, "vault-1/packs/aa", "abc", 3, FAKE_CLOCK_START_MS + HOUR, &err), err);
    clear_flag(place, "vault-1/packs/aa");
    assert_int_equal(setxattr(path, "user.longhaul.lock_until", "soon", 4, 0), 0);
    assert_int_equal(storage_stat(storage, "vault-1/packs/aa", &stat, &err), -1);
    assert_int_equal(err.kind, ERROR_CORRUPT);
    err = (struct error)ERROR_INIT;
    assert_int_equal(storage_remove(storage, "vault-1/packs/aa", &err), -1);
    assert_int_equal(err.kind, ERROR_CORRUPT);
    storage_close(storage);
}

/* Effective only: it comes back afterwards. */
static int
without_capability(bool without)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) != 0)
        return -1;
    if (without)
        data[0].effective &= ~(UINT32_C(1) << CAP_LINUX_IMMUTABLE);
    else
        data[0].effective |= UINT32_C(1) << CAP_LINUX_IMMUTABLE;
    return (int)syscall(SYS_capset, &header, data);
}

static void
what_is_missing_is_said_at_attach(void **state)
{
    struct place *place = usable(state);
    struct error err = ERROR_INIT;
    assert_int_equal(without_capability(true), 0);
    assert_null(attach_as(place, ",\"lock_mode\":\"immutable\"", &err));
    assert_int_equal(without_capability(false), 0);
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_non_null(strstr(err.text, "CAP_LINUX_IMMUTABLE"));
    err = (struct error)ERROR_INIT;
    assert_null(attach_as(place, ",\"lock_mode\":\"forever\"", &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_int_equal(umount(place->mount), 0);
    if (mount("none", place->mount, "ramfs", 0, NULL) != 0)
        skip();
    err = (struct error)ERROR_INIT;
    assert_null(attach_as(place, ",\"lock_mode\":\"immutable\"", &err));
    assert_int_equal(err.kind, ERROR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "file system"));
}

int
main(void)
{
#define WITH_PLACE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_PLACE(the_file_system_holds_what_is_locked),
        WITH_PLACE(without_lock_mode_locks_still_hold),
        WITH_PLACE(a_missing_flag_is_no_lock_until_it_is_extended),
        WITH_PLACE(a_dead_process_leaves_no_object_without_its_lock),
        WITH_PLACE(a_live_process_is_left_alone),
        WITH_PLACE(a_damaged_time_is_told),
        WITH_PLACE(what_is_missing_is_said_at_attach),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
