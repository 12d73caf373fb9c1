#ifndef LONGHAUL_TESTS_M365SIM_BATCH_H
#define LONGHAUL_TESTS_M365SIM_BATCH_H

struct reply;
struct request;

/* POST /v1.0/$batch: up to 20 parts, run one after another. */
void batch_handle(struct request *r, struct reply *reply);

#endif
