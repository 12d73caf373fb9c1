#ifndef LONGHAUL_DIRECTOR_JOBS_JOB_OPTIONS_H
#define LONGHAUL_DIRECTOR_JOBS_JOB_OPTIONS_H

/* A job's options, written as a JSON object:
 *
 *   bytes_per_second   ceiling of what one task reads from the source; 0 or absent: none
 *   force_full         every run enumerates everything, as after a resync; default false
 *   immutable_days     what a run writes, and all that its points need, is locked at least so long; 0 or absent: not
 *   points             of a copy job: "all" (the default) or "latest", the newest of each object
 *   since              of a copy job: a time like 2026-09-14T07:58:10Z; no points from before
 *
 * Pure. */

#include <stdbool.h>
#include <stdint.h>

struct error;

struct job_options {
    uint64_t bytes_per_second;
    bool force_full;
    uint32_t immutable_days; /* at most 36,500 */
    bool latest;
    int64_t since_ms; /* 0: any */
};

/* Empty text: all defaults. ERROR_USAGE names an option that is unknown or has a wrong value. */
int job_options_parse(const char *json, struct job_options *options, struct error *err);

#endif
