#include "common/crypto/sealing_key.h"

#include "common/base/memory.h"
#include "common/crypto/digest.h"

#include <stdlib.h>
#include <string.h>

struct sealing_key {
    struct key_pair *pair;
};

static struct sealing_key *
wrap(struct key_pair *pair)
{
    if (pair == NULL)
        return NULL;
    struct sealing_key *key = MEMORY_NEW(struct sealing_key);
    key->pair = pair;
    return key;
}

struct sealing_key *
sealing_key_new(struct error *err)
{
    return wrap(key_pair_new(err));
}

void
sealing_key_free(struct sealing_key *key)
{
    if (key == NULL)
        return;
    key_pair_free(key->pair);
    free(key);
}

void
sealing_key_free_p(struct sealing_key **key)
{
    sealing_key_free(*key);
    *key = NULL;
}

struct sealing_key *
sealing_key_load(const char *path, struct error *err)
{
    return wrap(key_pair_load(path, err));
}

int
sealing_key_save(const struct sealing_key *key, const char *path, struct error *err)
{
    return key_pair_save(key->pair, path, err);
}

const uint8_t *
sealing_key_point(const struct sealing_key *key)
{
    return key_pair_point(key->pair);
}

const struct key_pair *
sealing_key_pair(const struct sealing_key *key)
{
    return key->pair;
}

void
sealing_key_fingerprint(const uint8_t point[KEY_POINT_LEN], char out[SEALING_KEY_FINGERPRINT_LEN])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t hash[DIGEST_LEN];
    digest_sha256(point, KEY_POINT_LEN, hash);
    size_t n = 0;
    for (size_t i = 0; i < sizeof(hash); i++) {
        out[n++] = digits[hash[i] >> 4];
        out[n++] = digits[hash[i] & 15];
        if (i % 2 == 1)
            out[n++] = ' ';
    }
    out[n - 1] = '\0';
}

bool
sealing_key_fingerprint_matches(const uint8_t point[KEY_POINT_LEN], const char *text)
{
    char expected[SEALING_KEY_FINGERPRINT_LEN];
    sealing_key_fingerprint(point, expected);
    const char *want = expected;
    for (; *text != '\0'; text++) {
        if (*text == ' ' || *text == ':' || *text == '-')
            continue;
        if (*want == ' ')
            want++;
        char c = *text >= 'A' && *text <= 'F' ? (char)(*text + 32) : *text;
        if (c != *want || c == '\0')
            return false;
        want++;
    }
    return *want == '\0';
}
