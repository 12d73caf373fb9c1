#ifndef LONGHAUL_DIRECTOR_CLI_CLI_JSON_H
#define LONGHAUL_DIRECTOR_CLI_CLI_JSON_H

/* Reading replies and showing them. */

#include "director/cli/cli.h"
#include "director/cli/cli_format.h"

#include <jansson.h>
#include <stdint.h>

/* "tenant.name" walks down; NULL when something on the way is absent. Borrowed. */
json_t *cli_json_at(json_t *json, const char *path);
/* "" when absent or no text. Borrowed. */
const char *cli_json_text(json_t *json, const char *path);
/* 0 when absent or no whole number. */
uint64_t cli_json_number(json_t *json, const char *path);
bool cli_json_true(json_t *json, const char *path);

/* Formatted for a table; "-" when absent. Return out. */
const char *cli_json_time(json_t *json, const char *path, char out[CLI_FORMAT_LEN]);
const char *cli_json_bytes(json_t *json, const char *path, char out[CLI_FORMAT_LEN]);
const char *cli_json_count(json_t *json, const char *path, char out[CLI_FORMAT_LEN]);
/* The text, or "-". */
const char *cli_json_or_dash(json_t *json, const char *path);
/* "a=b,c=d" of an object of texts; "-" for none. Freed with free(). */
char *cli_json_labels(json_t *json, const char *path);

/* With --json: prints it (and takes nothing); 1. Otherwise 0. */
int cli_json_printed(struct cli *cli, json_t *json);
/* One thing as "Name:  value" lines; path may be NULL to end the list. */
struct cli_json_line {
    const char *label;
    const char *path;
    enum {
        CLI_JSON_PLAIN,
        CLI_JSON_TIME,
        CLI_JSON_BYTES,
        CLI_JSON_COUNT,
        CLI_JSON_MS,
        CLI_JSON_YES_NO,
        CLI_JSON_LABELS
    } how;
};
void cli_json_print_lines(struct cli *cli, json_t *json, const struct cli_json_line *lines);

#endif
