#include "director/cli/cli_keys.h"

#include "common/base/memory.h"
#include "common/crypto/private_file.h"
#include "common/crypto/sealing_key.h"
#include "director/cli/cli_settings.h"

#include <jansson.h>
#include <string.h>

static json_t *
load(void)
{
    CLEANUP(memory_free_p) char *path = cli_settings_path("sealing-keys.json", NULL);
    json_t *keys = path == NULL ? NULL : json_load_file(path, 0, NULL);

    if (!json_is_object(keys)) {
        json_decref(keys);
        return json_object();
    }
    return keys;
}

enum cli_key_state
cli_keys_look(const char *node_id, const uint8_t key[65])
{
    json_t *keys = load();
    const char *known = json_string_value(json_object_get(keys, node_id));
    enum cli_key_state state = known == NULL                                 ? CLI_KEY_NEW
                               : sealing_key_fingerprint_matches(key, known) ? CLI_KEY_KNOWN
                                                                             : CLI_KEY_CHANGED;

    json_decref(keys);
    return state;
}

int
cli_keys_remember(const char *node_id, const uint8_t key[65], struct error *err)
{
    CLEANUP(memory_free_p) char *folder = cli_settings_path("", NULL);
    CLEANUP(memory_free_p) char *path = cli_settings_path("sealing-keys.json", NULL);
    char fingerprint[SEALING_KEY_FINGERPRINT_LEN];

    if (path == NULL)
        return 0;
    folder[strlen(folder) - 1] = '\0';
    sealing_key_fingerprint(key, fingerprint);
    json_t *keys = load();
    json_object_set_new(keys, node_id, json_string(fingerprint));
    CLEANUP(memory_free_p) char *text = json_dumps(keys, JSON_INDENT(2));
    json_decref(keys);
    if (private_file_folder(folder, err) != 0)
        return -1;
    return private_file_replace(path, text, strlen(text), err);
}
