#ifndef LONGHAUL_TRANSPORTER_LINK_CONTROL_MESSAGES_H
#define LONGHAUL_TRANSPORTER_LINK_CONTROL_MESSAGES_H

/* The control conversation in plain structs: what the director says and what the transporter says. The way from
 * and to the wire is order_parse.h and control_build.h. */

#include "transporter/task/task_order.h"
#include "transporter/task/task_result.h"

/* One ceiling for everything that travels on the link. */
#define CONTROL_MESSAGE_LIMIT  ((size_t)4 << 20)
#define CONTROL_RUNNING_MAX    1024
#define CONTROL_REVOKED_MAX    65536
#define CONTROL_DISCOVERED_MAX 500
#define CONTROL_KEY_LEN        65 /* a P-256 public point, uncompressed */

enum control_kind {
    CONTROL_WELCOME,
    CONTROL_START_TASK,
    CONTROL_CANCEL_TASK,
    CONTROL_FINISHED_ACK,
    CONTROL_ATTACH_REPOSITORY,
    CONTROL_DETACH_REPOSITORY,
    CONTROL_REVOCATIONS,
    CONTROL_RAISE_FENCE,
    CONTROL_QUERY,
    CONTROL_GRANT_UPDATE,
    CONTROL_PAUSE_SOURCE,
    CONTROL_UNKNOWN /* a newer director's; to be ignored */
};

struct control_task_ref {
    char task_id[IDENTIFIER_LEN];
    uint64_t fence;
};

struct control_query {
    char query_id[IDENTIFIER_LEN];
    char tenant_id[IDENTIFIER_LEN];
    struct task_vault vault;
    struct task_secret *secrets;
    size_t secret_count;
    struct task_secret request;
    uint8_t reply_key[CONTROL_KEY_LEN];
};

/* One message of the director. The field named after the kind is set, the others are zero. */
struct control_order {
    enum control_kind kind;
    struct {
        uint32_t heartbeat_ms, lease_ms;
        uint8_t grant_key[CONTROL_KEY_LEN];
        bool has_grant_key;
        struct control_task_ref *cancelled;
        size_t cancelled_count;
    } welcome;
    struct task_order *start_task;
    struct control_task_ref ref; /* cancel_task, finished_ack; grant_update with fence 0 */
    struct {
        char repository_id[IDENTIFIER_LEN];
        struct task_secret location; /* attach only */
    } repository;
    struct {
        char (*node_ids)[IDENTIFIER_LEN];
        size_t count;
    } revocations;
    struct {
        char vault_id[IDENTIFIER_LEN];
        char scope[IDENTIFIER_LEN];
        uint64_t fence;
    } raise_fence;
    struct control_query *query;
    uint8_t *grant; /* grant_update */
    size_t grant_len;
    struct {
        char tenant_id[IDENTIFIER_LEN];
        uint32_t pause_ms;
    } pause_source;
};

struct control_hello {
    const char *advertise;
    uint32_t task_slots;
    int64_t clock_ms;
    const struct control_task_ref *running;
    size_t running_count;
};

struct control_heartbeat {
    const struct control_task_ref *running;
    size_t running_count;
    uint64_t resident_bytes;
    double cpu_seconds;
};

struct control_repository_status {
    const char *repository_id;
    bool attached;
    const struct error *error; /* NULL: none */
    uint64_t free_bytes;
    bool locks;        /* enforced, as tried */
    const char *probe; /* what trying the storage showed; "" when it was not tried */
};

#endif
