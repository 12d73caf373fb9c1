#ifndef LONGHAUL_TRANSPORTER_RESTORE_TENANT_SINK_H
#define LONGHAUL_TRANSPORTER_RESTORE_TENANT_SINK_H

/* A restore into a user's mailbox or drive, as a sink for the restore task. See to_tenant.h for the way there. */

#include "transporter/restore/restore_sink.h"
#include "transporter/restore/to_tenant.h"

struct clock;

struct tenant_sink_options {
    const struct clock *clock; /* borrowed for life, as scratch and what is in `tenant` */
    const char *scratch;
    struct to_tenant_options tenant;
};

struct restore_sink *tenant_sink_open(const struct tenant_sink_options *options, struct error *err);

#endif
