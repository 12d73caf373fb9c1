#include "tests/m365sim/uploads.h"

#include "common/base/memory.h"
#include "tests/m365sim/reply.h"
#include "tests/m365sim/request.h"

#include <stdlib.h>

struct uploads {
    const struct clock *clock;
};

struct uploads *
uploads_new(const struct clock *clock)
{
    struct uploads *u = MEMORY_NEW(struct uploads);
    u->clock = clock;
    return u;
}

void
uploads_free(struct uploads *u)
{
    free(u);
}
