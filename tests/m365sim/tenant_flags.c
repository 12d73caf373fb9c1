#include "tests/m365sim/tenant_flags.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/m365sim/tree.h"
#include "tests/m365sim/tree_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLAGS_COLUMN 6

/* The low four bits of an entry are flags, the rest is the hash of the path. */
struct tenant_flags {
    uint64_t *entries;
    size_t count, capacity;
};

static const struct {
    const char *word;
    uint64_t bit;
    unsigned flag;
} words[] = { { "seen", 1, TREE_READ },
              { "flagged", 2, TREE_FLAGGED },
              { "answered", 4, TREE_ANSWERED },
              { "draft", 8, TREE_DRAFT } };

static void
add_line(struct tenant_flags *f, char *line)
{
    char *field[FLAGS_COLUMN + 1];
    size_t n = 0;
    for (char *p = line; n <= FLAGS_COLUMN; n++) {
        field[n] = strsep(&p, "\t");
        if (field[n] == NULL)
            return;
    }
    if (strcmp(field[3], "message") != 0)
        return;
    uint64_t entry = tree_hash_text(0, field[0]) & ~(uint64_t)15;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strstr(field[FLAGS_COLUMN], words[i].word) != NULL)
            entry |= words[i].bit;
    if (f->count == f->capacity) {
        f->capacity = f->capacity * 2 + 1024;
        uint64_t *more = memory_new(f->capacity * sizeof(uint64_t));
        if (f->count > 0)
            memcpy(more, f->entries, f->count * sizeof(uint64_t));
        free(f->entries);
        f->entries = more;
    }
    f->entries[f->count++] = entry;
}

static int
compare_entries(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a >> 4, y = *(const uint64_t *)b >> 4;
    return (x > y) - (x < y);
}

struct tenant_flags *
tenant_flags_open(const char *folder, struct error *err)
{
    struct tenant_flags *f = MEMORY_NEW(struct tenant_flags);
    CLEANUP(memory_free_p) char *path = memory_printf("%s/tenant.tsv", folder);
    FILE *in = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;
    if (in == NULL && errno != ENOENT) {
        FAIL(err, ERROR_CONFIG, errno, "%s: %s", path, strerror(errno));
        tenant_flags_free(f);
        return NULL;
    }
    while (in != NULL && getline(&line, &size, in) > 0)
        add_line(f, line);
    free(line);
    if (in != NULL)
        fclose(in);
    if (f->count > 0)
        qsort(f->entries, f->count, sizeof(uint64_t), compare_entries);
    return f;
}

void
tenant_flags_free(struct tenant_flags *flags)
{
    if (flags == NULL)
        return;
    free(flags->entries);
    free(flags);
}

unsigned
tenant_flags_find(const struct tenant_flags *flags, const char *path)
{
    uint64_t key = tree_hash_text(0, path) & ~(uint64_t)15;
    const uint64_t *found =
        flags->count == 0 ? NULL : bsearch(&key, flags->entries, flags->count, sizeof(key), compare_entries);
    if (found == NULL)
        return strstr(path, "/mail/Drafts/") != NULL ? TREE_READ | TREE_DRAFT : TREE_READ;
    unsigned result = 0;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (*found & words[i].bit)
            result |= words[i].flag;
    return result;
}
