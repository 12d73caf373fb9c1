#ifndef LONGHAUL_DIRECTOR_LINK_CONTROL_PARSE_H
#define LONGHAUL_DIRECTOR_LINK_CONTROL_PARSE_H

/* One message of a transporter, from bytes to our own struct: bounded before it is unpacked, every id and text checked,
 * numbers cut to what the store keeps. Pure. */

#include "director/inventory/discovered.h"
#include "director/jobs/scheduler.h"
#include "director/store/store_repositories.h"
#include "director/store/store_transporters.h"

struct arena;

#define CONTROL_PARSE_RUNNING_MAX 10000

enum control_kind {
    CONTROL_UNKNOWN, /* of a newer version: to be ignored */
    CONTROL_HELLO,
    CONTROL_HEARTBEAT,
    CONTROL_PROGRESS,
    CONTROL_FINISHED,
    CONTROL_DISCOVERED,
    CONTROL_REPOSITORY,
    CONTROL_QUERY_REPLY
};

struct control_message {
    enum control_kind kind;
    union {
        struct {
            uint32_t protocol, task_slots;
            char software_version[STORE_VERSION_LEN];
            char advertise[STORE_ADDRESS_LEN];
            int64_t clock_ms;
        } hello;
        struct {
            uint64_t resident_bytes;
            double cpu_seconds;
        } heartbeat;
        struct {
            struct scheduler_running task;
            struct scheduler_progress told;
        } progress;
        struct scheduler_result *finished; /* in the arena */
        struct {
            struct scheduler_running task;
            struct store_object *objects; /* in the arena */
            size_t count;
        } discovered;
        struct store_repository repository; /* id, state, error, free_bytes */
        struct {
            char query_id[IDENTIFIER_LEN];
            const uint8_t *sealed; /* in the arena */
            size_t len;
            bool failed;
            struct error why;
        } query_reply;
    };
    struct scheduler_running *running; /* of hello and heartbeat; in the arena */
    size_t running_count;
};

/* Everything in *message is valid as long as the arena. ERROR_FORMAT, ERROR_LIMIT. */
int control_parse(const uint8_t *data, size_t len, struct arena *arena, struct control_message *message,
                  struct error *err);

#endif
