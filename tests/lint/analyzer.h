#ifndef LONGHAUL_TESTS_LINT_ANALYZER_H
#define LONGHAUL_TESTS_LINT_ANALYZER_H

/* Included by tidy.sh before everything else, because clang's analyzer sees one file at a time and loses the thread
 * in uthash: a function that fails answers -1, an element that was deleted is no longer in the table. */

#include "common/base/error.h"

#include <uthash.h>

static inline int
analyzer_failed(int recorded)
{
    (void)recorded;
    return -1;
}

/* Defined nowhere: a table without the item, of which nothing else is known. */
void *analyzer_rest(const void *table, const void *item);

#undef FAIL
#define FAIL(err, kind, native, ...)                                                                                   \
    analyzer_failed(error_set_at((err), __FILE__, __LINE__, (kind), (native), __VA_ARGS__))

#undef HASH_DELETE
#define HASH_DELETE(hh, head, item)                                                                                    \
    do {                                                                                                               \
        (head) = analyzer_rest((head), (item));                                                                        \
    } while (0)

#endif
