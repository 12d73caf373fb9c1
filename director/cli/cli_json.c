#include "director/cli/cli_json.h"

#include "common/base/buffer.h"
#include "common/base/memory.h"
#include "director/cli/cli_table.h"

#include <stdlib.h>
#include <string.h>

json_t *
cli_json_at(json_t *json, const char *path)
{
    char name[64];

    while (json != NULL && *path != '\0') {
        size_t len = strcspn(path, ".");
        if (len >= sizeof(name))
            return NULL;
        memcpy(name, path, len);
        name[len] = '\0';
        json = json_object_get(json, name);
        path += len + (path[len] == '.');
    }
    return json;
}

const char *
cli_json_text(json_t *json, const char *path)
{
    const char *text = json_string_value(cli_json_at(json, path));

    return text != NULL ? text : "";
}

uint64_t
cli_json_number(json_t *json, const char *path)
{
    json_int_t value = json_integer_value(cli_json_at(json, path));

    return value > 0 ? (uint64_t)value : 0;
}

bool
cli_json_true(json_t *json, const char *path)
{
    return json_is_true(cli_json_at(json, path));
}

const char *
cli_json_time(json_t *json, const char *path, char out[CLI_FORMAT_LEN])
{
    const char *text = cli_json_text(json, path);

    cli_format_time(text[0] == '\0' ? "-" : text, out);
    return out;
}

const char *
cli_json_bytes(json_t *json, const char *path, char out[CLI_FORMAT_LEN])
{
    if (!json_is_integer(cli_json_at(json, path)))
        return "-";
    cli_format_bytes(cli_json_number(json, path), out);
    return out;
}

const char *
cli_json_count(json_t *json, const char *path, char out[CLI_FORMAT_LEN])
{
    if (!json_is_integer(cli_json_at(json, path)))
        return "-";
    cli_format_count(cli_json_number(json, path), out);
    return out;
}

const char *
cli_json_or_dash(json_t *json, const char *path)
{
    const char *text = cli_json_text(json, path);

    return text[0] == '\0' ? "-" : text;
}

char *
cli_json_labels(json_t *json, const char *path)
{
    struct buffer out = BUFFER_INIT(16 << 10);
    json_t *labels = cli_json_at(json, path), *value;
    const char *key;

    json_object_foreach (labels, key, value)
        buffer_printf(&out, NULL, "%s%s=%s", out.len == 0 ? "" : ",", key, json_string_value(value));
    char *text = memory_strdup(out.len == 0 ? "-" : buffer_text(&out, NULL));
    buffer_clear(&out);
    return text;
}

int
cli_json_printed(struct cli *cli, json_t *json)
{
    if (!cli_flag(cli, "json"))
        return 0;
    json_dumpf(json, cli->out, JSON_INDENT(2));
    fputc('\n', cli->out);
    return 1;
}

void
cli_json_print_lines(struct cli *cli, json_t *json, const struct cli_json_line *lines)
{
    char cell[CLI_FORMAT_LEN];

    for (; lines->label != NULL; lines++) {
        CLEANUP(memory_free_p) char *labels = NULL;
        const char *text = NULL;
        switch (lines->how) {
        case CLI_JSON_PLAIN:
            text = cli_json_or_dash(json, lines->path);
            break;
        case CLI_JSON_TIME:
            text = cli_json_time(json, lines->path, cell);
            break;
        case CLI_JSON_BYTES:
            text = cli_json_bytes(json, lines->path, cell);
            break;
        case CLI_JSON_COUNT:
            text = cli_json_count(json, lines->path, cell);
            break;
        case CLI_JSON_MS:
            cli_format_duration(cli_json_number(json, lines->path) / 1000, cell);
            text = cell;
            break;
        case CLI_JSON_YES_NO:
            text = cli_json_true(json, lines->path) ? "yes" : "no";
            break;
        case CLI_JSON_LABELS:
            labels = cli_json_labels(json, lines->path);
            text = labels;
            break;
        }
        CLEANUP(memory_free_p) char *clean = cli_table_clean(text);
        fprintf(cli->out, "%-22s %s\n", lines->label, clean);
    }
}
