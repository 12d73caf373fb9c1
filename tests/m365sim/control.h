#ifndef LONGHAUL_TESTS_M365SIM_CONTROL_H
#define LONGHAUL_TESTS_M365SIM_CONTROL_H

/* The tests' own endpoint, without token:
 *   POST   /_control/faults   one rule or an array (see faults.h); answers with all rules
 *   GET    /_control/faults   the rules and how often each struck
 *   DELETE /_control/faults
 *   POST   /_control/auth     {"revoke_tokens": true, "secret_expired": true, "token_seconds": 10}
 *   POST   /_control/limits   numbers as in limits.json; null: off
 *   POST   /_control/reset    no faults, no limits beyond the command line's, statistics at zero
 *   GET    /_control/stats */

struct reply;
struct request;

void control_handle(struct request *r, struct reply *reply);

#endif
