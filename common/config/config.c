#include "common/config/config_internal.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/config/config_value.h"

#include <stdlib.h>
#include <string.h>

#define KEY_MAX 64

struct config *
config_new(const struct config_schema *schema)
{
    struct config *config = MEMORY_NEW(struct config);
    config->schema = schema;
    config->entries = memory_new(schema->count * sizeof(config->entries[0]));
    for (size_t i = 0; i < schema->count; i++)
        config->entries[i].text = memory_strdup(schema->options[i].default_text);
    return config;
}

static void
free_entries(struct config_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(entries[i].text);
        free(entries[i].origin);
    }
    free(entries);
}

void
config_free(struct config *config)
{
    if (config == NULL)
        return;
    free_entries(config->entries, config->schema->count);
    free(config);
}

void
config_free_p(struct config **config)
{
    config_free(*config);
    *config = NULL;
}

/* Levenshtein distance of two keys, for "did you mean". */
static size_t
distance(const char *a, const char *b)
{
    size_t row[KEY_MAX + 1];
    size_t la = strlen(a), lb = strlen(b);
    if (la > KEY_MAX || lb > KEY_MAX)
        return KEY_MAX;
    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t above = row[j];
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (above + 1 < best)
                best = above + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
            diagonal = above;
        }
    }
    return row[lb];
}

const struct config_option *
config_find(const struct config_schema *schema, const char *key, struct error *err)
{
    const struct config_option *nearest = NULL;
    size_t least = KEY_MAX;
    for (size_t i = 0; i < schema->count; i++) {
        const struct config_option *option = &schema->options[i];
        size_t d = distance(key, option->key);
        if (d == 0)
            return option;
        if (d < least) {
            least = d;
            nearest = option;
        }
    }
    if (nearest != NULL && least <= 6)
        FAIL(err, ERROR_CONFIG, 0, "unknown key %.*s (did you mean %s?)", KEY_MAX, key, nearest->key);
    else
        FAIL(err, ERROR_CONFIG, 0, "unknown key %.*s; --help lists the valid ones", KEY_MAX, key);
    return NULL;
}

int
config_assign(struct config *config, const struct config_option *option, const char *text, const char *origin,
              struct error *err)
{
    if (config_value_parse(option, text, NULL, err) != 0)
        return -1;
    struct config_entry *entry = &config->entries[option - config->schema->options];
    free(entry->text);
    free(entry->origin);
    entry->text = memory_strdup(text);
    entry->origin = memory_strdup(origin);
    return 0;
}

int
config_set(struct config *config, const char *assignment, struct error *err)
{
    const char *equals = strchr(assignment, '=');
    if (equals == NULL)
        return FAIL(err, ERROR_USAGE, 0, "--set takes key=value");
    CLEANUP(memory_free_p) char *key = memory_printf("%.*s", (int)(equals - assignment), assignment);
    const struct config_option *option = config_find(config->schema, key, err);
    return option == NULL ? -1 : config_assign(config, option, equals + 1, "command line", err);
}

void
config_store(const struct config *config, void *target)
{
    for (size_t i = 0; i < config->schema->count; i++) {
        const struct config_option *option = &config->schema->options[i];
        const char *text = config->entries[i].text;
        char *field = (char *)target + option->offset;
        struct config_value value;
        /* Checked when it was assigned; defaults are checked by a test of each daemon's table. */
        (void)config_value_parse(option, text, &value, NULL);
        switch (option->type) {
        case CONFIG_TEXT:
        case CONFIG_PATH:
        case CONFIG_ADDRESS:
        case CONFIG_CHOICE:
            memcpy(field, &text, sizeof(text));
            break;
        case CONFIG_UINT:
        case CONFIG_DURATION:
        case CONFIG_SIZE:
            memcpy(field, &value.number, sizeof(value.number));
            break;
        case CONFIG_BOOL:
            *(bool *)field = value.number != 0;
            break;
        }
    }
}

static size_t
common_prefix(const char *a, const char *b)
{
    size_t at = 0;
    for (size_t i = 0; a[i] != '\0' && a[i] == b[i]; i++) {
        if (a[i] == '.')
            at = i + 1;
    }
    return at;
}

static int
depth_of(const char *key, size_t len)
{
    int depth = 0;
    for (size_t i = 0; i < len; i++)
        depth += key[i] == '.';
    return depth;
}

/* Options of one section stand together in the table, so sections are opened where the prefix changes. */
void
config_print(const struct config *config, FILE *out)
{
    const char *previous = "";
    for (size_t i = 0; i < config->schema->count; i++) {
        const struct config_option *option = &config->schema->options[i];
        const struct config_entry *entry = &config->entries[i];
        const char *at = option->key + common_prefix(previous, option->key);
        for (const char *dot; (dot = strchr(at, '.')) != NULL; at = dot + 1) {
            int indent = 2 * depth_of(option->key, (size_t)(at - option->key));
            fprintf(out, "%*s%.*s:\n", indent, "", (int)(dot - at), at);
        }
        int indent = 2 * depth_of(option->key, (size_t)(at - option->key));
        const char *shown = option->secret && entry->text[0] != '\0' ? "(concealed)" : entry->text;
        fprintf(out, "%*s%s: \"%s\"  # %s\n", indent, "", at, shown, entry->origin != NULL ? entry->origin : "default");
        previous = option->key;
    }
}

void
config_document(const struct config_schema *schema, FILE *out)
{
    fprintf(out, "| key | default | meaning |\n| --- | --- | --- |\n");
    for (size_t i = 0; i < schema->count; i++) {
        const struct config_option *option = &schema->options[i];
        bool empty = option->default_text[0] == '\0';
        fprintf(out, "| `%s` | %s%s%s | %s%s |\n", option->key, empty ? "" : "`", option->default_text,
                empty ? "" : "`", option->help, option->secret ? " (secret)" : "");
    }
}
