#include "tests/m365sim/drive.h"

#include "common/base/clock.h"
#include "common/base/encoding.h"
#include "common/base/memory.h"
#include "tests/m365sim/auth.h"
#include "tests/m365sim/hashes.h"
#include "tests/m365sim/page.h"
#include "tests/m365sim/reply.h"
#include "tests/m365sim/request.h"
#include "tests/m365sim/select.h"
#include "tests/m365sim/sim.h"
#include "tests/m365sim/tree.h"
#include "tests/m365sim/tree_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LINK_SECONDS 3600u

static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* 160 bits: the item's key, the tree's, and a check. */
static void
id_words(const struct tree *tree, uint64_t key, uint64_t words[3])
{
    words[0] = key;
    words[1] = tree_hash(tree);
    words[2] = tree_mix(key, words[1]);
}

static unsigned
id_digit(const uint64_t words[3], unsigned i)
{
    unsigned bit = 5 * i, value = 0;
    for (unsigned k = 0; k < 5; k++, bit++)
        value = value << 1 | (unsigned)(words[bit / 64] >> (63 - bit % 64) & 1);
    return value;
}

void
drive_item_id(const struct tree *tree, uint64_t key, char out[DRIVE_ITEM_ID_LEN])
{
    uint64_t words[3];
    id_words(tree, key, words);
    out[0] = '0';
    out[1] = '1';
    for (unsigned i = 0; i < 32; i++)
        out[2 + i] = base32[id_digit(words, i)];
    out[34] = '\0';
}

uint32_t
drive_find_item(struct drive *d, const char *id)
{
    char right[DRIVE_ITEM_ID_LEN];
    uint64_t key = 0;
    if (strcasecmp(id, "root") == 0)
        return TREE_ROOT;
    if (strlen(id) != 34)
        return TREE_NONE;
    for (unsigned i = 0; i < 13; i++) {
        const char *digit = strchr(base32, id[2 + i]);
        unsigned value = digit != NULL ? (unsigned)(digit - base32) : 0;
        key = i == 12 ? key << 4 | value >> 1 : key << 5 | value;
    }
    drive_item_id(d->tree, key, right);
    uint32_t index = strcmp(right, id) == 0 ? tree_find_key(d->tree, key) : TREE_NONE;
    const struct tree_node *n = tree_at(d->tree, index);
    return n == NULL || (n->flags & TREE_DELETED) ? TREE_NONE : index;
}

static char *
make_web_path(struct tree *tree, uint32_t index)
{
    char *path = memory_strdup("");
    for (uint32_t i = index; i != TREE_ROOT && i != TREE_NONE; i = tree_at(tree, i)->parent) {
        const char *name = tree_name(tree, tree_at(tree, i));
        CLEANUP(memory_free_p) char *encoded = memory_new(3 * strlen(name) + 1);
        request_encode(name, encoded);
        char *longer = memory_printf("/%s%s", encoded, path);
        free(path);
        path = longer;
    }
    return path;
}

void
drive_entry_take(struct drive_entry *e, struct tree *tree, uint32_t index)
{
    const struct tree_node *n = tree_at(tree, index);
    memset(e, 0, sizeof(*e));
    e->key = n->key;
    e->size = n->size;
    e->mtime_ns = n->mtime_ns;
    e->version = n->version;
    e->content = n->content;
    e->flags = n->flags;
    e->root = index == TREE_ROOT;
    e->folder = n->kind == TREE_FOLDER;
    e->parent_key = e->root ? 0 : tree_at(tree, n->parent)->key;
    e->top = n->parent == TREE_ROOT;
    if (n->flags & TREE_DELETED)
        return;
    e->name = memory_strdup(tree_name(tree, n));
    e->path = tree_path(tree, index);
    e->web_path = make_web_path(tree, index);
    if (n->flags & TREE_OVERLAY)
        e->document = tree_state_path(tree, n->key, "json");
    for (uint32_t c = TREE_NONE; e->folder && (c = tree_next_child(tree, index, c)) != TREE_NONE;) {
        e->child_count++;
        e->size += tree_at(tree, c)->size;
    }
}

void
drive_entry_clear(struct drive_entry *e)
{
    free(e->name);
    free(e->path);
    free(e->document);
    free(e->web_path);
    memset(e, 0, sizeof(*e));
}

static const char *
mime_type(const char *name)
{
    static const struct {
        const char *extension, *type;
    } types[] = {
        { "txt", "text/plain" },
        { "html", "text/html" },
        { "htm", "text/html" },
        { "csv", "text/csv" },
        { "json", "application/json" },
        { "xml", "text/xml" },
        { "pdf", "application/pdf" },
        { "png", "image/png" },
        { "jpg", "image/jpeg" },
        { "jpeg", "image/jpeg" },
        { "gif", "image/gif" },
        { "svg", "image/svg+xml" },
        { "zip", "application/zip" },
        { "eml", "message/rfc822" },
        { "ics", "text/calendar" },
        { "md", "text/markdown" },
        { "docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document" },
        { "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" },
        { "pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation" },
    };
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot != NULL && i < ARRAY_LEN(types); i++)
        if (strcasecmp(dot + 1, types[i].extension) == 0)
            return types[i].type;
    return "application/octet-stream";
}

static json_t *
time_json(int64_t ns)
{
    char text[CLOCK_TEXT_LEN];
    clock_format_ms(ns / 1000000, text);
    if (ns / 1000000 % 1000 == 0)
        snprintf(text + 19, 2, "Z");
    return json_string(text);
}

