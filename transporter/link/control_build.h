#ifndef LONGHAUL_TRANSPORTER_LINK_CONTROL_BUILD_H
#define LONGHAUL_TRANSPORTER_LINK_CONTROL_BUILD_H

/* Our own structs to serialised TransporterMessages. Pure; any thread. */

#include "transporter/link/control_messages.h"

struct buffer;

/* Each appends one serialised TransporterMessage to out. */
int control_build_hello(const struct control_hello *hello, struct buffer *out, struct error *err);
int control_build_heartbeat(const struct control_heartbeat *beat, struct buffer *out, struct error *err);
int control_build_progress(const struct control_task_ref *ref, const struct task_progress *progress, struct buffer *out,
                           struct error *err);
int control_build_finished(const struct task_result *result, struct buffer *out, struct error *err);
/* At most CONTROL_DISCOVERED_MAX objects. */
int control_build_discovered(const struct control_task_ref *ref, const struct task_object *objects, size_t count,
                             bool last, struct buffer *out, struct error *err);
int control_build_repository(const struct control_repository_status *status, struct buffer *out, struct error *err);
/* sealed NULL: the error tells why. */
int control_build_query_reply(const char *query_id, const uint8_t *sealed, size_t len, const struct error *error,
                              struct buffer *out, struct error *err);

#endif
