#include "tests/m365sim/uploads.h"

#include "common/base/clock.h"
#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/m365sim/attachment.h"
#include "tests/m365sim/drive.h"
#include "tests/m365sim/reply.h"
#include "tests/m365sim/request.h"
#include "tests/m365sim/sim.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define ID_LEN           44
#define LIFETIME_MS      (24 * 3600 * 1000)
#define FRAGMENT_UNIT    ((uint64_t)320 << 10)
#define FRAGMENT_CEILING ((uint64_t)60 << 20)
#define PIECE_CEILING    ((uint64_t)4 << 20)

struct upload {
    char id[ID_LEN];
    bool attachment;
    struct account *account;
    uint64_t key; /* of the message, or of the parent folder */
    char *name;   /* of the drive item */
    json_t *item; /* what the client said about it */
    bool defer;   /* a POST completes it */
    char *file;
    uint64_t total; /* 0: not known yet */
    uint64_t position;
    int64_t expires_ms;
    bool busy;
    struct upload *next;
};

struct uploads {
    pthread_mutex_t mutex;
    const struct clock *clock;
    struct upload *list;
};

struct uploads *
uploads_new(const struct clock *clock)
{
    struct uploads *u = MEMORY_NEW(struct uploads);
    u->clock = clock;
    pthread_mutex_init(&u->mutex, NULL);
    return u;
}

static void
upload_free(struct upload *s)
{
    unlink(s->file);
    free(s->file);
    free(s->name);
    json_decref(s->item);
    free(s);
}

void
uploads_free(struct uploads *u)
{
    if (u == NULL)
        return;
    while (u->list != NULL) {
        struct upload *gone = u->list;
        u->list = gone->next;
        upload_free(gone);
    }
    pthread_mutex_destroy(&u->mutex);
    free(u);
}

static json_t *
expiry_text(const struct upload *s)
{
    char text[CLOCK_TEXT_LEN];
    clock_format_ms(s->expires_ms, text);
    return json_sprintf("%.19sZ", text);
}

/* The file comes into being empty; the session onto the list and into the reply. */
static void
begin(struct request *r, struct reply *reply, struct upload *s, const char *folder, unsigned status)
{
    struct uploads *u = r->sim->uploads;
    uint8_t random[30];
    clock_random(u->clock, random, sizeof(random));
    encoding_base64url(random, sizeof(random), s->id);
    s->file = memory_printf("%s/.m365sim-%s", folder, s->id);
    s->expires_ms = clock_wall_ms(u->clock) + LIFETIME_MS;
    int fd = open(s->file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0) {
        upload_free(s);
        reply_error(reply, 500, "generalException", "The upload session cannot be stored.", NULL);
        return;
    }
    close(fd);
    reply_json(
        reply, status,
        json_pack("{s:o,s:o,s:[s]}", "uploadUrl",
                  json_sprintf("%s/upload/%s?tempauth=v1.%" PRIx64, r->transfer_base, s->id, (uint64_t)s->expires_ms),
                  "expirationDateTime", expiry_text(s), "nextExpectedRanges", "0-"));
    pthread_mutex_lock(&u->mutex);
    s->next = u->list;
    u->list = s;
    pthread_mutex_unlock(&u->mutex);
}

void
uploads_begin_drive(struct request *r, struct reply *reply, struct account *account, const char *folder,
                    uint64_t parent_key, const char *name, const json_t *given)
{
    struct upload *s = MEMORY_NEW(struct upload);
    s->account = account;
    s->key = parent_key;
    s->name = memory_strdup(name);
    s->item = json_deep_copy(json_object_get(given, "item"));
    s->defer = json_is_true(json_object_get(given, "deferCommit"));
    begin(r, reply, s, folder, 200);
}

void
uploads_begin_attachment(struct request *r, struct reply *reply, struct account *account, uint64_t message_key,
                         const json_t *item)
{
    struct upload *s = MEMORY_NEW(struct upload);
    s->attachment = true;
    s->account = account;
    s->key = message_key;
    s->item = json_deep_copy(item);
    s->total = (uint64_t)json_integer_value(json_object_get(item, "size"));
    begin(r, reply, s, r->sim->temporary, 201);
}

static void
not_found(struct reply *reply)
{
    reply_error(reply, 404, "itemNotFound", "The upload session was not found", "uploadSessionNotFound");
}

/* The session for this request alone; NULL: the error is in reply. */
static struct upload *
acquire(struct request *r, struct reply *reply)
{
    struct uploads *u = r->sim->uploads;
    int64_t now = clock_wall_ms(u->clock);
    struct upload *found = NULL;
    bool busy = false;
    pthread_mutex_lock(&u->mutex);
    for (struct upload *s = u->list; s != NULL; s = s->next)
        if (strcmp(s->id, r->arguments[0]) == 0 && s->expires_ms > now)
            found = s;
    if (found != NULL && found->busy) {
        busy = true;
        found = NULL;
    }
    if (found != NULL)
        found->busy = true;
    pthread_mutex_unlock(&u->mutex);
    if (busy)
        reply_error(reply, 409, "invalidRequest", "Another request to this upload session is running.", NULL);
    else if (found == NULL)
        not_found(reply);
    return found;
}

