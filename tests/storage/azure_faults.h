#ifndef LONGHAUL_TESTS_STORAGE_AZURE_FAULTS_H
#define LONGHAUL_TESTS_STORAGE_AZURE_FAULTS_H

/* The Azure driver where the storage misbehaves, or somebody else does: against tests/fakes/strict_azure.py. */

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/storage/azure/azure_internal.h"
#include "transporter/storage/storage.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define MIB   ((size_t)1 << 20)
#define LARGE (20 * MIB + 1) /* goes in blocks */
#define HOUR  INT64_C(3600000)

#define assert_ok(expression, e)                                                                                       \
    do {                                                                                                               \
        (e) = (struct error)ERROR_INIT;                                                                                \
        if ((expression) != 0)                                                                                         \
            fail_msg("%s: %s (%s)", #expression, (e).text, error_kind_name((e).kind));                                 \
    } while (0)

/* The call fails with this kind, in a text that has these words. */
#define assert_fails(expression, wanted, words, e)                                                                     \
    do {                                                                                                               \
        (e) = (struct error)ERROR_INIT;                                                                                \
        if ((expression) == 0)                                                                                         \
            fail_msg("%s succeeded, not %s", #expression, error_kind_name(wanted));                                    \
        if ((e).kind != (wanted) || strstr((e).text, words) == NULL)                                                   \
            fail_msg("%s: %s: %s", #expression, error_kind_name((e).kind), (e).text);                                  \
    } while (0)

/* more: ,"field":… at the end of the location, or "". NULL when it cannot be opened. */
struct storage *azure_faults_open(const char *container, const char *more, bool create, const struct clock *clock,
                                  struct error *err);
/* Attached for the tests: "plain" without locks, "worm" with policies that are locked. */
extern struct storage *azure_faults_plain, *azure_faults_worm;
/* Lines of the double's record of requests that have both texts. */
unsigned azure_faults_requests(const char *text, const char *other);
void azure_faults_expect(struct storage *storage, const char *name, const void *data, size_t len);

/* What somebody with the account's key can send. Returns the status of the answer. */
int azure_faults_attack(const char *method, const char *name, const char *query,
                        const struct azure_sign_header *headers, size_t count, const char *body);

int azure_faults_locks(void);

#endif
