#ifndef LONGHAUL_TRANSPORTER_SOURCE_SOURCE_GROUP_H
#define LONGHAUL_TRANSPORTER_SOURCE_SOURCE_GROUP_H

/* Several workloads of one object as one source: a mailbox is mail, contacts, calendars and tasks. They are read one
 * after the other into one round, with a cursor each. A part that the service refuses as a whole before it gave
 * anything (no such thing, no permission) is told as SOURCE_REFUSED and keeps its cursor and its records; when all
 * parts are refused the round fails with the first one's reason. */

#include "transporter/source/source_internal.h"

#define SOURCE_GROUP_MAX 8

struct source_part {
    const struct source_driver *driver;
    unsigned kinds; /* of its items; no two parts share one */
};

/* parts: static. A cursor of the first part's driver alone, as older points have it, is taken as that part's. */
struct source *source_group_open(const char *name, const struct source_part *parts, size_t count,
                                 const struct source_options *options, struct error *err);

#endif
