#include "tests/m365sim/drive.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "tests/m365sim/auth.h"
#include "tests/m365sim/delta.h"
#include "tests/m365sim/page.h"
#include "tests/m365sim/reply.h"
#include "tests/m365sim/request.h"
#include "tests/m365sim/select.h"
#include "tests/m365sim/sim.h"
#include "tests/m365sim/tree.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define DRIVE_PAGE       200u
#define DRIVE_PAGE_MAX   1000u
#define LOCATION_SECONDS 300u

static void
delta_gone(struct drive *d)
{
    reply_error(d->reply, 410, "resyncRequired", "Resync required. Replace any local items with the server's version",
                "resyncChangesApplyDifferences");
    reply_header(d->reply, "Location", "%s/v1.0/drives/%s/root/delta?token=", d->request->base, d->account->drive_id);
}

static size_t
take_delta(struct drive *d, struct delta *delta, struct drive_entry *entries, bool *last)
{
    size_t count = 0;
    uint32_t i = tree_list_after(d->tree, TREE_NONE, delta->position, delta->hint);
    for (; i != TREE_NONE && count < delta->page; i = tree_list_next(d->tree, i)) {
        const struct tree_node *n = tree_at(d->tree, i);
        delta->position = n->change;
        delta->hint = i;
        if (!(n->flags & TREE_DELETED) || delta_tells_deleted(delta, n->change))
            drive_entry_take(&entries[count++], d->tree, i);
    }
    *last = i == TREE_NONE;
    if (*last)
        delta_finish(delta, d->tree);
    return count;
}

/* Rows of a page come in reverse: clients must not count on parents before children. */
static json_t *
delta_values(struct drive *d, const struct delta *delta, struct drive_entry *entries, size_t count)
{
    struct select select;
    json_t *values = json_array();
    select_init(&select, delta->select);
    for (size_t i = count; i-- > 0;) {
        json_array_append_new(values, drive_entry_json(d, &entries[i], &select, true));
        drive_entry_clear(&entries[i]);
    }
    select_clear(&select);
    return values;
}

void
drive_delta(struct drive *d)
{
    static const char *const names[] = { "token", "$skiptoken" };
    struct delta delta;
    bool last = true;
    size_t count = 0;
    tree_refresh(d->tree);
    enum delta_verdict verdict = delta_begin(&delta, d->request, d->tree, 0, names, ARRAY_LEN(names));
    if (verdict == DELTA_GONE) {
        delta_gone(d);
        return;
    }
    delta.page = page_size(d->request, delta.page, DRIVE_PAGE, DRIVE_PAGE_MAX);
    struct drive_entry *entries = memory_new((delta.page + 1) * sizeof(*entries));
    if (verdict != DELTA_LATEST)
        count = take_delta(d, &delta, entries, &last);
    drive_end(d);
    json_t *page = page_new(d->request, delta_values(d, &delta, entries, count), "Collection(driveItem)");
    free(entries);
    CLEANUP(memory_free_p) char *token = delta_token(&delta);
    CLEANUP(memory_free_p) char *path = memory_printf("/v1.0/drives/%s/root/delta", d->account->drive_id);
    page_token(page, d->request, path, last, "token", "token", token);
    reply_json(d->reply, 200, page);
}

void
drive_children(struct drive *d, const struct drive_target *t)
{
    unsigned long top = page_size(d->request, 0, DRIVE_PAGE, DRIVE_PAGE_MAX), at = 0;
    unsigned long skip = request_number(d->request, "$skip", 0, 0, UINT32_MAX);
    struct drive_entry *entries = memory_new(top * sizeof(*entries));
    struct select select;
    size_t count = 0;
    bool more = false;
    tree_refresh(d->tree);
    for (uint32_t c = TREE_NONE; !more && (c = tree_next_child(d->tree, t->item, c)) != TREE_NONE;) {
        if (at++ < skip)
            continue;
        more = count == top;
        if (!more)
            drive_entry_take(&entries[count++], d->tree, c);
    }
    drive_end(d);
    json_t *values = json_array();
    select_init(&select, request_parameter(d->request, "$select"));
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(values, drive_entry_json(d, &entries[i], &select, false));
        drive_entry_clear(&entries[i]);
    }
    select_clear(&select);
    free(entries);
    json_t *page = page_new(d->request, values, "drives('%s')/items", d->account->drive_id);
    if (more)
        page_next_skip(page, d->request, skip + top);
    reply_json(d->reply, 200, page);
}

