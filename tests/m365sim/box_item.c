#include "common/base/clock.h"
#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/m365sim/attachment_internal.h"
#include "tests/m365sim/box_internal.h"
#include "tests/m365sim/files.h"
#include "tests/m365sim/reply.h"
#include "tests/m365sim/request.h"
#include "tests/m365sim/sim.h"
#include "tests/m365sim/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *
box_document(struct tree *tree, uint32_t index)
{
    size_t len;
    CLEANUP(memory_free_p) char *path = tree_state_path(tree, tree_at(tree, index)->key, "json");
    CLEANUP(memory_free_p) char *text = files_read(path, 2 * BOX_FILE_LIMIT, &len, NULL);
    json_t *document = text != NULL ? json_loadb(text, len, 0, NULL) : NULL;
    return document != NULL ? document : json_object();
}

int
box_write(struct tree *tree, uint32_t index, const json_t *document, struct error *err)
{
    uint64_t key = tree_at(tree, index)->key;
    CLEANUP(memory_free_p) char *path = tree_state_path(tree, key, "json");
    json_t *copy = json_copy((json_t *)(uintptr_t)document);
    /* Bytes of attachments go into files of their own. */
    const json_t *files = json_object_get(document, "_files");
    if (files != NULL) {
        json_object_del(copy, "_attachments");
        attachment_take_all(tree, key, copy, files, NULL);
        json_object_del(copy, "_files");
    }
    char *text = json_dumps(copy, JSON_COMPACT);
    json_decref(copy);
    if (text == NULL)
        return FAIL(err, ERROR_FORMAT, 0, "the entity cannot be written as JSON");
    int result = files_replace(path, text, strlen(text), err);
    tree_at(tree, index)->size = strlen(text);
    free(text);
    return result;
}

static json_t *
now(const struct mailbox *m)
{
    char text[CLOCK_TEXT_LEN];
    clock_format_ms(clock_wall_ms(m->request->sim->clock), text);
    return json_sprintf("%.19sZ", text);
}

bool
box_store(struct mailbox *m, uint32_t index, json_t *document)
{
    struct error err = ERROR_INIT;
    json_object_set_new(document, "lastModifiedDateTime", now(m));
    if (box_write(m->tree, index, document, &err) == 0) {
        tree_touch(m->tree, index, true);
        return true;
    }
    reply_error(m->reply, err.kind == ERROR_NO_SPACE ? 507 : 500, "ErrorInternalServerError", err.text, NULL);
    return false;
}

uint32_t
box_add(struct mailbox *m, uint32_t folder, json_t *document)
{
    CLEANUP(memory_free_p) char *label = memory_printf("%llx", (unsigned long long)tree_last_change(m->tree));
    uint32_t index = tree_add(m->tree, folder, TREE_ITEM, label, TREE_JSON | TREE_OVERLAY | TREE_MOVED | TREE_READ);
    json_object_set_new(document, "createdDateTime", now(m));
    if (box_store(m, index, document))
        return index;
    tree_delete(m->tree, index);
    return TREE_NONE;
}

void
box_item_id(struct mailbox *m, uint32_t index, char out[MAILBOX_ID_LEN])
{
    const struct tree_node *n = tree_at(m->tree, index);
    mailbox_message_id(m->tree, n->key, tree_at(m->tree, n->parent)->key, mailbox_wants_immutable(m->request), out);
}

void
box_put_etag(json_t *o, const struct tree_node *n, bool change_key)
{
    uint8_t bytes[12];
    char text[ENCODING_BASE64_LEN(sizeof(bytes))];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(n->key >> (56 - 8 * i));
    for (int i = 0; i < 4; i++)
        bytes[8 + i] = (uint8_t)(n->version >> (24 - 8 * i));
    encoding_base64(bytes, sizeof(bytes), text);
    json_object_set_new(o, "@odata.etag", json_sprintf("W/\"%s\"", text));
    if (change_key)
        json_object_set_new(o, "changeKey", json_string(text));
}

json_t *
box_entity(struct mailbox *m, uint32_t index, const json_t *document)
{
    char id[MAILBOX_ID_LEN];
    const char *name;
    json_t *value, *o = json_object();
    box_put_etag(o, tree_at(m->tree, index), true);
    box_item_id(m, index, id);
    json_object_set_new(o, "id", json_string(id));
    json_object_foreach ((json_t *)(uintptr_t)document, name, value) {
        if (name[0] != '_')
            json_object_set(o, name, value);
    }
    return o;
}

void
box_fill(json_t *o, json_t *defaults)
{
    json_object_update_missing(o, defaults);
    json_decref(defaults);
}

static bool
is_in(const char *list, const char *name)
{
    size_t len = strlen(name);
    for (const char *p = list; (p = strstr(p, name)) != NULL; p += len)
        if ((p == list || p[-1] == ' ') && (p[len] == ' ' || p[len] == '\0'))
            return true;
    return false;
}

char *
box_take(json_t *document, const json_t *given, const char *type, const char *settable, const char *ignored)
{
    const char *name;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)given, name, value) {
        if (strchr(name, '@') != NULL || is_in(ignored, name))
            continue;
        if (!is_in(settable, name))
            return memory_printf("The property '%.100s' cannot be set on type 'microsoft.graph.%s'.", name, type);
        json_object_set(document, name, value);
    }
    return NULL;
}