static json_t *
parent_reference(const struct drive *d, const struct tree *tree, const struct drive_entry *e, bool delta)
{
    json_t *o = json_pack("{s:s,s:s}", "driveType", d->account->site ? "documentLibrary" : "business", "driveId",
                          d->account->drive_id);
    char id[DRIVE_ITEM_ID_LEN];
    if (e->root)
        return o;
    drive_item_id(tree, e->parent_key, id);
    json_object_set_new(o, "id", json_string(id));
    const char *slash = e->web_path == NULL ? NULL : strrchr(e->web_path, '/');
    if (!delta && slash != NULL)
        json_object_set_new(
            o, "path",
            json_sprintf("/drives/%s/root:%.*s", d->account->drive_id, (int)(slash - e->web_path), e->web_path));
    return o;
}

/* Created and modified; the first may have been set through the API. */
static void
put_times(json_t *o, const struct drive_entry *e)
{
    json_t *document = e->document == NULL ? NULL : json_load_file(e->document, 0, NULL);
    json_t *created = json_incref(json_object_get(document, "createdDateTime"));
    if (!json_is_string(created)) {
        json_decref(created);
        created = time_json(e->mtime_ns);
    }
    json_t *modified = time_json(e->mtime_ns);
    json_object_set(o, "createdDateTime", created);
    json_object_set(o, "lastModifiedDateTime", modified);
    json_object_set_new(o, "fileSystemInfo",
                        json_pack("{s:o,s:o}", "createdDateTime", created, "lastModifiedDateTime", modified));
    json_decref(document);
}

static void
put_facets(json_t *o, const struct drive *d, const struct drive_entry *e, const struct select *select)
{
    char hash[QUICKXOR_TEXT];
    if (e->root)
        json_object_set_new(o, "root", json_object());
    if (e->folder) {
        json_object_set_new(o, "folder", json_pack("{s:I}", "childCount", e->child_count));
        return;
    }
    json_object_set_new(o, "cTag", json_sprintf("\"c:{%016" PRIX64 "},%u\"", e->key, e->content));
    json_t *file = json_pack("{s:s}", "mimeType", mime_type(e->name));
    if (select_wants(select, "file") && e->size > 0 && hashes_of_file(d->request->sim->hashes, e->path, hash) == 0)
        json_object_set_new(file, "hashes", json_pack("{s:s}", "quickXorHash", hash));
    json_object_set_new(o, "file", file);
    if (select->count == 0 || select_names(select, "@microsoft.graph.downloadUrl") ||
        select_names(select, "content.downloadUrl")) {
        CLEANUP(memory_free_p) char *url = drive_download_url(d, e->key, LINK_SECONDS);
        json_object_set_new(o, "@microsoft.graph.downloadUrl", json_string(url));
    }
}

json_t *
drive_entry_json(const struct drive *d, const struct drive_entry *e, const struct select *select, bool delta)
{
    const struct account *a = d->account;
    const struct tree *tree = tenant_drive(d->request->sim->tenant, d->account, NULL);
    char id[DRIVE_ITEM_ID_LEN];
    drive_item_id(tree, e->key, id);
    json_t *o = json_pack("{s:s}", "id", id);
    json_object_set_new(o, "parentReference", parent_reference(d, tree, e, delta));
    if (e->flags & TREE_DELETED) {
        json_object_set_new(o, "size", json_integer(0));
        json_object_set_new(o, "deleted", json_pack("{s:s}", "state", "deleted"));
        return o;
    }
    json_object_set_new(o, "name", json_string(e->name));
    json_object_set_new(o, "size", json_integer((json_int_t)e->size));
    json_object_set_new(o, "eTag", json_sprintf("\"{%016" PRIX64 "},%u\"", e->key, e->version));
    json_object_set_new(o, "webUrl",
                        json_sprintf("https://sim-my.sharepoint.com/personal/%s/Documents%s", a->id, e->web_path));
    json_t *author = json_pack("{s:{s:s,s:s,s:s}}", "user", "email", a->site ? "sharepoint@sim.example" : a->name, "id",
                               a->id, "displayName", a->display);
    json_object_set(o, "createdBy", author);
    json_object_set_new(o, "lastModifiedBy", author);
    put_times(o, e);
    put_facets(o, d, e, select);
    select_apply(select, o);
    return o;
}

void
drive_reply_item(struct drive *d, uint32_t index, unsigned status)
{
    struct drive_entry e;
    struct select select;
    drive_entry_take(&e, d->tree, index);
    drive_end(d);
    select_init(&select, request_parameter(d->request, "$select"));
    json_t *o = drive_entry_json(d, &e, &select, false);
    page_context(o, d->request, "drives('%s')/items/$entity", d->account->drive_id);
    reply_json(d->reply, status, o);
    select_clear(&select);
    drive_entry_clear(&e);
}

char *
drive_download_url(const struct drive *d, uint64_t key, unsigned seconds)
{
    const struct sim *sim = d->request->sim;
    char id[DRIVE_ITEM_ID_LEN], signature[AUTH_SIGNATURE_LEN];
    drive_item_id(tenant_drive(sim->tenant, d->account, NULL), key, id);
    int64_t expires = clock_wall_ms(sim->clock) / 1000 + seconds;
    CLEANUP(memory_free_p)
    char *claim = memory_printf("get/%s/%s/%" PRIx64, d->account->drive_id, id, (uint64_t)expires);
    auth_sign(sim->auth, claim, signature);
    return memory_printf("%s/personal/%s/_layouts/15/download.aspx?UniqueId=%s&Translate=false&tempauth=v1.%" PRIx64
                         ".%s&ApiVersion=2.0",
                         d->request->transfer_base, d->account->drive_id, id, (uint64_t)expires, signature);
}
