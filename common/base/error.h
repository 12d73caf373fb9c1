#ifndef LONGHAUL_COMMON_BASE_ERROR_H
#define LONGHAUL_COMMON_BASE_ERROR_H

/* The one error value. A function that can fail returns 0 or -1 (or a pointer or NULL) and takes `struct
 * error *err` last. The first failure recorded wins; callers on the way up add context with error_wrap().
 * The text is one line for an operator; it never holds a secret or an item's content. */

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

enum error_kind {
    ERROR_NONE = 0,
#define ERROR_KIND(name, retry, exit_code, rpc_status) ERROR_##name,
#include "common/base/error_kinds.def"
#undef ERROR_KIND
    ERROR_KIND_COUNT
};

enum error_retry {
    RETRY_NEVER,
    RETRY_AFTER_AUTH, /* once, after renewing the credentials */
    RETRY_AFTER_HINT, /* after retry_after_ms */
    RETRY_BACKOFF
};

struct error {
    enum error_kind kind;
    int native;              /* errno, CURLcode, HTTP status, SQLite code: for the log only */
    uint32_t retry_after_ms; /* set with ERROR_THROTTLED; 0 when the peer gave no hint */
    const char *file;
    int line;
    char text[512];
};

#define ERROR_INIT                                                                                                     \
    {                                                                                                                  \
        .kind = ERROR_NONE                                                                                             \
    }

/* Record a failure unless one is already recorded. Yields -1, so that callers write return FAIL(err, ...).
 * err may be NULL. */
#define FAIL(err, kind, native, ...) error_set_at((err), __FILE__, __LINE__, (kind), (native), __VA_ARGS__)

int error_set_at(struct error *err, const char *file, int line, enum error_kind kind, int native, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));

/* Prefix context: "repository nas1: open /mnt/x: Permission denied". Returns -1. */
int error_wrap(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void error_clear(struct error *err);
bool error_is_set(const struct error *err);

/* Lower-case name of a kind ("not_found"), stable: it appears in JSON, logs and RPC trailers. */
const char *error_kind_name(enum error_kind kind);
/* ERROR_INTERNAL when the name is unknown. */
enum error_kind error_kind_from_name(const char *name);
enum error_retry error_kind_retry(enum error_kind kind);
int error_kind_exit_code(enum error_kind kind);
int error_kind_rpc_status(enum error_kind kind);
/* The kind that stands for a gRPC status when the peer sent no kind of its own. */
enum error_kind error_kind_from_rpc_status(int status);
/* The kind that fits an errno of a file operation: ENOSPC and EDQUOT are NO_SPACE, ENOENT NOT_FOUND, ... */
enum error_kind error_kind_from_errno(int native);

#endif
