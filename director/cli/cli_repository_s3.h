#ifndef LONGHAUL_DIRECTOR_CLI_CLI_REPOSITORY_S3_H
#define LONGHAUL_DIRECTOR_CLI_CLI_REPOSITORY_S3_H

/* "longhaul repository add" for a bucket of Amazon S3 or of what speaks like it. */

#include "director/cli/cli.h"

struct secret;

/* Rows of add's table of options. */
#define CLI_REPOSITORY_S3_OPTIONS                                                                                      \
    { "s3-bucket", "NAME", false, "Instead of a folder: a bucket of S3, Ceph, MinIO, ..." },                           \
        { "s3-endpoint", "URL", false, "Default: https://s3.REGION.amazonaws.com" },                                   \
        { "s3-region", "NAME", false, "The bucket's region" },                                                         \
        { "s3-prefix", "PREFIX", false, "Where in the bucket; default: at its top" },                                  \
        { "s3-style", "STYLE", false, "path or virtual: where the bucket's name goes in a URL" },                      \
        { "s3-lock-mode", "MODE", false, "none (default), governance or compliance: of object locks" },                \
        { "s3-key-id-file", "FILE", false, "The access key's id; or LONGHAUL_S3_KEY_ID; otherwise asked for" },        \
        { "s3-secret-file", "FILE", false, "Its secret; or LONGHAUL_S3_SECRET; otherwise asked for" },                 \
        { "s3-token-file", "FILE", false, "A session token that goes with them; or LONGHAUL_S3_TOKEN" },               \
    {                                                                                                                  \
        "s3-ca", "FILE", false, "PEM of an authority that the endpoint's certificate needs"                            \
    }

bool cli_repository_s3_wanted(struct cli *cli);
/* What is to be sealed to the host, from the options. ERROR_USAGE. */
struct secret *cli_repository_s3_location(struct cli *cli, struct error *err);

#endif
