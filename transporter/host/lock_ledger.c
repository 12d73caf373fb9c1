#include "transporter/host/lock_ledger.h"

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/crypto/digest.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAGIC        "LHLL"
#define VERSION      1
#define SALT_LEN     16
#define HEADER_LEN   32
#define ENTRY_LEN    16
#define DEAD         UINT32_MAX
#define PROMISE_KEY  0
#define TAIL_MAX     1024 /* entries that are not sorted yet; searched one by one */
#define OUTDATED_MAX 4096
#define READ_ENTRIES 4096

/* Without padding: 12 bytes. */
struct entry {
    uint32_t key[2];
    uint32_t minutes;
};

struct lock_ledger {
    const struct clock *clock;
    char *path;
    pthread_mutex_t lock; /* of everything below */
    int fd;               /* -1: could not be made; the ledger is then in memory only */
    bool complained;
    uint8_t salt[SALT_LEN];
    struct hmac *hmac;
    struct entry *entries; /* the first `sorted` by key, then those that came since */
    size_t count, sorted, capacity;
    uint32_t promise;
    size_t lines; /* in the file */
};

static uint64_t
key_of(const struct entry *entry)
{
    return (uint64_t)entry->key[1] << 32 | entry->key[0];
}

static int
compare(const void *a, const void *b)
{
    uint64_t x = key_of(a), y = key_of(b);
    return (x > y) - (x < y);
}

static uint64_t
hash(struct lock_ledger *ledger, const void *data, size_t len)
{
    uint8_t digest[DIGEST_LEN];
    uint64_t key;
    hmac_compute(ledger->hmac, data, len, digest);
    memcpy(&key, digest, sizeof(key));
    return le64toh(key);
}

static uint64_t
name_key(struct lock_ledger *ledger, const char *name)
{
    uint64_t key = hash(ledger, name, strlen(name));
    return key == PROMISE_KEY ? 1 : key;
}

static struct entry *
find(struct lock_ledger *ledger, uint64_t key)
{
    const struct entry wanted = { .key = { (uint32_t)key, (uint32_t)(key >> 32) } };
    if (ledger->sorted > 0) {
        struct entry *found = bsearch(&wanted, ledger->entries, ledger->sorted, sizeof(wanted), compare);
        if (found != NULL)
            return found;
    }
    for (size_t i = ledger->sorted; i < ledger->count; i++)
        if (compare(&wanted, &ledger->entries[i]) == 0)
            return &ledger->entries[i];
    return NULL;
}

/* Merges the tail from behind, so that everything stays in the one array. */
static void
sort_tail(struct lock_ledger *ledger)
{
    size_t n = ledger->count - ledger->sorted;
    if (n == 0)
        return;
    CLEANUP(memory_free_p) struct entry *tail = memory_new(n * sizeof(*tail));
    memcpy(tail, ledger->entries + ledger->sorted, n * sizeof(*tail));
    qsort(tail, n, sizeof(*tail), compare);
    for (size_t to = ledger->count, from = ledger->sorted; n > 0;) {
        bool take_tail = from == 0 || compare(&tail[n - 1], &ledger->entries[from - 1]) > 0;
        ledger->entries[--to] = take_tail ? tail[--n] : ledger->entries[--from];
    }
    ledger->sorted = ledger->count;
}

static void
set(struct lock_ledger *ledger, uint64_t key, uint32_t minutes)
{
    if (key == PROMISE_KEY) {
        ledger->promise = minutes;
        return;
    }
    struct entry *entry = find(ledger, key);
    if (entry != NULL) {
        entry->minutes = minutes;
        return;
    }
    if (ledger->count == ledger->capacity) {
        size_t capacity = ledger->capacity + ledger->capacity / 4 + TAIL_MAX;
        struct entry *more = realloc(ledger->entries, capacity * sizeof(*more));
        if (more == NULL)
            return; /* not known: asked of the storage again */
        ledger->entries = more;
        ledger->capacity = capacity;
    }
    ledger->entries[ledger->count++] =
        (struct entry){ .key = { (uint32_t)key, (uint32_t)(key >> 32) }, .minutes = minutes };
    if (ledger->count - ledger->sorted >= TAIL_MAX)
        sort_tail(ledger);
}

static void
encode(struct lock_ledger *ledger, uint64_t key, uint32_t minutes, uint8_t out[ENTRY_LEN])
{
    uint64_t key_le = htole64(key);
    uint32_t minutes_le = htole32(minutes);
    memcpy(out, &key_le, 8);
    memcpy(out + 8, &minutes_le, 4);
    uint32_t check_le = htole32((uint32_t)hash(ledger, out, 12));
    memcpy(out + 12, &check_le, 4);
}

