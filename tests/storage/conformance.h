#ifndef LONGHAUL_TESTS_STORAGE_CONFORMANCE_H
#define LONGHAUL_TESTS_STORAGE_CONFORMANCE_H

/* The contract of transporter/storage/storage.h as tests, the same ones for every driver. They see nothing but the
 * contract; what only somebody beside the storage can do (take the marker away) is a command from the outside. */

#include "common/base/error.h"
#include "transporter/storage/storage.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct conformance {
    struct storage *storage;
    char *location;
    const char *denied;      /* location that may be read and not written; NULL: not tried */
    const char *unavailable; /* location that cannot be reached; NULL: not tried */
    const char *lose_marker; /* shell command; NULL: not tried */
    bool wants_locks, is_long;
    char vault[64]; /* first part of all names of this run */
};

extern struct conformance conformance;

#define assert_ok(expression, e)                                                                                       \
    do {                                                                                                               \
        if ((expression) != 0)                                                                                         \
            fail_msg("%s: %s (%s)", #expression, (e).text, error_kind_name((e).kind));                                 \
    } while (0)

/* The call fails, and with this kind. */
#define assert_fails(expression, wanted, e)                                                                            \
    do {                                                                                                               \
        (e) = (struct error)ERROR_INIT;                                                                                \
        if ((expression) == 0)                                                                                         \
            fail_msg("%s succeeded, not %s", #expression, error_kind_name(wanted));                                    \
        if ((e).kind != (wanted))                                                                                      \
            fail_msg("%s: %s, not %s: %s", #expression, error_kind_name((e).kind), error_kind_name(wanted), (e).text); \
        (e) = (struct error)ERROR_INIT;                                                                                \
    } while (0)

/* Returns name: "<vault>/<rest>". */
const char *conformance_name(char name[STORAGE_NAME_LEN], const char *rest);
/* Bytes that follow from seed and position, and do not compress. */
void conformance_fill(uint8_t *data, size_t len, uint64_t seed);
/* The object is there with exactly these bytes, read whole and as a range. */
void conformance_expect(struct storage *storage, const char *name, const uint8_t *data, size_t len);
void conformance_expect_nothing(struct storage *storage, const char *name);
/* A file without a name that holds these bytes, open for reading and writing. */
int conformance_file(const void *data, size_t len);
struct storage *conformance_open(const char *location, bool create, struct error *err);

struct conformance_group {
    const char *name;
    const struct CMUnitTest *tests;
    size_t count;
};

extern const struct conformance_group conformance_objects, conformance_races, conformance_lists, conformance_locks,
    conformance_opening;

#endif
