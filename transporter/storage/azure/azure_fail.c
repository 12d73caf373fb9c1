#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/storage/azure/azure_date.h"
#include "transporter/storage/azure/azure_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SKEW_MAX_MS       (INT64_C(15) * 60 * 1000) /* what the service puts up with */
#define RETRY_AFTER_MAX_S 3600
#define REQUEST_ID_MAX    64

struct rule {
    const char *code; /* its beginning */
    enum error_kind kind;
    bool passing;
    const char *advice;
};

/* https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes and common error codes. */
static const struct rule by_code[] = {
    { "AuthenticationFailed", ERROR_UNAUTHENTICATED, false,
      "the account key or SAS is not accepted: check that it is current" },
    { "InvalidAuthenticationInfo", ERROR_UNAUTHENTICATED, false,
      "the account key or SAS is not accepted: check that it is current" },
    { "NoAuthenticationInformation", ERROR_UNAUTHENTICATED, false, "the SAS is not accepted: check that it is whole" },
    { "KeyBasedAuthenticationNotPermitted", ERROR_DENIED, false,
      "the account takes no account keys: allow shared key access in its configuration, or use a SAS" },
    { "AuthorizationSourceIPMismatch", ERROR_DENIED, false, "the SAS is not good for this machine's address" },
    { "AuthorizationProtocolMismatch", ERROR_DENIED, false, "the SAS is not good for https" },
    { "AuthorizationPermissionMismatch", ERROR_DENIED, false,
      "the SAS lacks a permission: it needs read, create, write, delete, list, delete version and immutable storage" },
    { "AuthorizationResourceTypeMismatch", ERROR_DENIED, false,
      "the SAS is not good for this kind of resource: it needs container and object" },
    { "AuthorizationServiceMismatch", ERROR_DENIED, false, "the SAS is not good for the blob service" },
    { "InsufficientAccountPermissions", ERROR_DENIED, false, "the account is read-only or lacks a permission" },
    { "AuthorizationFailure", ERROR_DENIED, false,
      "not allowed: check the SAS's permissions and the account's firewall" },
    { "AccountIsDisabled", ERROR_DENIED, false, "the account is disabled: check its subscription" },
    { "AccountBeingCreated", ERROR_UNAVAILABLE, true, "the account is being created" },
    { "ContainerNotFound", ERROR_UNAVAILABLE, false, "the container does not exist" },
    { "ContainerBeingDeleted", ERROR_UNAVAILABLE, false, "the container is being deleted" },
    { "ContainerDisabled", ERROR_UNAVAILABLE, false, "the container is disabled" },
    { "BlobImmutableDueToPolicy", ERROR_LOCKED, false, "" },
    { "BlobImmutableDueToLegalHold", ERROR_LOCKED, false, "" },
    { "LeaseIdMissing", ERROR_LOCKED, false, "somebody holds a lease on it: break the lease" },
    { "SnapshotsPresent", ERROR_LOCKED, false, "somebody made snapshots of it: delete them" },
    { "BlobArchived", ERROR_UNAVAILABLE, false, "it lies in the archive tier: rehydrate it" },
    { "BlobBeingRehydrated", ERROR_UNAVAILABLE, false, "it is on its way out of the archive tier: wait some hours" },
    { "BlobAlreadyExists", ERROR_EXISTS, false, "" },
    { "ConditionNotMet", ERROR_EXISTS, false, "" },
    { "BlobNotFound", ERROR_NOT_FOUND, false, "" },
    { "ResourceNotFound", ERROR_NOT_FOUND, false, "" },
    { "InvalidRange", ERROR_CORRUPT, false, "" },
    { "Md5Mismatch", ERROR_NETWORK, true, "the bytes were damaged on their way" },
    { "Crc64Mismatch", ERROR_NETWORK, true, "the bytes were damaged on their way" },
    { "ServerBusy", ERROR_THROTTLED, true, "the service is busy" },
    { "TooManyRequests", ERROR_THROTTLED, true, "the service is busy" },
    { "OperationTimedOut", ERROR_UNAVAILABLE, true, "the service did not finish in time" },
    { "InternalError", ERROR_UNAVAILABLE, true, "the service has a fault" },
    { "UnsupportedHttpVerb", ERROR_UNSUPPORTED, false, "the service does not know this operation" },
    { "APINotImplemented", ERROR_UNSUPPORTED, false, "the service does not know this operation" },
};

static const struct rule *
rule_of_code(const char *code)
{
    for (size_t i = 0; i < ARRAY_LEN(by_code); i++)
        if (strncmp(code, by_code[i].code, strlen(by_code[i].code)) == 0)
            return &by_code[i];
    return NULL;
}

