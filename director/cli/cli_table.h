#ifndef LONGHAUL_DIRECTOR_CLI_CLI_TABLE_H
#define LONGHAUL_DIRECTOR_CLI_CLI_TABLE_H

/* Rows of text in columns as wide as they need to be, in terminal cells. What a cell holds may come from a stranger's
 * mail: control characters and broken UTF-8 are shown as '?', so that nothing steers the terminal. */

#include <stdio.h>

struct cli_table;

#define CLI_TABLE_COLUMNS 12

/* Headings, ended by NULL; one that begins with '>' is for a column of numbers, set to the right. */
struct cli_table *cli_table_new(const char *first, ...) __attribute__((sentinel));
void cli_table_free(struct cli_table *table);
void cli_table_free_p(struct cli_table **table);

/* As many texts as there are columns, and NULL. Texts are copied. */
void cli_table_add(struct cli_table *table, ...) __attribute__((sentinel));
/* With no rows: the text, if any. */
void cli_table_print(const struct cli_table *table, const char *empty, FILE *out);

/* A copy that is safe on a terminal; freed with free(). */
char *cli_table_clean(const char *text);

#endif
