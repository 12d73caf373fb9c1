#include "transporter/rescue/rescue_internal.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/vault/vault.h"
#include "transporter/host/vault_host.h"
#include "transporter/storage/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_FILE_MAX 16384

static const char usage[] =
    "Usage: longhaul-transporter vault COMMAND --storage PLACE --vault ID --password-file FILE [OPTIONS]\n"
    "  list                                  the vault's recovery points\n"
    "  browse --point P [--folder KEY]       what is in a folder of a point; without KEY: at the top\n"
    "  search --point P [--text T] [--name T] [--subject T] [--sender T] [--from TIME] [--until TIME]\n"
    "                                        items that all of these fit, without regard to case and accents;\n"
    "                                        times such as 2026-09-14 or 2026-09-14T07:58:10Z\n"
    "  verify [--point P] [--structure | --sample PERCENT [--seed N]] [--quarantine]\n"
    "                                        read and check every byte of one point, or of all; only that all is "
    "there;\n"
    "                                        or a sample of it. --quarantine notes what is damaged, for backups and "
    "heal\n"
    "  heal [--from-storage PLACE [--from-vault ID] [--from-password-file FILE]]\n"
    "                                        store anew what verify --quarantine has noted, from this vault where it\n"
    "                                        can be read after all, and from a copy of it\n"
    "  rebuild-index                         make the index anew from the packs\n"
    "  export --point P --to PATH [--folder KEY] [--format files|zip|mbox]\n"
    "                                        write it all, or a folder of it: .eml and files below PATH, one zip\n"
    "                                        file PATH, or an mbox file below PATH for each mail folder\n"
    "PLACE is a repository's folder, or a file (- is standard input) with the location of any kind of storage as\n"
    "JSON, such as {\"driver\":\"s3\",\"endpoint\":\"https://...\",\"bucket\":\"...\",...};\n"
    "transporter/storage/README.md has them all.\n"
    "A password file of - is standard input. The line's end is not part of the password.\n"
    "--json prints one JSON object a line (list, browse, search, verify).\n";

static const struct {
    const char *name;
    int (*run)(struct rescue *rescue, struct error *err);
    bool needs_point, writes;
} commands[] = {
    { "list", rescue_list, false, false },
    { "browse", rescue_browse, true, false },
    { "search", rescue_search, true, false },
    { "verify", rescue_verify, false, false },
    { "export", rescue_export, true, false },
    { "heal", rescue_heal, false, true },
    { "rebuild-index", rescue_rebuild_index, false, true },
};

/* The order is that of the pointers in options_of(). */
static const struct option names[] = {
    { "storage", required_argument, NULL, 0 },
    { "vault", required_argument, NULL, 1 },
    { "password-file", required_argument, NULL, 2 },
    { "point", required_argument, NULL, 3 },
    { "folder", required_argument, NULL, 4 },
    { "to", required_argument, NULL, 5 },
    { "format", required_argument, NULL, 6 },
    { "text", required_argument, NULL, 7 },
    { "name", required_argument, NULL, 8 },
    { "subject", required_argument, NULL, 9 },
    { "sender", required_argument, NULL, 10 },
    { "from", required_argument, NULL, 11 },
    { "until", required_argument, NULL, 12 },
    { "sample", required_argument, NULL, 13 },
    { "seed", required_argument, NULL, 14 },
    { "from-storage", required_argument, NULL, 15 },
    { "from-vault", required_argument, NULL, 16 },
    { "from-password-file", required_argument, NULL, 17 },
    { "json", no_argument, NULL, 18 },
    { "structure", no_argument, NULL, 19 },
    { "quarantine", no_argument, NULL, 20 },
    { NULL, 0, NULL, 0 },
};

static int
parse_options(int argc, char **argv, struct rescue_options *options, struct error *err)
{
    const char **const texts[] = { &options->storage,      &options->vault_id,   &options->password_file,
                                   &options->point,        &options->folder,     &options->to,
                                   &options->format,       &options->text,       &options->name,
                                   &options->subject,      &options->sender,     &options->from,
                                   &options->until,        &options->sample,     &options->seed,
                                   &options->from_storage, &options->from_vault, &options->from_password_file };
    bool *const flags[] = { &options->json, &options->structure, &options->quarantine };
    if (argc < 2)
        return FAIL(err, ERROR_USAGE, 0, "a command is missing");
    options->command = argv[1];
    optind = 2;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        if (c >= 0 && c < (int)ARRAY_LEN(texts))
            *texts[c] = optarg;
        else if (c >= 0 && c < (int)(ARRAY_LEN(texts) + ARRAY_LEN(flags)))
            *flags[c - (int)ARRAY_LEN(texts)] = true;
        else
            return FAIL(err, ERROR_USAGE, 0, "option %s is unknown or lacks its value", argv[optind - 1]);
    }
    if (optind < argc)
        return FAIL(err, ERROR_USAGE, 0, "'%s' is one argument too many", argv[optind]);
    if (options->storage == NULL || options->vault_id == NULL || options->password_file == NULL)
        return FAIL(err, ERROR_USAGE, 0, "--storage, --vault and --password-file are needed");
    if (strcmp(options->storage, "-") == 0 && strcmp(options->password_file, "-") == 0)
        return FAIL(err, ERROR_USAGE, 0, "only one of --storage and --password-file can be standard input");
    return 0;
}