static struct rule
rule_of_status(const struct http_response *response)
{
    /* Without the service's own mark it may be anything that stands between. */
    bool service = http_response_header(response, "x-ms-request-id") != NULL;

    switch (response->status) {
    case 401:
        return (struct rule){ "", ERROR_UNAUTHENTICATED, false, "the account key or SAS is not accepted" };
    case 403:
        return (struct rule){ "", ERROR_DENIED, false, "not allowed" };
    case 404:
        return service ? (struct rule){ "", ERROR_NOT_FOUND, false, "" }
                       : (struct rule){ "", ERROR_CONFIG, false, "this is no Azure storage: check the endpoint" };
    case 409:
        return (struct rule){ "", ERROR_CONFLICT, false, "refused in the state that it is in" };
    case 412:
        return (struct rule){ "", ERROR_EXISTS, false, "" };
    case 413:
        return (struct rule){ "", ERROR_LIMIT, false, "too large for the service" };
    case 416:
        return (struct rule){ "", ERROR_CORRUPT, false, "" };
    case 429:
        return (struct rule){ "", ERROR_THROTTLED, true, "the service is busy" };
    case 501:
        return (struct rule){ "", ERROR_UNSUPPORTED, false, "the service does not know this operation" };
    case 503:
        return (struct rule){ "", ERROR_THROTTLED, true, "the service is busy" };
    case 507:
        return (struct rule){ "", ERROR_NO_SPACE, false, "the account is full" };
    }
    if (response->status == 408 || response->status >= 500)
        return (struct rule){ "", ERROR_UNAVAILABLE, true, "the service cannot serve now" };
    if (response->status >= 300 && response->status <= 399)
        return (struct rule){ "", ERROR_CONFIG, false, "the endpoint sends elsewhere: give its final address" };
    return (struct rule){ "", ERROR_INTERNAL, false, "the service does not understand the request" };
}

const char *
azure_fail_code(const struct http_response *response)
{
    const char *code = http_response_header(response, "x-ms-error-code");
    return code != NULL ? code : "";
}

/* Refused for a reason that no rule knows, with a lock in it: that lock is not to be had here. */
static bool
refuses_lock(const struct azure_call *call, const struct http_response *response)
{
    bool asked = false;

    for (size_t i = 0; i < call->header_count; i++)
        asked |= strcmp(call->headers[i].name, AZURE_UNTIL_HEADER) == 0;
    return asked && (response->status == 400 || response->status == 409 || response->status == 501);
}

static uint32_t
retry_after_ms(const struct http_response *response)
{
    const char *text = http_response_header(response, "Retry-After");
    char *end;

    if (text == NULL || text[0] < '0' || text[0] > '9')
        return 0;
    unsigned long seconds = strtoul(text, &end, 10);
    if (*end != '\0')
        return 0;
    return seconds > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S * 1000 : (uint32_t)seconds * 1000;
}

/* A clock that is off makes every signature wrong, and nothing in the answer says so. */
static bool
clock_is_off(const struct azure *azure, const struct http_response *response, char *advice, size_t size)
{
    int64_t theirs = azure_date_parse(http_response_header(response, "Date"));
    int64_t off = theirs == 0 ? 0 : clock_wall_ms(azure->clock) - theirs;

    if (off >= -SKEW_MAX_MS && off <= SKEW_MAX_MS)
        return false;
    snprintf(advice, size, "this machine's clock is %lld minutes %s: set it right",
             (long long)(off > 0 ? off : -off) / 60000, off > 0 ? "fast" : "slow");
    return true;
}

static int
tell(const struct azure *azure, const struct azure_call *call, const struct http_response *response,
     const struct rule *rule, struct error *err)
{
    const char *name = call->name != NULL ? call->name : "the container", *code = azure_fail_code(response);
    const char *id = http_response_header(response, "x-ms-request-id");
    int status = response->status;
    char advice[128];

    if (rule->kind == ERROR_NOT_FOUND)
        return FAIL(err, rule->kind, status, "storage %s/%s has no object %s", azure->account, azure->container, name);
    if (rule->kind == ERROR_EXISTS)
        return FAIL(err, rule->kind, status, "storage %s/%s already has an object %s", azure->account, azure->container,
                    name);
    if (rule->kind == ERROR_CORRUPT)
        return FAIL(err, rule->kind, status, "object %s is shorter than what refers to it: it was cut off", name);
    if (rule->kind == ERROR_LOCKED && rule->advice[0] == '\0')
        return FAIL(err, rule->kind, status, "storage %s/%s holds %s under a lock: it goes when that is over",
                    azure->account, azure->container, name);
    bool off = rule->kind == ERROR_UNAUTHENTICATED && clock_is_off(azure, response, advice, sizeof(advice));
    return FAIL(err, rule->kind, status, "storage %s/%s, %s %s: %s (%d %.64s, request %.*s)", azure->account,
                azure->container, call->what, name, off ? advice : rule->advice, status, code, REQUEST_ID_MAX,
                id != NULL ? id : "-");
}

bool
azure_fail(const struct azure *azure, const struct azure_call *call, const struct http_response *response,
           struct error *err)
{
    const struct rule *known = rule_of_code(azure_fail_code(response));
    struct rule rule = known != NULL ? *known : rule_of_status(response);

    if ((known == NULL || known->kind == ERROR_UNSUPPORTED) && refuses_lock(call, response))
        rule = (struct rule){ "", ERROR_UNSUPPORTED, false,
                              "the lock is refused: check that version-level immutability is on for the container" };
    tell(azure, call, response, &rule, err);
    if (rule.passing)
        err->retry_after_ms = retry_after_ms(response);
    return rule.passing;
}

int
azure_pass(const struct error *why, struct error *err)
{
    if (!error_is_set(why))
        return 0;
    if (err != NULL && !error_is_set(err))
        *err = *why;
    return -1;
}
