#include "director/cli/cli_settings.h"

#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/private_file.h"
#include "director/cli/cli_secret.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_LIMIT   ((size_t)256 << 10)
#define DEFAULT_PORT "8440"

char *
cli_settings_path(const char *name, struct error *err)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

    if (config != NULL && config[0] == '/')
        return memory_printf("%s/longhaul/%s", config, name);
    if (home != NULL && home[0] == '/')
        return memory_printf("%s/.config/longhaul/%s", home, name);
    FAIL(err, ERROR_CONFIG, 0, "neither HOME nor XDG_CONFIG_HOME is set; give --director, --ca and --token-file");
    return NULL;
}

char *
cli_settings_read_file(const char *path, struct error *err)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;

    if (file == NULL) {
        FAIL(err, error_kind_from_errno(errno), errno, "cannot open %s: %s", path, strerror(errno));
        return NULL;
    }
    text = memory_array(FILE_LIMIT + 1, 1, FILE_LIMIT + 1, err);
    size_t len = text == NULL ? 0 : fread(text, 1, FILE_LIMIT + 1, file);
    if (text != NULL && (ferror(file) || len > FILE_LIMIT)) {
        FAIL(err, len > FILE_LIMIT ? ERROR_LIMIT : ERROR_IO, errno, "cannot read %s", path);
        free(text);
        text = NULL;
    }
    if (text != NULL)
        text[len < FILE_LIMIT ? len : FILE_LIMIT] = '\0';
    fclose(file);
    return text;
}

char *
cli_settings_check_url(const char *text, struct error *err)
{
    static const char scheme[] = "https://";
    const char *host = text;

    if (strncasecmp(text, scheme, sizeof(scheme) - 1) == 0)
        host += sizeof(scheme) - 1;
    else if (strstr(text, "://") != NULL) {
        FAIL(err, ERROR_USAGE, 0, "the director is reached by https:// only");
        return NULL;
    }
    size_t len = strcspn(host, "/?#@");
    if (len == 0 || len > 255 || (host[len] != '\0' && strcmp(host + len, "/") != 0)) {
        FAIL(err, ERROR_USAGE, 0, "\"%s\" is not https://host:port", text);
        return NULL;
    }
    const char *bracket = memchr(host, ']', len);
    const char *after = bracket != NULL ? bracket : host;
    bool port = memchr(after, ':', len - (size_t)(after - host)) != NULL;
    return memory_printf("%s%.*s%s", scheme, (int)len, host, port ? "" : ":" DEFAULT_PORT);
}

/* Saved values; what is absent stays NULL. */
static int
load_saved(struct cli_settings *settings, struct error *err)
{
    CLEANUP(memory_free_p) char *path = cli_settings_path("cli.json", NULL);
    CLEANUP(memory_free_p) char *ca_path = cli_settings_path("authority.pem", NULL);
    CLEANUP(memory_free_p) char *token_path = cli_settings_path("token", NULL);
    json_t *saved = path == NULL ? NULL : json_load_file(path, 0, NULL);

    if (saved == NULL)
        return 0;
    const char *director = json_string_value(json_object_get(saved, "director"));
    int result = 0;
    if (settings->director == NULL && director != NULL) {
        settings->director = cli_settings_check_url(director, err);
        result = settings->director == NULL ? -1 : 0;
    }
    json_decref(saved);
    if (result == 0 && settings->ca_pem == NULL)
        result = (settings->ca_pem = cli_settings_read_file(ca_path, err)) == NULL ? -1 : 0;
    if (result == 0 && settings->token == NULL)
        result = (settings->token = cli_secret_from_file(token_path, err)) == NULL ? -1 : 0;
    return result;
}

/* Names the origin of what has been set since the last call. */
static void
note_origin(struct cli_settings *settings, const char *origin)
{
    if (settings->director != NULL && settings->director_from == NULL)
        settings->director_from = origin;
    if (settings->ca_pem != NULL && settings->ca_from == NULL)
        settings->ca_from = origin;
    if (settings->token != NULL && settings->token_from == NULL)
        settings->token_from = origin;
}

static int
load_state_dir(struct cli_settings *settings, const char *state_dir, struct error *err)
{
    CLEANUP(memory_free_p) char *ca_path = memory_printf("%s/authority/root.pem", state_dir);
    CLEANUP(memory_free_p) char *token_path = memory_printf("%s/admin.token", state_dir);

    if (settings->director == NULL)
        settings->director = memory_strdup("https://localhost:" DEFAULT_PORT);
    if (settings->ca_pem == NULL && (settings->ca_pem = cli_settings_read_file(ca_path, err)) == NULL)
        return -1;
    if (settings->token == NULL && (settings->token = cli_secret_from_file(token_path, err)) == NULL)
        return -1;
    return 0;
}

static int
take(struct cli_settings *settings, const char *director, const char *ca, const char *token_file, struct error *err)
{
    if (settings->director == NULL && director != NULL &&
        (settings->director = cli_settings_check_url(director, err)) == NULL)
        return -1;
    if (settings->ca_pem == NULL && ca != NULL && (settings->ca_pem = cli_settings_read_file(ca, err)) == NULL)
        return -1;
    if (settings->token == NULL && token_file != NULL &&
        (settings->token = cli_secret_from_file(token_file, err)) == NULL)
        return -1;
    return 0;
}

