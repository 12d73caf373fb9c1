#ifndef LONGHAUL_DIRECTOR_LINK_CONTROL_SEND_H
#define LONGHAUL_DIRECTOR_LINK_CONTROL_SEND_H

/* Each function sends one message to a transporter. -1: it does not read what it is sent; end the session. */

#include "director/link/link_internal.h"
#include "director/link/vault_access.h"

struct control_welcome {
    uint32_t heartbeat_ms, lease_ms;
    const uint8_t *grant_key;                /* KEY_POINT_LEN bytes */
    const struct scheduler_running *running; /* those with `stop` are told to be cancelled */
    size_t running_count;
};
int control_send_welcome(struct session *session, const struct control_welcome *welcome, struct error *err);
int control_send_cancel(struct session *session, const char *task_id, uint64_t fence, struct error *err);
int control_send_finished_ack(struct session *session, const char *task_id, uint64_t fence, struct error *err);
int control_send_attach(struct session *session, const char *repository_id, const char *secret_id,
                        const uint8_t *sealed, size_t len, struct error *err);
int control_send_detach(struct session *session, const char *repository_id, struct error *err);
int control_send_revocations(struct session *session, struct revocation_set *revoked, struct error *err);
int control_send_raise_fence(struct session *session, const char *vault_id, const char *scope, uint64_t fence,
                             struct error *err);
int control_send_grant(struct session *session, const char *task_id, const struct vault_access *access,
                       struct error *err);

struct control_query {
    const char *query_id, *tenant_id;
    const struct vault_access *access;
    const char *password_secret;
    const uint8_t *password;
    size_t password_len;
    const uint8_t *request;
    size_t request_len;
    const uint8_t *reply_key;
};
int control_send_query(struct session *session, const struct control_query *query, struct error *err);

/* task_order.c: StartTask, put together from the store. Fails also when something it needs is missing there. */
int task_order_send(struct session *session, const struct store_task *task, struct error *err);

#endif
