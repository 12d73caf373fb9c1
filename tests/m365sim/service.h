#ifndef LONGHAUL_TESTS_M365SIM_SERVICE_H
#define LONGHAUL_TESTS_M365SIM_SERVICE_H

/* From a request to its answer: fault rules, throttling, token, route. */

struct reply;
struct request;

/* Fills reply in every case. Also called for each part of a batch. */
void service_handle(struct request *r, struct reply *reply);

#endif
