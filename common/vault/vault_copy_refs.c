#include "common/base/buffer.h"
#include "common/base/memory.h"
#include "common/base/reader.h"
#include "common/crypto/digest.h"
#include "common/vault/vault_copy_internal.h"
#include "common/vault/vault_internal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOTS      32768  /* in memory: 2.6 MiB */
#define FILE_SLOTS 262144 /* in the file: 16 MiB */
#define UNSETTLED  32768
#define CHECK_LEN  8
#define REF_LEN    (1 + CONTENT_REF_MAX_ENCODED)
#define RECORD_LEN (2 * REF_LEN + CHECK_LEN)

struct slot {
    struct content_ref from, to;
};

/* A table that forgets, in memory for what this run has copied, in a file for what earlier ones did: a hash's slot
 * holds the last pair that came. A record in the file is checked under the destination's naming key: one that is torn,
 * or of other keys, is none. */
struct copy_refs {
    struct slot slots[SLOTS];
    struct slot unsettled[UNSETTLED]; /* not known to be durable in the destination */
    size_t unsettled_count;
    int fd; /* -1: no file */
    struct hmac *naming;
};

struct copy_refs *
vault_copy_refs_open(const char *path, const struct vault *to)
{
    struct copy_refs *refs = MEMORY_NEW(struct copy_refs);
    refs->naming = vault_naming(to);
    /* Without it more is read, nothing else. */
    refs->fd = path == NULL ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    return refs;
}

void
vault_copy_refs_close(struct copy_refs *refs)
{
    if (refs == NULL)
        return;
    if (refs->fd >= 0)
        close(refs->fd);
    hmac_free(refs->naming);
    free(refs);
}

static size_t
slot_of(const struct content_ref *ref, size_t slots)
{
    uint32_t h;
    memcpy(&h, ref->id.bytes, sizeof(h));
    return h % slots;
}

bool
vault_copy_refs_find(const struct copy_refs *refs, const struct content_ref *from, struct content_ref *to)
{
    const struct slot *slot = &refs->slots[slot_of(from, SLOTS)];
    if (slot->from.form == CONTENT_NONE || !content_equal(&slot->from, from))
        return false;
    *to = slot->to;
    return true;
}

void
vault_copy_refs_put(struct copy_refs *refs, const struct content_ref *from, const struct content_ref *to)
{
    const struct slot slot = { *from, *to };
    refs->slots[slot_of(from, SLOTS)] = slot;
    if (refs->fd >= 0 && refs->unsettled_count < UNSETTLED)
        refs->unsettled[refs->unsettled_count++] = slot;
}

bool
vault_copy_refs_full(const struct copy_refs *refs)
{
    return refs->unsettled_count == UNSETTLED;
}

static void
check_of(const struct copy_refs *refs, const uint8_t record[RECORD_LEN], uint8_t check[DIGEST_LEN])
{
    hmac_compute(refs->naming, record, RECORD_LEN - CHECK_LEN, check);
}

static int
encode(const struct content_ref *ref, uint8_t out[REF_LEN])
{
    CLEANUP(buffer_clear) struct buffer bytes = BUFFER_INIT(CONTENT_REF_MAX_ENCODED);
    if (content_encode(ref, &bytes, NULL) != 0)
        return -1;
    out[0] = (uint8_t)bytes.len;
    memcpy(out + 1, bytes.data, bytes.len);
    return 0;
}

static int
decode(const uint8_t in[REF_LEN], struct content_ref *ref)
{
    struct reader bytes = READER_INIT(in + 1, in[0]);
    if (in[0] > CONTENT_REF_MAX_ENCODED)
        return -1;
    return content_decode(&bytes, ref, NULL) == 0 && reader_left(&bytes) == 0 ? 0 : -1;
}

void
vault_copy_refs_settle(struct copy_refs *refs)
{
    for (size_t i = 0; i < refs->unsettled_count; i++) {
        const struct slot *slot = &refs->unsettled[i];
        uint8_t record[RECORD_LEN] = { 0 }, check[DIGEST_LEN];
        if (encode(&slot->from, record) != 0 || encode(&slot->to, record + REF_LEN) != 0)
            continue;
        check_of(refs, record, check);
        memcpy(record + 2 * REF_LEN, check, CHECK_LEN);
        off_t at = (off_t)(slot_of(&slot->from, FILE_SLOTS) * RECORD_LEN);
        if (pwrite(refs->fd, record, sizeof(record), at) != (ssize_t)sizeof(record))
            break;
    }
    refs->unsettled_count = 0;
}

bool
vault_copy_refs_recall(const struct copy_refs *refs, const struct content_ref *from, struct content_ref *to)
{
    uint8_t record[RECORD_LEN], check[DIGEST_LEN];
    struct content_ref recorded;
    off_t at = (off_t)(slot_of(from, FILE_SLOTS) * RECORD_LEN);
    if (refs->fd < 0 || pread(refs->fd, record, sizeof(record), at) != (ssize_t)sizeof(record))
        return false;
    check_of(refs, record, check);
    return memcmp(record + 2 * REF_LEN, check, CHECK_LEN) == 0 && decode(record, &recorded) == 0 &&
           content_equal(&recorded, from) && decode(record + REF_LEN, to) == 0 && to->len == from->len;
}
