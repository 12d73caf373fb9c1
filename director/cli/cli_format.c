#include "director/cli/cli_format.h"

#include "common/base/error.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char units[] = "KMGTPE";

void
cli_format_bytes(uint64_t bytes, char out[CLI_FORMAT_LEN])
{
    double value = (double)bytes;
    int unit = -1;

    while (value >= 1023.95 && units[unit + 1] != '\0') {
        value /= 1024;
        unit++;
    }
    if (unit < 0)
        snprintf(out, CLI_FORMAT_LEN, "%llu B", (unsigned long long)bytes);
    else
        snprintf(out, CLI_FORMAT_LEN, "%.1f %ciB", value, units[unit]);
}

void
cli_format_count(uint64_t count, char out[CLI_FORMAT_LEN])
{
    char digits[CLI_FORMAT_LEN];
    int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)count);
    size_t at = 0;

    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
}

void
cli_format_duration(uint64_t seconds, char out[CLI_FORMAT_LEN])
{
    unsigned long long s = seconds;

    if (s < 60)
        snprintf(out, CLI_FORMAT_LEN, "%llu s", s);
    else if (s < 3600)
        snprintf(out, CLI_FORMAT_LEN, "%llu min %02llu s", s / 60, s % 60);
    else if (s < 86400)
        snprintf(out, CLI_FORMAT_LEN, "%llu h %02llu min", s / 3600, s % 3600 / 60);
    else
        snprintf(out, CLI_FORMAT_LEN, "%llu d %02llu h", s / 86400, s % 86400 / 3600);
}

void
cli_format_time(const char *iso, char out[CLI_FORMAT_LEN])
{
    snprintf(out, CLI_FORMAT_LEN, "%s", iso);
    if (strlen(iso) < 20 || iso[10] != 'T' || iso[strlen(iso) - 1] != 'Z')
        return;
    out[10] = ' ';
    out[19] = 'Z';
    out[20] = '\0';
}

int
cli_format_parse_duration(const char *text, uint64_t *seconds, struct error *err)
{
    static const char letters[] = "smhdw";
    static const uint64_t factors[] = { 1, 60, 3600, 86400, 7 * 86400 };
    char *end = NULL;
    unsigned long long number = isdigit((unsigned char)text[0]) ? strtoull(text, &end, 10) : 0;

    if (end == NULL || number > 1000000000 || (end[0] != '\0' && end[1] != '\0'))
        return FAIL(err, ERROR_USAGE, 0, "\"%s\" is no duration; write 90s, 15m, 1h, 30d or 2w", text);
    const char *letter = end[0] == '\0' ? letters : strchr(letters, end[0]);
    if (letter == NULL)
        return FAIL(err, ERROR_USAGE, 0, "\"%s\" is no duration; write 90s, 15m, 1h, 30d or 2w", text);
    *seconds = number * factors[letter - letters];
    return 0;
}

int
cli_format_parse_bytes(const char *text, uint64_t *bytes, struct error *err)
{
    char *end = NULL;
    double number = isdigit((unsigned char)text[0]) ? strtod(text, &end) : -1;

    if (end == NULL || !isfinite(number))
        return FAIL(err, ERROR_USAGE, 0, "\"%s\" is no size; write 512, 10K, 1.5M or 2G", text);
    const char *unit = end[0] == '\0' ? NULL : strchr(units, toupper((unsigned char)end[0]));
    bool suffix_good =
        end[0] == '\0' ||
        (unit != NULL && (end[1] == '\0' || strcasecmp(end + 1, "b") == 0 || strcasecmp(end + 1, "ib") == 0));
    for (; unit != NULL && unit >= units; unit--)
        number *= 1024;
    if (!suffix_good || number >= 9.2e18)
        return FAIL(err, ERROR_USAGE, 0, "\"%s\" is no size; write 512, 10K, 1.5M or 2G", text);
    *bytes = (uint64_t)number;
    return 0;
}
