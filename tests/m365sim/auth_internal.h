#ifndef LONGHAUL_TESTS_M365SIM_AUTH_INTERNAL_H
#define LONGHAUL_TESTS_M365SIM_AUTH_INTERNAL_H

#include <jansson.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct options;
struct clock;

#define AUTH_CEILING ((size_t)64 << 10)

struct auth {
    const struct options *options;
    const struct clock *clock;
    X509 *certificate; /* of the client; may be NULL */
    uint8_t key[32];
    pthread_mutex_t mutex;
    uint64_t generation; /* tokens of older ones are revoked */
    bool secret_expired;
    unsigned token_seconds;
};

/* base64url of len bytes to a JSON object; NULL when it is none. */
json_t *auth_decode_object(const char *text, size_t len);

/* NULL when the assertion is good for the audience at now (seconds); otherwise the AADSTS text, *code its number. */
const char *auth_assertion_check(const struct auth *auth, const char *assertion, const char *audience, int64_t now,
                                 int *code);

#endif
