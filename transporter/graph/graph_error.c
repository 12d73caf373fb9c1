#include "transporter/graph/graph_error.h"

#include "common/base/memory.h"
#include "transporter/graph/graph_json.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define INNER_DEPTH 8

/* Codes that mean the same whatever status they come with. */
static const struct {
    const char *code;
    struct graph_verdict verdict;
} known_codes[] = {
    { "activityLimitReached", { GRAPH_WAIT, ERROR_THROTTLED, 0 } },
    { "throttledRequest", { GRAPH_WAIT, ERROR_THROTTLED, 0 } },
    { "ApplicationThrottled", { GRAPH_WAIT, ERROR_THROTTLED, 0 } },
    { "TooManyRequests", { GRAPH_WAIT, ERROR_THROTTLED, 0 } },
    { "ErrorTooManyObjectsOpened", { GRAPH_BACKOFF, ERROR_UNAVAILABLE, 6 } },
    { "quotaLimitReached", { GRAPH_REFUSE, ERROR_NO_SPACE, 0 } },
    { "ErrorQuotaExceeded", { GRAPH_REFUSE, ERROR_NO_SPACE, 0 } },
    { "ErrorMessageSizeExceeded", { GRAPH_REFUSE, ERROR_LIMIT, 0 } },
    { "maxFileSizeExceeded", { GRAPH_REFUSE, ERROR_LIMIT, 0 } },
    { "nameAlreadyExists", { GRAPH_REFUSE, ERROR_EXISTS, 0 } },
    { "ErrorFolderExists", { GRAPH_REFUSE, ERROR_EXISTS, 0 } },
    { "malwareDetected", { GRAPH_REFUSE, ERROR_DENIED, 0 } },
    { "virusSuspicious", { GRAPH_REFUSE, ERROR_DENIED, 0 } },
    { "ErrorMimeContentConversionFailed", { GRAPH_REFUSE, ERROR_UNSUPPORTED, 0 } },
    { "ErrorItemNotFound", { GRAPH_REFUSE, ERROR_NOT_FOUND, 0 } },
    { "itemNotFound", { GRAPH_REFUSE, ERROR_NOT_FOUND, 0 } },
    /* Permanent for one item, but the service says it for passing faults too. */
    { "ErrorCorruptData", { GRAPH_BACKOFF, ERROR_CORRUPT, 2 } },
    { "ErrorContentConversionFailed", { GRAPH_BACKOFF, ERROR_CORRUPT, 2 } },
    { "ErrorCannotOpenFileAttachment", { GRAPH_BACKOFF, ERROR_CORRUPT, 2 } },
    { "resourceBeingProvisioned", { GRAPH_BACKOFF, ERROR_UNAVAILABLE, 3 } },
};

static struct graph_verdict
judge_client_fault(int status, const char *code, const char *inner)
{
    switch (status) {
    case 400:
        if (graph_error_has(code, inner, "invalidRequest") && strcmp(code, inner) == 0)
            return (struct graph_verdict){ GRAPH_BACKOFF, ERROR_USAGE, 2 };
        return (struct graph_verdict){ GRAPH_REFUSE, ERROR_USAGE, 0 };
    case 401:
        return (struct graph_verdict){ GRAPH_RENEW, ERROR_UNAUTHENTICATED, 0 };
    case 402:
    case 403:
        return (struct graph_verdict){ GRAPH_REFUSE, ERROR_DENIED, 0 };
    case 404:
        return (struct graph_verdict){ GRAPH_REFUSE, ERROR_NOT_FOUND, 0 };
    case 408:
        return (struct graph_verdict){ GRAPH_BACKOFF, ERROR_TIMEOUT, 6 };
    case 409:
    case 410:
    case 412:
    case 416:
    case 424:
        return (struct graph_verdict){ GRAPH_REFUSE, ERROR_CONFLICT, 0 };
    case 413:
        return (struct graph_verdict){ GRAPH_REFUSE, ERROR_LIMIT, 0 };
    case 423:
        return (struct graph_verdict){ GRAPH_REFUSE, ERROR_UNAVAILABLE, 0 };
    case 429:
        return (struct graph_verdict){ GRAPH_WAIT, ERROR_THROTTLED, 0 };
    default: /* a status is not one of our enums */
        return (struct graph_verdict){ GRAPH_REFUSE, ERROR_UNSUPPORTED, 0 };
    }
}

struct graph_verdict
graph_error_judge(int status, const char *code, const char *inner, bool hinted)
{
    if ((status >= 200 && status <= 299) || status == 302 || status == 304)
        return (struct graph_verdict){ GRAPH_ACCEPT, ERROR_NONE, 0 };
    for (size_t i = 0; status != 401 && status != 429 && i < ARRAY_LEN(known_codes); i++)
        if (graph_error_has(code, inner, known_codes[i].code))
            return known_codes[i].verdict;
    if (status >= 400 && status <= 499)
        return judge_client_fault(status, code, inner);
    if (status == 509 || ((status == 503 || status == 504) && hinted))
        return (struct graph_verdict){ GRAPH_WAIT, ERROR_THROTTLED, 0 };
    if (status == 507)
        return (struct graph_verdict){ GRAPH_REFUSE, ERROR_NO_SPACE, 0 };
    if (status == 501)
        return (struct graph_verdict){ GRAPH_REFUSE, ERROR_UNSUPPORTED, 0 };
    if (status == 500)
        return (struct graph_verdict){ GRAPH_BACKOFF, ERROR_UNAVAILABLE, 3 };
    if (status > 500)
        return (struct graph_verdict){ GRAPH_BACKOFF, ERROR_UNAVAILABLE, 6 };
    return (struct graph_verdict){ GRAPH_REFUSE, ERROR_UNSUPPORTED, 0 };
}

/* Codes go to logs: only what a code looks like is let through. */
static void
copy_code(char *out, size_t size, const char *text)
{
    size_t n = 0;

    for (; text[n] != '\0' && n + 1 < size; n++) {
        unsigned char c = (unsigned char)text[n];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                     c == '-' || c == '.';
        out[n] = plain ? (char)c : '_';
    }
    out[n] = '\0';
}

void
graph_error_codes(const json_t *body, char *code, char *inner, size_t size)
{
    const json_t *error = graph_json_object(body, "error");

    copy_code(code, size, error != NULL ? graph_json_text(error, "code") : "");
    copy_code(inner, size, code);
    for (int depth = 0; error != NULL && depth < INNER_DEPTH; depth++) {
        const json_t *next = graph_json_object(error, "innerError");
        if (next == NULL)
            next = graph_json_object(error, "innererror");
        error = next;
        if (error != NULL && graph_json_text(error, "code")[0] != '\0')
            copy_code(inner, size, graph_json_text(error, "code"));
    }
}

bool
graph_error_has(const char *code, const char *inner, const char *wanted)
{
    return strcasecmp(code, wanted) == 0 || strcasecmp(inner, wanted) == 0;
}

bool
graph_error_is_resync(int status, const char *code, const char *inner)
{
    static const char *const codes[] = {
        "SyncStateNotFound",
        "SyncStateInvalid",
        "ResyncRequired",
        "ErrorInvalidSyncStateData",
        "resyncChangesApplyDifferences",
        "resyncApplyDifferences",
        "resyncChangesUploadDifferences",
        "resyncUploadDifferences",
    };

    if (status == 410)
        return true;
    for (size_t i = 0; status >= 400 && status <= 499 && i < ARRAY_LEN(codes); i++)
        if (graph_error_has(code, inner, codes[i]))
            return true;
    return false;
}
