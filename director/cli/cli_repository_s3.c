#include "director/cli/cli_repository_s3.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "director/cli/cli_secret.h"

#include <stdlib.h>
#include <string.h>

static const struct cli_secret_source key_id_source = { "s3-key-id-file", "LONGHAUL_S3_KEY_ID", "Access key id",
                                                        false };
static const struct cli_secret_source secret_source = { "s3-secret-file", "LONGHAUL_S3_SECRET", "Secret access key",
                                                        false };
static const struct cli_secret_source token_source = { "s3-token-file", "LONGHAUL_S3_TOKEN", "Session token", false };

bool
cli_repository_s3_wanted(struct cli *cli)
{
    return cli_option(cli, "s3-bucket") != NULL;
}

static bool
is_one_of(const char *value, const char *const *words)
{
    for (; *words != NULL; words++)
        if (value == NULL || strcmp(value, *words) == 0)
            return true;
    return false;
}

static int
check_options(struct cli *cli, struct error *err)
{
    static const char *const modes[] = { "none", "governance", "compliance", NULL };
    static const char *const styles[] = { "path", "virtual", NULL };
    const char *endpoint = cli_option(cli, "s3-endpoint");
    if (cli_option(cli, "path") != NULL || cli_option(cli, "lock-mode") != NULL)
        return FAIL(err, ERROR_USAGE, 0, "--path and --lock-mode are for a folder, --s3-... for a bucket");
    if (endpoint != NULL && strncmp(endpoint, "https://", 8) != 0)
        return FAIL(err, ERROR_USAGE, 0, "--s3-endpoint is an https URL");
    if (!is_one_of(cli_option(cli, "s3-lock-mode"), modes))
        return FAIL(err, ERROR_USAGE, 0, "--s3-lock-mode is none, governance or compliance");
    if (!is_one_of(cli_option(cli, "s3-style"), styles))
        return FAIL(err, ERROR_USAGE, 0, "--s3-style is path or virtual");
    return 0;
}

/* Most access keys have no token: nobody is asked for one. */
static int
read_token(struct cli *cli, struct secret **token, struct error *err)
{
    const char *value = getenv(token_source.variable);
    if (cli_option(cli, token_source.option) == NULL && (value == NULL || value[0] == '\0'))
        return 0;
    *token = cli_secret_read(cli, &token_source, err);
    return *token != NULL ? 0 : -1;
}

struct secret *
cli_repository_s3_location(struct cli *cli, struct error *err)
{
    CLEANUP(secret_free_p) struct secret *ca = NULL, *key_id = NULL, *secret = NULL, *token = NULL;
    const char *bucket, *region, *endpoint = cli_option(cli, "s3-endpoint"), *ca_file = cli_option(cli, "s3-ca");

    if (cli_option_required(cli, "s3-bucket", &bucket, err) != 0 ||
        cli_option_required(cli, "s3-region", &region, err) != 0 || check_options(cli, err) != 0)
        return NULL;
    if (ca_file != NULL && (ca = cli_secret_from_file(ca_file, err)) == NULL)
        return NULL;
    if ((key_id = cli_secret_read(cli, &key_id_source, err)) == NULL ||
        (secret = cli_secret_read(cli, &secret_source, err)) == NULL || read_token(cli, &token, err) != 0)
        return NULL;
    CLEANUP(memory_free_p)
    char *url = endpoint != NULL ? memory_strdup(endpoint) : memory_printf("https://s3.%s.amazonaws.com", region);
    const struct cli_secret_field fields[] = {
        { "driver", "s3", NULL },
        { "endpoint", url, NULL },
        { "region", region, NULL },
        { "bucket", bucket, NULL },
        { "prefix", cli_option(cli, "s3-prefix"), NULL },
        { "style", cli_option(cli, "s3-style"), NULL },
        { "lock_mode", cli_option(cli, "s3-lock-mode"), NULL },
        { "access_key_id", NULL, key_id },
        { "secret_access_key", NULL, secret },
        { "session_token", NULL, token },
        { "ca_pem", NULL, ca },
    };
    return cli_secret_object(fields, ARRAY_LEN(fields), err);
}
