#include "common/config/config_internal.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define FILE_LIMIT ((size_t)256 << 10)
#define DEPTH_MAX  4
#define KEY_MAX    64

struct file_reader {
    struct config *config;
    const char *name;
    yaml_parser_t parser;
    char path[DEPTH_MAX][KEY_MAX];
    int depth; /* open mappings below the root */
    bool *seen;
    struct error *err;
};

static int
fail_at(struct file_reader *r, const yaml_mark_t *mark, const char *text)
{
    return FAIL(r->err, ERROR_CONFIG, 0, "%s:%zu:%zu: %s", r->name, mark->line + 1, mark->column + 1, text);
}

static int
wrap_at(struct file_reader *r, const yaml_mark_t *mark)
{
    return error_wrap(r->err, "%s:%zu:%zu", r->name, mark->line + 1, mark->column + 1);
}

static int
join_key(const struct file_reader *r, const char *leaf, char *key, size_t size)
{
    size_t used = 0;
    for (int i = 0; i <= r->depth; i++) {
        const char *part = i < r->depth ? r->path[i] : leaf;
        int n = snprintf(key + used, size - used, "%s%s", i == 0 ? "" : ".", part);
        if (n < 0 || (size_t)n >= size - used)
            return -1;
        used += (size_t)n;
    }
    return 0;
}

static int
next_event(struct file_reader *r, yaml_event_t *event)
{
    if (yaml_parser_parse(&r->parser, event))
        return 0;
    yaml_mark_t mark = r->parser.problem_mark;
    return fail_at(r, &mark, r->parser.problem != NULL ? r->parser.problem : "not YAML");
}

static int
take_scalar(struct file_reader *r, const char *leaf, const yaml_mark_t *at, const yaml_event_t *value)
{
    char key[DEPTH_MAX * KEY_MAX], origin[512];
    if (join_key(r, leaf, key, sizeof(key)) != 0)
        return fail_at(r, at, "the key is too long");
    const struct config_option *option = config_find(r->config->schema, key, r->err);
    if (option == NULL)
        return wrap_at(r, at);
    bool *seen = &r->seen[option - r->config->schema->options];
    if (*seen)
        return fail_at(r, at, "this key is given twice");
    *seen = true;
    const char *text = (const char *)value->data.scalar.value;
    if (strlen(text) != value->data.scalar.length)
        return fail_at(r, &value->start_mark, "a value holds a NUL byte");
    snprintf(origin, sizeof(origin), "%s:%zu", r->name, at->line + 1);
    if (config_assign(r->config, option, text, origin, r->err) != 0)
        return wrap_at(r, &value->start_mark);
    return 0;
}

static bool
is_section(const struct file_reader *r, const char *leaf)
{
    char key[DEPTH_MAX * KEY_MAX];
    if (join_key(r, leaf, key, sizeof(key)) != 0)
        return false;
    size_t len = strlen(key);
    for (size_t i = 0; i < r->config->schema->count; i++) {
        const char *known = r->config->schema->options[i].key;
        if (strncmp(known, key, len) == 0 && known[len] == '.')
            return true;
    }
    return false;
}

/* The value that follows a key: a scalar is assigned, a mapping opens a level. */
static int
take_value(struct file_reader *r, const char *leaf, const yaml_mark_t *at)
{
    yaml_event_t value;
    if (next_event(r, &value) != 0)
        return -1;
    int rc = 0;
    if (value.type == YAML_SCALAR_EVENT) {
        rc = take_scalar(r, leaf, at, &value);
    } else if (value.type != YAML_MAPPING_START_EVENT) {
        rc = fail_at(r, &value.start_mark, "expected a value or a section, not a list or an alias");
    } else if (!is_section(r, leaf)) {
        char key[DEPTH_MAX * KEY_MAX];
        (void)join_key(r, leaf, key, sizeof(key));
        (void)config_find(r->config->schema, key, r->err);
        rc = error_is_set(r->err) ? wrap_at(r, at) : fail_at(r, at, "this key takes a value, not a section");
    } else if (r->depth >= DEPTH_MAX - 1) {
        rc = fail_at(r, at, "sections nest too deeply");
    } else {
        snprintf(r->path[r->depth++], KEY_MAX, "%s", leaf);
    }
    yaml_event_delete(&value);
    return rc;
}