void
drive_content_get(struct drive *d, const struct drive_target *t)
{
    const struct tree_node *n = tree_at(d->tree, t->item);
    char tag[60];
    const char *have = request_header(d->request, "If-None-Match");
    if (n->kind == TREE_FOLDER) {
        reply_error(d->reply, 400, "invalidRequest", "You cannot get content for a folder", NULL);
        return;
    }
    snprintf(tag, sizeof(tag), "\"c:{%016" PRIX64 "},%u\"", n->key, n->content);
    if (have != NULL && strcmp(have, tag) == 0) {
        reply_empty(d->reply, 304);
        return;
    }
    CLEANUP(memory_free_p) char *url = drive_download_url(d, n->key, LOCATION_SECONDS);
    reply_empty(d->reply, 302);
    reply_header(d->reply, "Location", "%s", url);
}

/* "v1.<expiry>.<signature>" */
static bool
link_is_good(const struct request *r, const char *drive_id, const char *item)
{
    const char *token = request_parameter(r, "tempauth");
    char signature[AUTH_SIGNATURE_LEN], right[AUTH_SIGNATURE_LEN];
    uint64_t expires;
    if (token == NULL || item == NULL || sscanf(token, "v1.%" SCNx64 ".%22s", &expires, signature) != 2)
        return false;
    CLEANUP(memory_free_p) char *claim = memory_printf("get/%s/%s/%" PRIx64, drive_id, item, expires);
    auth_sign(r->sim->auth, claim, right);
    return strcmp(signature, right) == 0 && (int64_t)expires > clock_wall_ms(r->sim->clock) / 1000;
}

/* false: not satisfiable. Without a Range (or with one that is not understood) it is the whole file. */
static bool
read_range(const char *header, uint64_t size, uint64_t *from, uint64_t *len)
{
    uint64_t a, b;
    char rest;
    *from = 0;
    *len = size;
    if (header == NULL || strncasecmp(header, "bytes=", 6) != 0)
        return true;
    const char *p = header + 6;
    if (sscanf(p, "-%" SCNu64 "%c", &b, &rest) == 1) {
        *from = b < size ? size - b : 0;
    } else if (sscanf(p, "%" SCNu64 "-%" SCNu64 "%c", &a, &b, &rest) == 2 && a <= b) {
        *from = a;
        *len = b < size ? b + 1 : size;
    } else if (sscanf(p, "%" SCNu64 "-%c", &a, &rest) == 1) {
        *from = a;
    } else {
        return true;
    }
    if (*from >= size)
        return false;
    *len -= *from;
    return true;
}

static void
send_file(struct request *r, struct reply *reply, const char *path)
{
    struct stat st;
    uint64_t from, len;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        if (fd >= 0)
            close(fd);
        reply_error(reply, 404, "itemNotFound", "The resource could not be found.", NULL);
        return;
    }
    const char *range = request_header(r, "Range");
    uint64_t size = (uint64_t)st.st_size;
    if (!read_range(range, size, &from, &len)) {
        close(fd);
        reply_error(reply, 416, "invalidRange", "The requested range is not satisfiable.", NULL);
        reply_header(reply, "Content-Range", "bytes */%" PRIu64, size);
        return;
    }
    bool part = len != size || (range != NULL && strncasecmp(range, "bytes=", 6) == 0);
    reply_file(reply, part ? 206 : 200, "application/octet-stream", fd, from, len);
    reply_header(reply, "Accept-Ranges", "bytes");
    if (part)
        reply_header(reply, "Content-Range", "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, from, from + len - 1, size);
}

void
drive_handle_download(struct request *r, struct reply *reply)
{
    const char *item = request_parameter(r, "UniqueId");
    struct drive d;
    if (request_header(r, "Authorization") != NULL || !link_is_good(r, r->arguments[0], item)) {
        reply_error(reply, 401, "unauthenticated", "The tempauth token is missing, expired or came with Authorization.",
                    NULL);
        return;
    }
    if (!drive_begin(&d, tenant_find_drive(r->sim->tenant, r->arguments[0]), r, reply))
        return;
    uint32_t index = drive_find_item(&d, item);
    char *path = index == TREE_NONE ? NULL : tree_path(d.tree, index);
    drive_end(&d);
    if (path == NULL)
        drive_not_found(&d);
    else
        send_file(r, reply, path);
    free(path);
}
