#ifndef LONGHAUL_TRANSPORTER_GRAPH_GRAPH_CREDENTIALS_H
#define LONGHAUL_TRANSPORTER_GRAPH_GRAPH_CREDENTIALS_H

/* The app registration of one tenant, read from the unsealed bundle. */

#include <openssl/types.h>
#include <stdint.h>

struct clock;
struct error;
struct secret;

struct graph_credentials {
    char *tenant, *client_id;
    char *login_url, *graph_url;  /* origins, no slash at the end */
    struct secret *client_secret; /* or: */
    EVP_PKEY *key;
    uint8_t certificate_sha256[32]; /* of its DER */
};

/* ERROR_CONFIG says which field is missing or wrong. */
struct graph_credentials *graph_credentials_new(const struct secret *bundle, struct error *err);
void graph_credentials_free(struct graph_credentials *credentials);
void graph_credentials_free_p(struct graph_credentials **credentials);

/* "https://login…/<tenant>/oauth2/v2.0/token"; free with free(). */
char *graph_credentials_token_url(const struct graph_credentials *credentials);
/* Signed JWT for one token request (PS256); free with free(). */
char *graph_credentials_assertion(const struct graph_credentials *credentials, const struct clock *clock,
                                  struct error *err);

#endif
