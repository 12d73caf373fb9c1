#ifndef LONGHAUL_TRANSPORTER_HOST_LOCK_EXTEND_H
#define LONGHAUL_TRANSPORTER_HOST_LOCK_EXTEND_H

/* Makes many locks last longer, several at a time. */

#include "transporter/storage/storage.h"

struct lock_ledger;

#define LOCK_EXTEND_BATCH   256
#define LOCK_EXTEND_THREADS 16

/* Blocks. Every name whose lock the storage has confirmed is in the ledger, also after a failure: doing it again goes
 * on where it ended. *missing: names that the storage does not have; their count is not a failure here. */
struct lock_extend_result {
    size_t extended;
    size_t missing;
    char first_missing[STORAGE_NAME_LEN];
};
int lock_extend_run(struct storage *storage, struct lock_ledger *ledger, const char (*names)[STORAGE_NAME_LEN],
                    size_t count, int64_t until_ms, struct lock_extend_result *result, struct error *err);

#endif
