#include "director/cli/cli_labels.h"

#include "common/base/memory.h"

#include <string.h>

int
cli_labels_add(json_t *labels, const char *text, struct error *err)
{
    CLEANUP(memory_free_p) char *key = memory_strdup(text);
    char *equals = strchr(key, '=');

    if (equals == NULL || equals == key || equals[1] == '\0')
        return FAIL(err, ERROR_USAGE, 0, "\"%s\" is not KEY=VALUE", text);
    *equals = '\0';
    if (json_object_set_new(labels, key, json_string(equals + 1)) != 0)
        return FAIL(err, ERROR_USAGE, 0, "labels are UTF-8 text");
    return 0;
}

json_t *
cli_labels_read(const struct cli *cli, const char *option, struct error *err)
{
    json_t *labels = json_object();
    const char *text;

    for (size_t i = 0; (text = cli_option_nth(cli, option, i)) != NULL; i++)
        if (cli_labels_add(labels, text, err) != 0) {
            json_decref(labels);
            return NULL;
        }
    return labels;
}
