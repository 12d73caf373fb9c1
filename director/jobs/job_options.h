#ifndef LONGHAUL_DIRECTOR_JOBS_JOB_OPTIONS_H
#define LONGHAUL_DIRECTOR_JOBS_JOB_OPTIONS_H

/* A job's options, written as a JSON object:
 *
 *   bytes_per_second   ceiling of what one task reads from the source; 0 or absent: none
 *   force_full         every run enumerates everything, as after a resync; default false
 *
 * Pure. */

#include <stdbool.h>
#include <stdint.h>

struct error;

struct job_options {
    uint64_t bytes_per_second;
    bool force_full;
};

/* Empty text: all defaults. ERROR_USAGE names an option that is unknown or has a wrong value. */
int job_options_parse(const char *json, struct job_options *options, struct error *err);

#endif
