#include "director/enrolment/invite.h"

#include "common/base/clock.h"
#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/digest.h"

#include <stdio.h>
#include <string.h>

#define TOKEN_PREFIX     "lhi_" /* so that secret scanners and people know one when they see it */
#define TOKEN_PREFIX_LEN 4
#define TOKEN_BYTES      32
#define LIFETIME_LEAST   ((int64_t)60 * 1000)

_Static_assert(INVITE_TOKEN_LEN == TOKEN_PREFIX_LEN + 43 + 1, "32 bytes are 43 characters of base64url");

int
invite_new(const struct clock *clock, const char *name, const struct store_labels *labels, int64_t lifetime_ms,
           struct store_invite *invite, char token[INVITE_TOKEN_LEN], struct error *err)
{
    if (store_name_check("transporter", name, err) != 0)
        return -1;
    if (lifetime_ms < LIFETIME_LEAST || lifetime_ms > INVITE_LIFETIME_MOST_MS)
        return FAIL(err, ERROR_USAGE, 0, "an invite lasts between a minute and 30 days");
    uint8_t random[TOKEN_BYTES];
    char text[ENCODING_BASE64_LEN(TOKEN_BYTES)];
    clock_random(clock, random, sizeof(random));
    encoding_base64url(random, sizeof(random), text);
    memcpy(token, TOKEN_PREFIX, TOKEN_PREFIX_LEN);
    memcpy(token + TOKEN_PREFIX_LEN, text, INVITE_TOKEN_LEN - TOKEN_PREFIX_LEN);
    secret_zero(random, sizeof(random));
    secret_zero(text, sizeof(text));

    *invite = (struct store_invite){ .expires_ms = clock_wall_ms(clock) + lifetime_ms };
    snprintf(invite->name, sizeof(invite->name), "%s", name);
    if (labels != NULL)
        invite->labels = *labels;
    digest_sha256(token, strlen(token), invite->token_sha256);
    return 0;
}

int
invite_token_sha256(const char *token, uint8_t out[32], struct error *err)
{
    size_t len = strnlen(token, INVITE_TOKEN_LEN);
    if (len != INVITE_TOKEN_LEN - 1 || strncmp(token, TOKEN_PREFIX, TOKEN_PREFIX_LEN) != 0)
        return FAIL(
            err, ERROR_UNAUTHENTICATED, 0,
            "that is not an enrolment token: copy the whole command that `longhaul transporter invite` printed");
    digest_sha256(token, len, out);
    return 0;
}

int
invite_check(const struct store_invite *invite, int64_t now_ms, const uint8_t key_sha256[32],
             const uint8_t *used_by_key, struct error *err)
{
    if (invite->used_ms != 0 && (used_by_key == NULL || memcmp(key_sha256, used_by_key, 32) != 0))
        return FAIL(err, ERROR_UNAUTHENTICATED, 0,
                    "the enrolment token was used already by another machine: if that was not you, revoke %s; make a "
                    "new one with `longhaul transporter invite`",
                    invite->used_by);
    if (now_ms >= invite->expires_ms) {
        char ended[CLOCK_TEXT_LEN];
        clock_format_ms(invite->expires_ms, ended);
        return FAIL(err, ERROR_UNAUTHENTICATED, 0,
                    "the enrolment token expired at %s: make a new one with `longhaul transporter invite`", ended);
    }
    return 0;
}

char *
invite_command(const char *token, const char *director_address, const char *fingerprint)
{
    return memory_printf("longhaul-transporter enrol --director %s --fingerprint %s --token %s", director_address,
                         fingerprint, token);
}
