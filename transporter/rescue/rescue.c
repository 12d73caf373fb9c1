#include "transporter/rescue/rescue_internal.h"

#include "common/base/clock.h"
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
#include <unistd.h>

#define PASSWORD_MAX 4096

static const char usage[] =
    "Usage: longhaul-transporter vault COMMAND --storage DIR --vault ID --password-file FILE [OPTIONS]\n"
    "  list                                  the vault's recovery points\n"
    "  browse --point P [--folder KEY]       what is in a folder of a point; without KEY: at the top\n"
    "  verify [--point P]                    read and check every byte of one point, or of all\n"
    "  export --point P --to DIR [--folder KEY]  write it all, or a folder of it, below DIR\n"
    "A password file of - is standard input. The line's end is not part of the password.\n";

static const struct {
    const char *name;
    int (*run)(struct rescue *rescue, struct error *err);
    bool needs_point;
} commands[] = {
    { "list", rescue_list, false },
    { "browse", rescue_browse, true },
    { "verify", rescue_verify, false },
    { "export", rescue_export, true },
};

static int
parse_options(int argc, char **argv, struct rescue_options *options, struct error *err)
{
    static const struct option names[] = {
        { "storage", required_argument, NULL, 's' },
        { "vault", required_argument, NULL, 'v' },
        { "password-file", required_argument, NULL, 'p' },
        { "point", required_argument, NULL, 'P' },
        { "folder", required_argument, NULL, 'f' },
        { "to", required_argument, NULL, 't' },
        { NULL, 0, NULL, 0 },
    };
    if (argc < 2)
        return FAIL(err, ERROR_USAGE, 0, "a command is missing");
    options->command = argv[1];
    optind = 2;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (c) {
        case 's':
            options->storage = optarg;
            break;
        case 'v':
            options->vault_id = optarg;
            break;
        case 'p':
            options->password_file = optarg;
            break;
        case 'P':
            options->point = optarg;
            break;
        case 'f':
            options->folder = optarg;
            break;
        case 't':
            options->to = optarg;
            break;
        default:
            return FAIL(err, ERROR_USAGE, 0, "option %s is unknown or lacks its value", argv[optind - 1]);
        }
    }
    if (optind < argc)
        return FAIL(err, ERROR_USAGE, 0, "'%s' is one argument too many", argv[optind]);
    if (options->storage == NULL || options->vault_id == NULL || options->password_file == NULL)
        return FAIL(err, ERROR_USAGE, 0, "--storage, --vault and --password-file are needed");
    return 0;
}

static struct secret *
read_password(const char *path, struct error *err)
{
    bool standard_input = strcmp(path, "-") == 0;
    int fd = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct secret *room = fd >= 0 ? secret_reserve(PASSWORD_MAX, err) : NULL;
    ssize_t n = room != NULL ? read(fd, secret_bytes_mutable(room), PASSWORD_MAX) : -1;
    int native = errno;
    if (fd > 0)
        close(fd);
    struct secret *password = NULL;
    if (n < 0)
        FAIL(err, error_kind_from_errno(native), native, "password file: %s", strerror(native));
    while (n > 0 && (secret_bytes(room)[n - 1] == '\n' || secret_bytes(room)[n - 1] == '\r'))
        n--;
    if (n == 0)
        FAIL(err, ERROR_USAGE, 0, "the password file is empty");
    if (n > 0)
        password = secret_new(secret_bytes(room), (size_t)n, err);
    secret_free(room);
    return password;
}

static int
open_host(struct rescue *rescue, struct error *err)
{
    char folder[] = "/tmp/longhaul-rescue-XXXXXX";
    CLEANUP(memory_free_p) char *absolute = realpath(rescue->options.storage, NULL);
    if (absolute == NULL)
        return FAIL(err, ERROR_UNAVAILABLE, errno, "storage %s is not available: %s", rescue->options.storage,
                    strerror(errno));
    json_t *json = json_pack("{s:s, s:s}", "driver", "local", "path", absolute);
    char *location = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (location == NULL)
        return FAIL(err, ERROR_USAGE, 0, "--storage is not a path in UTF-8");
    rescue->storage = storage_open(location, strlen(location), rescue->clock, false, err);
    free(location);
    if (rescue->storage == NULL)
        return -1;
    if (mkdtemp(folder) == NULL)
        return FAIL(err, ERROR_IO, errno, "temporary folder: %s", strerror(errno));
    rescue->state_dir = memory_strdup(folder);
    const struct vault_host_options options = { .vault_id = rescue->options.vault_id, .state_dir = rescue->state_dir };
    rescue->host = vault_host_open(rescue->storage, rescue->clock, &options, err);
    return rescue->host != NULL ? 0 : -1;
}

int
rescue_open(struct rescue *rescue, struct error *err)
{
    CLEANUP(secret_free_p) struct secret *password = read_password(rescue->options.password_file, err);
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