static void
release(struct uploads *u, struct upload *s)
{
    pthread_mutex_lock(&u->mutex);
    s->busy = false;
    pthread_mutex_unlock(&u->mutex);
}

static void
end(struct uploads *u, struct upload *s)
{
    pthread_mutex_lock(&u->mutex);
    struct upload **at = &u->list;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    pthread_mutex_unlock(&u->mutex);
    upload_free(s);
}

static void
reply_progress(struct reply *reply, const struct upload *s, unsigned status)
{
    char range[40];
    if (s->attachment) {
        snprintf(range, sizeof(range), "%" PRIu64, s->position);
        reply_json(reply, 200,
                   json_pack("{s:o,s:[s]}", "ExpirationDateTime", expiry_text(s), "NextExpectedRanges", range));
        return;
    }
    snprintf(range, sizeof(range), "%" PRIu64 "-", s->position);
    json_t *list = s->total > 0 && s->position == s->total ? json_array() : json_pack("[s]", range);
    reply_json(reply, status, json_pack("{s:o,s:o}", "expirationDateTime", expiry_text(s), "nextExpectedRanges", list));
}

/* "bytes a-b/total" that fits the session; false: the refusal is in reply. */
static bool
check_range(struct request *r, struct reply *reply, const struct upload *s, uint64_t *from, uint64_t *total)
{
    uint64_t to;
    char rest;
    const char *header = request_header(r, "Content-Range");
    if (header == NULL || sscanf(header, "bytes %" SCNu64 "-%" SCNu64 "/%" SCNu64 "%c", from, &to, total, &rest) != 3 ||
        *from > to || to >= *total || to - *from + 1 != r->body.size || (s->total != 0 && s->total != *total)) {
        reply_error(reply, 400, "invalidRequest", "The Content-Range header is missing or malformed.",
                    "fragmentLengthMismatch");
        return false;
    }
    if (*from != s->position) {
        bool overlap = *from < s->position;
        reply_error(reply, 416, "invalidRange",
                    overlap ? "The uploaded fragment overlaps with data that has already been received."
                            : "The uploaded fragment is out of order.",
                    overlap ? "fragmentOverlap" : "fragmentOutOfOrder");
        return false;
    }
    if (r->body.size > (s->attachment ? PIECE_CEILING : FRAGMENT_CEILING)) {
        reply_error(reply, 413, "InvalidClientQueryException", "The request message is too big.", NULL);
        return false;
    }
    if (!s->attachment && to + 1 != *total && r->body.size % FRAGMENT_UNIT != 0) {
        reply_error(reply, 400, "invalidRequest", "The fragment size must be a multiple of 320 KiB.", NULL);
        return false;
    }
    return true;
}

static void
commit(struct request *r, struct reply *reply, struct upload *s)
{
    if (s->attachment) {
        attachment_commit(r, reply, s->account, s->key, s->item, s->file, s->total);
        return;
    }
    struct drive_commit c = {
        .account = s->account, .parent_key = s->key, .name = s->name, .file = s->file, .item = s->item
    };
    drive_commit(r, reply, &c);
}

static bool
store_fragment(struct request *r, struct upload *s, uint64_t from, struct error *err)
{
    int fd = open(s->file, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    int result = body_write(&r->body, fd, from, err);
    close(fd);
    return result == 0;
}

static bool
put_fragment(struct request *r, struct reply *reply, struct upload *s)
{
    struct error err = ERROR_INIT;
    uint64_t from, total;
    if (!check_range(r, reply, s, &from, &total))
        return false;
    if (!store_fragment(r, s, from, &err)) {
        reply_error(reply, err.kind == ERROR_NO_SPACE ? 507 : 500, "generalException", "The fragment cannot be stored.",
                    NULL);
        return false;
    }
    s->total = total;
    s->position += r->body.size;
    if (s->position < total || s->defer) {
        reply_progress(reply, s, 202);
        return false;
    }
    commit(r, reply, s);
    return true;
}

void
uploads_handle(struct request *r, struct reply *reply)
{
    struct uploads *u = r->sim->uploads;
    bool over = false;
    if (request_header(r, "Authorization") != NULL) {
        reply_error(reply, 401, "unauthenticated", "The upload URL takes no Authorization header.", NULL);
        return;
    }
    struct upload *s = acquire(r, reply);
    if (s == NULL)
        return;
    if (strcmp(r->method, "PUT") == 0) {
        over = put_fragment(r, reply, s);
    } else if (strcmp(r->method, "GET") == 0) {
        reply_progress(reply, s, 200);
    } else if (strcmp(r->method, "DELETE") == 0) {
        reply_empty(reply, 204);
        over = true;
    } else if (strcmp(r->method, "POST") == 0 && s->defer && s->total > 0 && s->position == s->total) {
        commit(r, reply, s);
        over = true;
    } else {
        reply_error(reply, 400, "invalidRequest", "The upload session is not complete.", "uploadSessionIncomplete");
    }
    if (over)
        end(u, s);
    else
        release(u, s);
}
