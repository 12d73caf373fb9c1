#include "tests/m365sim/delta.h"

#include "common/base/encoding.h"
#include "common/base/memory.h"
#include "tests/m365sim/request.h"
#include "tests/m365sim/tree.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TOKEN_LIMIT (4 * DELTA_OPTIONS)

static bool
decode(struct delta *d, const char *token)
{
    uint8_t bytes[TOKEN_LIMIT + 1];
    size_t len = TOKEN_LIMIT;
    int at = 0;
    if (encoding_unbase64(token, strlen(token), bytes, &len, NULL) != 0)
        return false;
    bytes[len] = '\0';
    const char *text = (const char *)bytes;
    if (sscanf(text, "%" SCNx64 ".%" SCNx64 ".%" SCNx64 ".%" SCNx64 ".%" SCNx64 ".%" SCNx32 ".%lx|%n", &d->incarnation,
               &d->scope, &d->base, &d->start, &d->position, &d->hint, &d->page, &at) != 7 ||
        at == 0)
        return false;
    const char *bar = strchr(text + at, '|');
    if (bar == NULL || bar - text - at >= DELTA_OPTIONS || strlen(bar + 1) >= DELTA_OPTIONS)
        return false;
    snprintf(d->select, sizeof(d->select), "%.*s", (int)(bar - text - at), text + at);
    snprintf(d->expand, sizeof(d->expand), "%s", bar + 1);
    return true;
}

char *
delta_token(const struct delta *d)
{
    CLEANUP(memory_free_p)
    char *text =
        memory_printf("%" PRIx64 ".%" PRIx64 ".%" PRIx64 ".%" PRIx64 ".%" PRIx64 ".%" PRIx32 ".%lx|%s|%s",
                      d->incarnation, d->scope, d->base, d->start, d->position, d->hint, d->page, d->select, d->expand);
    char *token = memory_new(ENCODING_BASE64_LEN(strlen(text)));
    encoding_base64url(text, strlen(text), token);
    return token;
}

static void
fresh(struct delta *d, const struct request *r, const struct tree *tree, uint64_t scope)
{
    const char *select = request_parameter(r, "$select"), *expand = request_parameter(r, "$expand");
    memset(d, 0, sizeof(*d));
    d->incarnation = tree_incarnation(tree);
    d->scope = scope;
    d->start = tree_last_change(tree);
    snprintf(d->select, sizeof(d->select), "%s", select != NULL ? select : "");
    snprintf(d->expand, sizeof(d->expand), "%s", expand != NULL ? expand : "");
}

enum delta_verdict
delta_begin(struct delta *d, const struct request *r, const struct tree *tree, uint64_t scope, const char *const *names,
            size_t name_count)
{
    const char *token = NULL;
    for (size_t i = 0; i < name_count && token == NULL; i++)
        token = request_parameter(r, names[i]);
    fresh(d, r, tree, scope);
    if (token == NULL || token[0] == '\0')
        return DELTA_FRESH;
    if (strcasecmp(token, "latest") == 0) {
        delta_finish(d, tree);
        return DELTA_LATEST;
    }
    struct delta had;
    memset(&had, 0, sizeof(had));
    if (!decode(&had, token) || had.incarnation != d->incarnation || had.scope != scope ||
        had.position > tree_last_change(tree))
        return DELTA_GONE;
    *d = had;
    if (d->base == d->position)
        d->start = tree_last_change(tree);
    return DELTA_GOES_ON;
}

void
delta_finish(struct delta *d, const struct tree *tree)
{
    d->base = d->start = d->position = tree_last_change(tree);
    d->hint = TREE_NONE;
}

bool
delta_tells_deleted(const struct delta *d, uint64_t change)
{
    return d->base != 0 || change > d->start;
}
