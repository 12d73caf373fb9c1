#include "common/base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct kind_row {
    const char *name;
    enum error_retry retry;
    int exit_code;
    int rpc_status;
};

static const struct kind_row kinds[ERROR_KIND_COUNT] = {
    [ERROR_NONE] = { "NONE", RETRY_NEVER, 0, 0 },
#define ERROR_KIND(name, retry, exit_code, rpc_status) [ERROR_##name] = { #name, retry, exit_code, rpc_status },
#include "common/base/error_kinds.def"
#undef ERROR_KIND
};

static char lower_names[ERROR_KIND_COUNT][24];

__attribute__((constructor)) static void
build_lower_names(void)
{
    for (int k = 0; k < ERROR_KIND_COUNT; k++) {
        for (size_t i = 0; kinds[k].name[i] != '\0' && i < sizeof(lower_names[k]) - 1; i++) {
            char c = kinds[k].name[i];
            lower_names[k][i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
        }
    }
}

int
error_set_at(struct error *err, const char *file, int line, enum error_kind kind, int native, const char *fmt, ...)
{
    if (err == NULL || err->kind != ERROR_NONE)
        return -1;
    err->kind = kind;
    err->native = native;
    err->file = file;
    err->line = line;
    va_list args;
    va_start(args, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, args);
    va_end(args);
    return -1;
}

int
error_wrap(struct error *err, const char *fmt, ...)
{
    if (err == NULL)
        return -1;
    char joined[2 * sizeof(err->text)];
    va_list args;
    va_start(args, fmt);
    int used = vsnprintf(joined, sizeof(joined), fmt, args);
    va_end(args);
    if (used < 0 || (size_t)used >= sizeof(err->text) - 2)
        return -1;
    snprintf(joined + used, sizeof(joined) - (size_t)used, ": %s", err->text);
    memcpy(err->text, joined, sizeof(err->text) - 1);
    err->text[sizeof(err->text) - 1] = '\0';
    return -1;
}

void
error_clear(struct error *err)
{
    if (err != NULL)
        *err = (struct error)ERROR_INIT;
}

bool
error_is_set(const struct error *err)
{
    return err != NULL && err->kind != ERROR_NONE;
}

const char *
error_kind_name(enum error_kind kind)
{
    return (unsigned)kind < ERROR_KIND_COUNT ? lower_names[kind] : "internal";
}

enum error_kind
error_kind_from_name(const char *name)
{
    for (int k = 0; k < ERROR_KIND_COUNT; k++) {
        if (strcasecmp(name, kinds[k].name) == 0)
            return (enum error_kind)k;
    }
    return ERROR_INTERNAL;
}

enum error_retry
error_kind_retry(enum error_kind kind)
{
    return (unsigned)kind < ERROR_KIND_COUNT ? kinds[kind].retry : RETRY_NEVER;
}

int
error_kind_exit_code(enum error_kind kind)
{
    return (unsigned)kind < ERROR_KIND_COUNT ? kinds[kind].exit_code : 70;
}

int
error_kind_rpc_status(enum error_kind kind)
{
    return (unsigned)kind < ERROR_KIND_COUNT ? kinds[kind].rpc_status : 13;
}

enum error_kind
error_kind_from_rpc_status(int status)
{
    for (int k = ERROR_NONE; k < ERROR_KIND_COUNT; k++) {
        if (kinds[k].rpc_status == status && k != ERROR_LIMIT && k != ERROR_FENCED && k != ERROR_FORMAT)
            return (enum error_kind)k;
    }
    return ERROR_INTERNAL;
}

enum error_kind
error_kind_from_errno(int native)
{
    switch (native) {
    case ENOENT:
    case ENOTDIR:
        return ERROR_NOT_FOUND;
    case EEXIST:
        return ERROR_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERROR_DENIED;
    case ENOSPC:
    case EDQUOT:
        return ERROR_NO_SPACE;
    default:
        return ERROR_IO;
    }
}