static void
append(struct lock_ledger *ledger, uint64_t key, uint32_t minutes, bool durable)
{
    uint8_t bytes[ENTRY_LEN];
    encode(ledger, key, minutes, bytes);
    ledger->lines++;
    if (ledger->fd >= 0 && write(ledger->fd, bytes, ENTRY_LEN) == ENTRY_LEN && (!durable || fdatasync(ledger->fd) == 0))
        return;
    if (!ledger->complained)
        log_warn("host", "lock ledger %s cannot be written (%s): locks are asked of the storage again later",
                 ledger->path, strerror(errno));
    ledger->complained = true;
}

static void
read_entry(struct lock_ledger *ledger, const uint8_t *bytes)
{
    uint64_t key;
    uint32_t minutes, check;
    memcpy(&key, bytes, 8);
    memcpy(&minutes, bytes + 8, 4);
    memcpy(&check, bytes + 12, 4);
    ledger->lines++;
    if (le32toh(check) == (uint32_t)hash(ledger, bytes, 12))
        set(ledger, le64toh(key), le32toh(minutes));
}

/* Returns the length of header and whole entries; 0 when it is no ledger. */
static off_t
read_file(struct lock_ledger *ledger, FILE *in)
{
    static const uint8_t zeroes[HEADER_LEN - 8 - SALT_LEN];
    uint8_t header[HEADER_LEN], entries[READ_ENTRIES * (size_t)ENTRY_LEN];
    const uint32_t version = htole32(VERSION);
    if (fread(header, 1, HEADER_LEN, in) != HEADER_LEN || memcmp(header, MAGIC, 4) != 0 ||
        memcmp(header + 4, &version, 4) != 0 || memcmp(header + 8 + SALT_LEN, zeroes, sizeof(zeroes)) != 0)
        return 0;
    memcpy(ledger->salt, header + 8, SALT_LEN);
    ledger->hmac = hmac_new(ledger->salt, SALT_LEN);
    for (size_t n; (n = fread(entries, ENTRY_LEN, READ_ENTRIES, in)) > 0;)
        for (size_t i = 0; i < n; i++)
            read_entry(ledger, entries + i * ENTRY_LEN);
    if (ferror(in))
        return 0;
    return HEADER_LEN + (off_t)ledger->lines * ENTRY_LEN;
}

static uint32_t
minutes_of(int64_t ms)
{
    int64_t minutes = ms / 60000;
    return minutes <= 0 ? 0 : minutes >= DEAD ? DEAD - 1 : (uint32_t)minutes;
}

static int
write_all(struct lock_ledger *ledger, FILE *out)
{
    const uint32_t version = htole32(VERSION);
    uint8_t bytes[ENTRY_LEN], header[HEADER_LEN] = MAGIC;
    memcpy(header + 4, &version, 4);
    memcpy(header + 8, ledger->salt, SALT_LEN);
    ledger->lines = 1 + ledger->count;
    encode(ledger, PROMISE_KEY, ledger->promise, bytes);
    bool good = fwrite(header, 1, HEADER_LEN, out) == HEADER_LEN && fwrite(bytes, 1, ENTRY_LEN, out) == ENTRY_LEN;
    for (size_t i = 0; good && i < ledger->count; i++) {
        encode(ledger, key_of(&ledger->entries[i]), ledger->entries[i].minutes, bytes);
        good = fwrite(bytes, 1, ENTRY_LEN, out) == ENTRY_LEN;
    }
    return good && fflush(out) == 0 && fdatasync(fileno(out)) == 0 ? 0 : -1;
}

/* A lock that has ended tells no more than an object that is not there. */
static void
drop_ended(struct lock_ledger *ledger)
{
    uint32_t now = minutes_of(clock_wall_ms(ledger->clock));
    size_t kept = 0;
    sort_tail(ledger);
    for (size_t i = 0; i < ledger->count; i++)
        if (ledger->entries[i].minutes > now)
            ledger->entries[kept++] = ledger->entries[i];
    ledger->count = ledger->sorted = kept;
}

static int
rewrite(struct lock_ledger *ledger, struct error *err)
{
    CLEANUP(memory_free_p) char *temp = memory_printf("%s.new", ledger->path);
    drop_ended(ledger);
    int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    int failed = out == NULL ? -1 : write_all(ledger, out);
    int native = errno;
    if (out != NULL && fclose(out) != 0)
        failed = -1;
    else if (out == NULL && fd >= 0)
        close(fd);
    if (failed == 0 && rename(temp, ledger->path) == 0)
        return 0;
    native = failed == 0 ? errno : native;
    unlink(temp);
    return FAIL(err, error_kind_from_errno(native), native, "lock ledger %s: %s", ledger->path, strerror(native));
}

