#ifndef LONGHAUL_DIRECTOR_CLI_CLI_FORMAT_H
#define LONGHAUL_DIRECTOR_CLI_CLI_FORMAT_H

/* Numbers and times as people read and write them. Pure. */

#include <stdint.h>

struct error;

#define CLI_FORMAT_LEN 32

/* "0 B", "1.5 MiB"; powers of 1024. */
void cli_format_bytes(uint64_t bytes, char out[CLI_FORMAT_LEN]);
/* "1,234,567" */
void cli_format_count(uint64_t count, char out[CLI_FORMAT_LEN]);
/* "42 s", "3 min 05 s", "2 h 10 min", "4 d 03 h" */
void cli_format_duration(uint64_t seconds, char out[CLI_FORMAT_LEN]);
/* "2026-11-22T09:55:29.974Z" becomes "2026-11-22 09:55:29Z"; anything else stays. */
void cli_format_time(const char *iso, char out[CLI_FORMAT_LEN]);

/* "90s", "15m", "1h", "30d", "2w"; a number alone is seconds. ERROR_USAGE. */
int cli_format_parse_duration(const char *text, uint64_t *seconds, struct error *err);
/* "512", "10K", "1.5MiB", "2G"; powers of 1024. ERROR_USAGE. */
int cli_format_parse_bytes(const char *text, uint64_t *bytes, struct error *err);

#endif
