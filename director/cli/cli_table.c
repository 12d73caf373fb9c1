#include "director/cli/cli_table.h"

#include "common/base/memory.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

struct row {
    struct row *next;
    char *cells[CLI_TABLE_COLUMNS];
};

struct cli_table {
    size_t columns;
    bool right[CLI_TABLE_COLUMNS];
    int widths[CLI_TABLE_COLUMNS];
    struct row *rows, **tail;
    struct row heading;
};

static bool
printable(utf8proc_int32_t point)
{
    utf8proc_category_t category = utf8proc_category(point);

    return category != UTF8PROC_CATEGORY_CC && category != UTF8PROC_CATEGORY_CF && category != UTF8PROC_CATEGORY_CS &&
           category != UTF8PROC_CATEGORY_ZL && category != UTF8PROC_CATEGORY_ZP;
}

char *
cli_table_clean(const char *text)
{
    size_t len = strlen(text), at = 0;
    char *clean = memory_new(len + 1);

    for (size_t i = 0; i < len;) {
        utf8proc_int32_t point;
        utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text + i, (utf8proc_ssize_t)(len - i), &point);
        if (n <= 0 || !printable(point)) {
            clean[at++] = '?';
            i += n <= 0 ? 1 : (size_t)n;
            continue;
        }
        memcpy(clean + at, text + i, (size_t)n);
        at += (size_t)n;
        i += (size_t)n;
    }
    clean[at] = '\0';
    return clean;
}

static int
width_of(const char *clean)
{
    int width = 0;

    for (const utf8proc_uint8_t *at = (const utf8proc_uint8_t *)clean; *at != '\0';) {
        utf8proc_int32_t point;
        utf8proc_ssize_t n = utf8proc_iterate(at, -1, &point);
        if (n <= 0)
            break;
        width += utf8proc_charwidth(point);
        at += n;
    }
    return width;
}

static void
set_cell(struct cli_table *table, struct row *row, size_t column, const char *text)
{
    row->cells[column] = cli_table_clean(text);
    int width = width_of(row->cells[column]);
    if (width > table->widths[column])
        table->widths[column] = width;
}

struct cli_table *
cli_table_new(const char *first, ...)
{
    struct cli_table *table = MEMORY_NEW(struct cli_table);
    va_list list;

    table->tail = &table->rows;
    va_start(list, first);
    for (const char *text = first; text != NULL && table->columns < CLI_TABLE_COLUMNS; text = va_arg(list, char *)) {
        table->right[table->columns] = text[0] == '>';
        set_cell(table, &table->heading, table->columns, text + (text[0] == '>'));
        table->columns++;
    }
    va_end(list);
    return table;
}

static void
row_clear(struct row *row)
{
    for (size_t i = 0; i < CLI_TABLE_COLUMNS; i++)
        free(row->cells[i]);
}

void
cli_table_free(struct cli_table *table)
{
    if (table == NULL)
        return;
    for (struct row *row = table->rows, *next; row != NULL; row = next) {
        next = row->next;
        row_clear(row);
        free(row);
    }
    row_clear(&table->heading);
    free(table);
}

void
cli_table_free_p(struct cli_table **table)
{
    cli_table_free(*table);
}

void
cli_table_add(struct cli_table *table, ...)
{
    struct row *row = MEMORY_NEW(struct row);
    va_list list;

    va_start(list, table);
    for (size_t i = 0; i < table->columns; i++) {
        const char *text = va_arg(list, const char *);
        set_cell(table, row, i, text != NULL ? text : "");
        if (text == NULL)
            break;
    }
    va_end(list);
    *table->tail = row;
    table->tail = &row->next;
}

static void
print_row(const struct cli_table *table, const struct row *row, FILE *out)
{
    for (size_t i = 0; i < table->columns; i++) {
        const char *cell = row->cells[i] != NULL ? row->cells[i] : "";
        int padding = table->widths[i] - width_of(cell);
        if (i > 0)
            fputs("  ", out);
        if (table->right[i])
            fprintf(out, "%*s%s", padding, "", cell);
        else
            fprintf(out, "%s%*s", cell, i + 1 < table->columns ? padding : 0, "");
    }
    fputc('\n', out);
}

void
cli_table_print(const struct cli_table *table, const char *empty, FILE *out)
{
    if (table->rows == NULL) {
        if (empty != NULL)
            fprintf(out, "%s\n", empty);
        return;
    }
    print_row(table, &table->heading, out);
    for (const struct row *row = table->rows; row != NULL; row = row->next)
        print_row(table, row, out);
}