/* A small file, or standard input, without the line's end. */
static struct secret *
read_secret(const char *path, const char *what, struct error *err)
{
    bool standard_input = strcmp(path, "-") == 0;
    int fd = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct secret *room = fd >= 0 ? secret_reserve(SECRET_FILE_MAX, err) : NULL;
    ssize_t n = room != NULL ? 0 : -1;
    for (ssize_t part = 1; n >= 0 && part > 0 && n < SECRET_FILE_MAX; n = part < 0 ? part : n + part)
        part = read(fd, secret_bytes_mutable(room) + n, (size_t)(SECRET_FILE_MAX - n));
    int native = errno;
    if (fd > 0)
        close(fd);
    struct secret *secret = NULL;
    if (n < 0)
        FAIL(err, error_kind_from_errno(native), native, "%s: %s", what, strerror(native));
    while (n > 0 && (secret_bytes(room)[n - 1] == '\n' || secret_bytes(room)[n - 1] == '\r'))
        n--;
    if (n == 0)
        FAIL(err, ERROR_USAGE, 0, "the %s is empty", what);
    if (n > 0)
        secret = secret_new(secret_bytes(room), (size_t)n, err);
    secret_free(room);
    return secret;
}

static struct secret *
folder_location(const char *folder, struct error *err)
{
    CLEANUP(memory_free_p) char *absolute = realpath(folder, NULL);
    if (absolute == NULL) {
        FAIL(err, ERROR_UNAVAILABLE, errno, "storage %s is not available: %s", folder, strerror(errno));
        return NULL;
    }
    json_t *json = json_pack("{s:s, s:s}", "driver", "local", "path", absolute);
    CLEANUP(memory_free_p) char *location = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (location == NULL) {
        FAIL(err, ERROR_USAGE, 0, "--storage is not a path in UTF-8");
        return NULL;
    }
    return secret_new(location, strlen(location), err);
}

static struct secret *
find_location(const char *place, struct error *err)
{
    struct stat st;
    bool file = strcmp(place, "-") == 0 || (stat(place, &st) == 0 && !S_ISDIR(st.st_mode));
    return file ? read_secret(place, "storage location", err) : folder_location(place, err);
}

static int
open_host(struct rescue *rescue, struct error *err)
{
    char folder[] = "/tmp/longhaul-rescue-XXXXXX";
    CLEANUP(secret_free_p) struct secret *location = find_location(rescue->options.storage, err);
    if (location == NULL)
        return -1;
    rescue->storage = storage_open(secret_text(location), secret_len(location), rescue->clock, false, err);
    if (rescue->storage == NULL)
        return -1;
    if (mkdtemp(folder) == NULL)
        return FAIL(err, ERROR_IO, errno, "temporary folder: %s", strerror(errno));
    rescue->state_dir = memory_strdup(folder);
    const struct vault_host_options options = { .vault_id = rescue->options.vault_id,
                                                .state_dir = rescue->state_dir,
                                                .read_only = !rescue->writes };
    rescue->host = vault_host_open(rescue->storage, rescue->clock, &options, err);
    return rescue->host != NULL ? 0 : -1;
}

int
rescue_open(struct rescue *rescue, struct error *err)
{
    CLEANUP(secret_free_p) struct secret *password = read_secret(rescue->options.password_file, "password file", err);
    if (password == NULL || open_host(rescue, err) != 0)
        return -1;
    rescue->vault =
        vault_open(vault_host_backend(rescue->host), rescue->clock, rescue->options.vault_id, password, err);
    return rescue->vault != NULL ? 0 : -1;
}

static int
on_remove(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st;
    (void)type;
    (void)walk;
    return remove(path);
}

void
rescue_close(struct rescue *rescue)
{
    vault_close(rescue->vault);
    vault_host_close(rescue->host);
    storage_close(rescue->storage);
    if (rescue->state_dir != NULL)
        nftw(rescue->state_dir, on_remove, 16, FTW_DEPTH | FTW_PHYS);
    free(rescue->state_dir);
}

static int
run(struct rescue *rescue, struct error *err)
{
    const struct rescue_options *options = &rescue->options;
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(commands[i].name, options->command) != 0)
            continue;
        if (commands[i].needs_point && options->point == NULL)
            return FAIL(err, ERROR_USAGE, 0, "%s needs --point", options->command);
        if (commands[i].run == rescue_export && options->to == NULL)
            return FAIL(err, ERROR_USAGE, 0, "export needs --to");
        rescue->writes = commands[i].writes || options->quarantine;
        return rescue_open(rescue, err) != 0 ? -1 : commands[i].run(rescue, err);
    }
    return FAIL(err, ERROR_USAGE, 0, "unknown command '%s'", options->command);
}

static bool
asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0 || (i == 1 && strcmp(argv[i], "help") == 0))
            return true;
    return false;
}

int
rescue_command(int argc, char **argv, const struct clock *clock)
{
    struct error err = ERROR_INIT;
    struct rescue rescue = { .clock = clock };
    if (asks_for_help(argc, argv)) {
        fputs(usage, stdout);
        return 0;
    }
    /* What a command has to say it says itself. */
    log_setup(STDERR_FILENO, LOG_ERROR);
    int result = parse_options(argc, argv, &rescue.options, &err);
    if (result == 0)
        result = run(&rescue, &err);
    rescue_close(&rescue);
    if (result == 0)
        return 0;
    fprintf(stderr, "longhaul-transporter vault: %s\n", err.text);
    if (err.kind == ERROR_USAGE)
        fputs(usage, stderr);
    return error_kind_exit_code(err.kind);
}