static int
take_token_variable(struct cli_settings *settings, struct error *err)
{
    const char *token = getenv("LONGHAUL_TOKEN");

    if (settings->token != NULL || token == NULL || token[0] == '\0')
        return 0;
    settings->token = secret_new(token, strlen(token), err);
    return settings->token == NULL ? -1 : 0;
}

static int
check_complete(const struct cli_settings *settings, struct error *err)
{
    static const char help[] = "run longhaul login --director https://HOST:8440 --ca-fingerprint HEX --token-file FILE";

    if (settings->director == NULL)
        return FAIL(err, ERROR_CONFIG, 0, "which director? %s", help);
    if (settings->ca_pem == NULL)
        return FAIL(err, ERROR_CONFIG, 0, "the director's authority is not known (--ca FILE); %s", help);
    if (settings->token == NULL)
        return FAIL(err, ERROR_CONFIG, 0, "there is no token (--token-file FILE); %s", help);
    return 0;
}

static int
load_all(const struct cli *cli, struct cli_settings *settings, struct error *err)
{
    const char *state_dir = cli_option(cli, "state-dir");
    int result = take(settings, cli_option(cli, "director"), cli_option(cli, "ca"), cli_option(cli, "token-file"), err);

    note_origin(settings, "option");
    if (result == 0 && state_dir != NULL)
        result = load_state_dir(settings, state_dir, err);
    note_origin(settings, "--state-dir");
    if (result == 0)
        result = take(settings, getenv("LONGHAUL_DIRECTOR"), getenv("LONGHAUL_CA"), getenv("LONGHAUL_TOKEN_FILE"), err);
    if (result == 0)
        result = take_token_variable(settings, err);
    note_origin(settings, "environment");
    state_dir = getenv("LONGHAUL_STATE_DIR");
    if (result == 0 && state_dir != NULL)
        result = load_state_dir(settings, state_dir, err);
    note_origin(settings, "LONGHAUL_STATE_DIR");
    if (result == 0)
        result = load_saved(settings, err);
    note_origin(settings, "longhaul login");
    return result;
}

int
cli_settings_load(const struct cli *cli, struct cli_settings *settings, struct error *err)
{
    return load_all(cli, settings, err) == 0 ? check_complete(settings, err) : -1;
}

static const char *
origin_or_none(const char *origin)
{
    return origin != NULL ? origin : "not set";
}

int
cli_settings_show(struct cli *cli, struct error *err)
{
    struct cli_settings settings = { .director = NULL };
    int result = load_all(cli, &settings, err);

    if (result == 0 && cli->print_config)
        fprintf(cli->out, "director: \"%s\"  # %s\nca: \"%s\"  # %s\ntoken: \"%s\"  # %s\n",
                settings.director != NULL ? settings.director : "", origin_or_none(settings.director_from),
                settings.ca_pem != NULL ? "(certificate)" : "", origin_or_none(settings.ca_from),
                settings.token != NULL ? "(concealed)" : "", origin_or_none(settings.token_from));
    if (result == 0 && cli->check_config && (result = check_complete(&settings, err)) == 0)
        fprintf(cli->out, "configuration is valid\n");
    cli_settings_clear(&settings);
    return result;
}

void
cli_settings_clear(struct cli_settings *settings)
{
    free(settings->director);
    free(settings->ca_pem);
    secret_free(settings->token);
    memset(settings, 0, sizeof(*settings));
}

int
cli_settings_save(const struct cli_settings *settings, struct error *err)
{
    CLEANUP(memory_free_p) char *folder = cli_settings_path("", err);
    CLEANUP(memory_free_p) char *path = cli_settings_path("cli.json", err);
    CLEANUP(memory_free_p) char *ca_path = cli_settings_path("authority.pem", err);
    CLEANUP(memory_free_p) char *token_path = cli_settings_path("token", err);

    if (folder == NULL)
        return -1;
    folder[strlen(folder) - 1] = '\0';
    json_t *json = json_pack("{s:s}", "director", settings->director);
    CLEANUP(memory_free_p) char *text = json_dumps(json, JSON_INDENT(2));
    json_decref(json);
    if (private_file_folder(folder, err) != 0 ||
        private_file_replace(ca_path, settings->ca_pem, strlen(settings->ca_pem), err) != 0 ||
        private_file_replace(token_path, secret_bytes(settings->token), secret_len(settings->token), err) != 0)
        return -1;
    return private_file_replace(path, text, strlen(text), err);
}

int
cli_settings_forget(struct error *err)
{
    static const char *const names[] = { "cli.json", "token", "authority.pem" };

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        CLEANUP(memory_free_p) char *path = cli_settings_path(names[i], err);
        if (path == NULL)
            return -1;
        if (unlink(path) != 0 && errno != ENOENT)
            return FAIL(err, error_kind_from_errno(errno), errno, "cannot remove %s: %s", path, strerror(errno));
    }
    return 0;
}
