#ifndef LONGHAUL_DIRECTOR_JOBS_TASK_SPEC_H
#define LONGHAUL_DIRECTOR_JOBS_TASK_SPEC_H

/* The particulars of a task, by its kind, as JSON in the store. Pure. */

#include "director/director.h"

#define TASK_SPEC_POINTS_MAX 100
#define TASK_SPEC_PATH_LEN   1025

struct task_spec {
    enum store_run_kind kind; /* set by the caller, also before decoding: it is not in the JSON */
    union {
        struct {
            bool force_full;
            uint64_t bytes_per_second; /* 0: no limit */
            uint32_t immutable_days;   /* 0: not */
        } backup;
        struct {
            char point[IDENTIFIER_LEN];
            bool to_folder;
            char path[TASK_SPEC_PATH_LEN]; /* folder: below the transporter's restore folder. Tenant: new top folder */
            char target_object[IDENTIFIER_LEN]; /* tenant */
            enum director_conflict conflict;    /* tenant */
        } restore;
        struct {
            size_t point_count; /* 0: all of the vault */
            char points[TASK_SPEC_POINTS_MAX][IDENTIFIER_LEN];
            bool data;
            uint32_t sample_ppm; /* 0: all */
            bool rebuild_index;  /* first */
        } verify;
        struct {
            size_t point_count; /* to be retired, by their stored ids */
            char points[TASK_SPEC_POINTS_MAX][IDENTIFIER_LEN];
            int64_t before_ms; /* not 0: also those made before then */
            uint64_t undo_ms, undo_record;
            bool dry_run;
        } sweep;
        struct {
            char source[IDENTIFIER_LEN]; /* vault */
            bool latest;
            int64_t since_ms;
            uint32_t immutable_days; /* 0: not */
        } copy;
        struct {
            char source[IDENTIFIER_LEN]; /* vault; empty: only from the vault itself */
        } heal;
    };
};

/* For how many days what the task writes is locked; 0: not. */
uint32_t task_spec_lock_days(const struct task_spec *spec);

/* The other vault that the task reads; "": none. */
const char *task_spec_source(const struct task_spec *spec);

/* ERROR_LIMIT when it does not fit. */
int task_spec_encode(const struct task_spec *spec, char out[STORE_TASK_SPEC_LEN], struct error *err);
/* ERROR_FORMAT. */
int task_spec_decode(const char *json, struct task_spec *spec, struct error *err);

#endif
