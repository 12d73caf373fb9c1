#include "common/config/config_value.h"

#include "common/base/error.h"
#include "common/base/memory.h"

#include <string.h>

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit durations[] = {
    { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 }
};
static const struct unit sizes[] = { { "", 1 },
                                     { "B", 1 },
                                     { "KiB", (uint64_t)1 << 10 },
                                     { "MiB", (uint64_t)1 << 20 },
                                     { "GiB", (uint64_t)1 << 30 },
                                     { "TiB", (uint64_t)1 << 40 } };
static const struct unit plain[] = { { "", 1 } };

static int
parse_number(const char *text, const struct unit *units, size_t unit_count, uint64_t *value)
{
    uint64_t n = 0;
    size_t i = 0;
    for (; text[i] >= '0' && text[i] <= '9'; i++) {
        if (__builtin_mul_overflow(n, (uint64_t)10, &n) || __builtin_add_overflow(n, (uint64_t)(text[i] - '0'), &n))
            return -1;
    }
    if (i == 0)
        return -1;
    for (size_t u = 0; u < unit_count; u++) {
        if (strcmp(text + i, units[u].name) == 0)
            return __builtin_mul_overflow(n, units[u].factor, value) ? -1 : 0;
    }
    return -1;
}

int
config_value_duration(const char *text, uint64_t *ms)
{
    return parse_number(text, durations, ARRAY_LEN(durations), ms);
}

int
config_value_size(const char *text, uint64_t *bytes)
{
    return parse_number(text, sizes, ARRAY_LEN(sizes), bytes);
}

static int
check_number(const struct config_option *option, const char *text, struct config_value *value, struct error *err)
{
    uint64_t n = 0;
    int rc = -1;
    const char *expected = "a whole number";
    switch (option->type) {
    case CONFIG_UINT:
        rc = parse_number(text, plain, ARRAY_LEN(plain), &n);
        break;
    case CONFIG_DURATION:
        expected = "a duration such as 500ms, 10s, 5m, 2h or 30d";
        rc = config_value_duration(text, &n);
        break;
    case CONFIG_SIZE:
        expected = "a size such as 512, 64KiB, 16MiB or 2GiB";
        rc = config_value_size(text, &n);
        break;
    case CONFIG_TEXT:
    case CONFIG_PATH:
    case CONFIG_ADDRESS:
    case CONFIG_CHOICE:
    case CONFIG_BOOL:
        break;
    }
    if (rc != 0)
        return FAIL(err, ERROR_CONFIG, 0, "%s: expected %s", option->key, expected);
    if ((option->lowest != 0 || option->highest != 0) && (n < option->lowest || n > option->highest))
        return FAIL(err, ERROR_CONFIG, 0, "%s: %s is outside %llu to %llu", option->key, text,
                    (unsigned long long)option->lowest, (unsigned long long)option->highest);
    value->number = n;
    return 0;
}

static int
check_address(const struct config_option *option, const char *text, struct error *err)
{
    if (text[0] == '\0')
        return 0;
    const char *colon = strrchr(text, ':');
    uint64_t port;
    if (colon == NULL || colon == text || parse_number(colon + 1, plain, 1, &port) != 0 || port > 65535)
        return FAIL(err, ERROR_CONFIG, 0, "%s: expected host:port, such as 0.0.0.0:8443", option->key);
    return 0;
}

static int
check_choice(const struct config_option *option, const char *text, struct error *err)
{
    size_t len = strlen(text);
    for (const char *word = option->choices; len > 0 && word != NULL && *word != '\0';) {
        size_t word_len = strcspn(word, " ");
        if (word_len == len && strncmp(word, text, len) == 0)
            return 0;
        word += word_len;
        word += strspn(word, " ");
    }
    return FAIL(err, ERROR_CONFIG, 0, "%s: expected one of: %s", option->key, option->choices);
}

int
config_value_parse(const struct config_option *option, const char *text, struct config_value *value, struct error *err)
{
    struct config_value ignored;
    if (value == NULL)
        value = &ignored;
    value->number = 0;
    switch (option->type) {
    case CONFIG_TEXT:
        return 0;
    case CONFIG_PATH:
        if (text[0] != '\0' && text[0] != '/')
            return FAIL(err, ERROR_CONFIG, 0, "%s: expected an absolute path", option->key);
        return 0;
    case CONFIG_ADDRESS:
        return check_address(option, text, err);
    case CONFIG_CHOICE:
        return check_choice(option, text, err);
    case CONFIG_UINT:
    case CONFIG_DURATION:
    case CONFIG_SIZE:
        return check_number(option, text, value, err);
    case CONFIG_BOOL:
        value->number = strcmp(text, "true") == 0;
        if (value->number == 0 && strcmp(text, "false") != 0)
            return FAIL(err, ERROR_CONFIG, 0, "%s: expected true or false", option->key);
        return 0;
    }
    return FAIL(err, ERROR_INTERNAL, 0, "%s has no type", option->key);
}