static int
take_key(struct file_reader *r, const yaml_event_t *event)
{
    char leaf[KEY_MAX];
    if (event->data.scalar.length >= sizeof(leaf) || strchr((const char *)event->data.scalar.value, '.') != NULL)
        return fail_at(r, &event->start_mark, "not a valid key");
    snprintf(leaf, sizeof(leaf), "%s", (const char *)event->data.scalar.value);
    return take_value(r, leaf, &event->start_mark);
}

/* Stream and document events frame one root mapping; an empty file is fine. */
static int
read_events(struct file_reader *r)
{
    bool in_root = false, done = false;
    int rc = 0;
    while (rc == 0 && !done) {
        yaml_event_t event;
        if (next_event(r, &event) != 0)
            return -1;
        if (event.type == YAML_STREAM_END_EVENT) {
            done = true;
        } else if (event.type == YAML_MAPPING_START_EVENT && !in_root) {
            in_root = true;
        } else if (event.type == YAML_MAPPING_END_EVENT && r->depth > 0) {
            r->depth--;
        } else if (event.type == YAML_SCALAR_EVENT && in_root) {
            rc = take_key(r, &event);
        } else if (event.type == YAML_SCALAR_EVENT && event.data.scalar.length > 0) {
            rc = fail_at(r, &event.start_mark, "expected \"key: value\" lines");
        } else if (event.type == YAML_SEQUENCE_START_EVENT || event.type == YAML_ALIAS_EVENT ||
                   event.type == YAML_MAPPING_START_EVENT) {
            rc = fail_at(r, &event.start_mark, "expected \"key: value\" lines");
        }
        yaml_event_delete(&event);
    }
    return rc;
}

static struct config *
duplicate(const struct config *config)
{
    struct config *copy = config_new(config->schema);
    for (size_t i = 0; i < config->schema->count; i++) {
        free(copy->entries[i].text);
        copy->entries[i].text = memory_strdup(config->entries[i].text);
        if (config->entries[i].origin != NULL)
            copy->entries[i].origin = memory_strdup(config->entries[i].origin);
    }
    return copy;
}

int
config_read(struct config *config, const char *name, const void *text, size_t len, struct error *err)
{
    if (len > FILE_LIMIT)
        return FAIL(err, ERROR_CONFIG, 0, "%s: larger than the limit of %zu bytes", name, FILE_LIMIT);
    /* All or nothing: read into a copy, and exchange the entries when it went well. */
    CLEANUP(config_free_p) struct config *copy = duplicate(config);
    struct file_reader r = { .config = copy, .name = name, .err = err };
    r.seen = memory_new(config->schema->count * sizeof(bool));
    int rc = -1;
    if (!yaml_parser_initialize(&r.parser)) {
        FAIL(err, ERROR_INTERNAL, 0, "cannot start the YAML parser");
    } else {
        yaml_parser_set_input_string(&r.parser, text, len);
        yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
        rc = read_events(&r);
        yaml_parser_delete(&r.parser);
    }
    free(r.seen);
    if (rc == 0) {
        struct config_entry *entries = config->entries;
        config->entries = copy->entries;
        copy->entries = entries;
    }
    return rc;
}

int
config_read_file(struct config *config, const char *path, struct error *err)
{
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return FAIL(err, ERROR_CONFIG, errno, "%s: %s", path, strerror(errno));
    CLEANUP(buffer_clear) struct buffer text = BUFFER_INIT(FILE_LIMIT + 1);
    int rc = buffer_reserve(&text, FILE_LIMIT + 1, err);
    if (rc == 0) {
        text.len = fread(text.data, 1, FILE_LIMIT + 1, f);
        if (ferror(f))
            rc = FAIL(err, ERROR_CONFIG, errno, "%s: cannot read it: %s", path, strerror(errno));
    }
    fclose(f);
    return rc != 0 ? rc : config_read(config, path, text.data, text.len, err);
}
