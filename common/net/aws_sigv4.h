#ifndef LONGHAUL_COMMON_NET_AWS_SIGV4_H
#define LONGHAUL_COMMON_NET_AWS_SIGV4_H

/* AWS Signature Version 4 in the Authorization header, after
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 *
 * libcurl has CURLOPT_AWS_SIGV4, but it keeps the secret key in ordinary memory, reads the machine's clock behind our
 * back, and Debian's 7.88 signs a query as it stands in the URL: names out of order, or without "=" as in "?uploads",
 * are answered SignatureDoesNotMatch. Pure functions; any thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct error;
struct secret;

#define AWS_SIGV4_PAIRS_MAX 24
#define AWS_SIGV4_DATE_LEN  17 /* "20260102T030405Z" with the NUL */

struct aws_sigv4_pair {
    const char *name, *value;
};

struct aws_sigv4_key {
    const char *region, *service, *access_key_id;
    const struct secret *secret_key;
};

struct aws_sigv4_request {
    const char *method;
    const char *path;                     /* as it goes over the wire, encoded once (S3's rule) */
    const char *query;                    /* from aws_sigv4_query(), or "" */
    const struct aws_sigv4_pair *headers; /* all that are signed: names in lower case, each once, "host" among them */
    size_t header_count;
    const char *payload; /* SHA-256 of the body in hexadecimal, or "UNSIGNED-PAYLOAD" */
};

void aws_sigv4_date(int64_t wall_ms, char out[AWS_SIGV4_DATE_LEN]);

/* Appends text percent-encoded by AWS's rule; '/' is kept when asked for. */
int aws_sigv4_encode(struct buffer *out, const char *text, bool keep_slash, struct error *err);

/* Appends "a=1&b=" in canonical order, encoded. ERROR_LIMIT above AWS_SIGV4_PAIRS_MAX. */
int aws_sigv4_query(struct buffer *out, const struct aws_sigv4_pair *pairs, size_t count, struct error *err);

/* Appends the value of the Authorization header. date is also that of the request's x-amz-date header. */
int aws_sigv4_sign(const struct aws_sigv4_key *key, const struct aws_sigv4_request *request, const char *date,
                   struct buffer *authorization, struct error *err);

#endif
