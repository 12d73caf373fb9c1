#ifndef LONGHAUL_TESTS_M365SIM_FAULTS_H
#define LONGHAUL_TESTS_M365SIM_FAULTS_H

/* Faults on demand. A rule is a JSON object:
 *
 *   {"match": {"method": "GET", "path": "<extended regular expression>", "user": "<id or name>"},
 *    "skip": 2, "count": 3, "probability": 0.1, "seed": 7,
 *    "action": {"latency_ms": 50, "status": 429, "code": "...", "inner": "...", "message": "...", "retry_after": 5,
 *               "html": true, "empty": true, "location": "...", "cut_after": 1000, "spoil": true, "wrong_hash": true,
 *               "duplicate": true, "expired_links": true, "revoke_tokens": true}}
 *
 * The path is matched against path and query as they came. count is how often the rule strikes (default: always),
 * skip how many matches pass before. Every matching rule strikes. Any thread. */

#include <jansson.h>
#include <stdbool.h>

struct error;
struct faults;
struct reply;
struct request;
struct sim;

struct faults *faults_new(void);
void faults_free(struct faults *f);

/* Takes one rule or an array of them in addition to those there. ERROR_USAGE names what is wrong. */
int faults_add(struct faults *f, const json_t *rules, struct error *err);
void faults_clear(struct faults *f);
/* The rules with how often each has struck. */
json_t *faults_json(struct faults *f);

/* Before the handler: true when the reply is already made. */
bool faults_before(struct faults *f, struct request *r, struct reply *reply, struct sim *sim);
/* After it. */
void faults_after(struct faults *f, struct request *r, struct reply *reply);

#endif
