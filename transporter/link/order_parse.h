#ifndef LONGHAUL_TRANSPORTER_LINK_ORDER_PARSE_H
#define LONGHAUL_TRANSPORTER_LINK_ORDER_PARSE_H

/* Serialised DirectorMessage to struct control_order. Pure; any thread. */

#include "transporter/link/control_messages.h"

/* ERROR_FORMAT or ERROR_LIMIT when the bytes are no message, or break a rule (bad id, missing part). *order is to
 * be cleared either way; after a failure start_task and query still carry their id when that could be read, so
 * that the director can be told. */
int order_parse(const uint8_t *data, size_t len, struct control_order *order, struct error *err);
void order_parse_clear(struct control_order *order);
void order_parse_query_free(struct control_query *query);

#endif