struct lock_ledger *
lock_ledger_open(const char *path, const struct clock *clock, struct error *err)
{
    struct lock_ledger *ledger = MEMORY_NEW(struct lock_ledger);
    ledger->clock = clock;
    ledger->path = memory_strdup(path);
    ledger->fd = -1;
    pthread_mutex_init(&ledger->lock, NULL);
    FILE *in = fopen(path, "re");
    off_t good = in != NULL ? read_file(ledger, in) : 0;
    if (in != NULL)
        fclose(in);
    if (good == 0) {
        if (in != NULL)
            log_warn("host", "lock ledger %s is damaged: locks are asked of the storage again", path);
        hmac_free(ledger->hmac);
        ledger->count = ledger->sorted = ledger->lines = ledger->promise = 0;
        clock_random(clock, ledger->salt, SALT_LEN);
        ledger->hmac = hmac_new(ledger->salt, SALT_LEN);
    }
    bool outdated = good == 0 || ledger->lines > 2 * ledger->count + OUTDATED_MAX;
    if (!outdated && truncate(path, good) != 0)
        FAIL(err, error_kind_from_errno(errno), errno, "lock ledger %s: %s", path, strerror(errno));
    else if (!outdated || rewrite(ledger, err) == 0) {
        ledger->fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
        if (ledger->fd >= 0)
            return ledger;
        FAIL(err, error_kind_from_errno(errno), errno, "lock ledger %s: %s", path, strerror(errno));
    }
    lock_ledger_close(ledger);
    return NULL;
}

void
lock_ledger_close(struct lock_ledger *ledger)
{
    if (ledger == NULL)
        return;
    if (ledger->fd >= 0)
        close(ledger->fd);
    hmac_free(ledger->hmac);
    pthread_mutex_destroy(&ledger->lock);
    free(ledger->entries);
    free(ledger->path);
    free(ledger);
}

static uint32_t
minutes_known(struct lock_ledger *ledger, const char *name)
{
    pthread_mutex_lock(&ledger->lock);
    const struct entry *entry = find(ledger, name_key(ledger, name));
    uint32_t minutes = entry == NULL ? 0 : entry->minutes;
    pthread_mutex_unlock(&ledger->lock);
    return minutes;
}

int64_t
lock_ledger_until(struct lock_ledger *ledger, const char *name)
{
    uint32_t minutes = minutes_known(ledger, name);
    return minutes == DEAD ? 0 : (int64_t)minutes * 60000;
}

bool
lock_ledger_is_dead(struct lock_ledger *ledger, const char *name)
{
    return minutes_known(ledger, name) == DEAD;
}

static void
raise_to(struct lock_ledger *ledger, const char *name, uint32_t minutes)
{
    pthread_mutex_lock(&ledger->lock);
    uint64_t key = name_key(ledger, name);
    const struct entry *entry = find(ledger, key);
    if (entry == NULL || entry->minutes < minutes) {
        set(ledger, key, minutes);
        append(ledger, key, minutes, false);
    }
    pthread_mutex_unlock(&ledger->lock);
}

void
lock_ledger_note(struct lock_ledger *ledger, const char *name, int64_t until_ms)
{
    raise_to(ledger, name, minutes_of(until_ms));
}

void
lock_ledger_bury(struct lock_ledger *ledger, const char *name)
{
    raise_to(ledger, name, DEAD);
}

void
lock_ledger_correct(struct lock_ledger *ledger, const char *name, int64_t until_ms)
{
    uint32_t minutes = minutes_of(until_ms);
    pthread_mutex_lock(&ledger->lock);
    uint64_t key = name_key(ledger, name);
    const struct entry *entry = find(ledger, key);
    uint32_t known = entry == NULL ? 0 : entry->minutes;
    if (known != minutes && known != DEAD) {
        set(ledger, key, minutes);
        append(ledger, key, minutes, minutes < known);
    }
    pthread_mutex_unlock(&ledger->lock);
}

int64_t
lock_ledger_promise(struct lock_ledger *ledger)
{
    pthread_mutex_lock(&ledger->lock);
    uint32_t minutes = ledger->promise;
    pthread_mutex_unlock(&ledger->lock);
    return (int64_t)minutes * 60000;
}

void
lock_ledger_raise_promise(struct lock_ledger *ledger, int64_t until_ms)
{
    uint32_t minutes = minutes_of(until_ms);
    pthread_mutex_lock(&ledger->lock);
    if (minutes > ledger->promise) {
        ledger->promise = minutes;
        append(ledger, PROMISE_KEY, minutes, true);
    }
    pthread_mutex_unlock(&ledger->lock);
}

size_t
lock_ledger_count(struct lock_ledger *ledger)
{
    pthread_mutex_lock(&ledger->lock);
    size_t count = ledger->count;
    pthread_mutex_unlock(&ledger->lock);
    return count;
}
