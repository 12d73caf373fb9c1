#include "transporter/storage/s3/s3.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/storage/s3/s3_internal.h"

#include <stdlib.h>

#define STALL_MS 30000

static void
s3_close(struct storage *storage)
{
    struct s3 *s3 = s3_of(storage);
    http_client_free(s3->http);
    s3_location_clear(&s3->location);
    free(s3);
}

static const struct storage_driver driver = {
    .scheme = "s3",
    .put = s3_put,
    .get = s3_get,
    .get_range = s3_range_get,
    .list = s3_list,
    .stat = s3_stat,
    .remove = s3_remove,
    .extend = s3_lock_extend,
    .close = s3_close,
};

struct storage *
s3_open(const json_t *location, const struct clock *clock, bool create, struct error *err)
{
    struct s3 *s3 = MEMORY_NEW(struct s3);
    s3->storage.driver = &driver;
    s3->clock = clock;
    if (s3_location_read(&s3->location, location, err) == 0) {
        const struct http_client_options options = { .extra_ca_pem = s3->location.ca_pem,
                                                     .stall_timeout_ms = STALL_MS };
        s3->http = http_client_new(&options, err);
        if (s3->http != NULL && s3_attach(s3, create, err) == 0)
            return &s3->storage;
    }
    s3_close(&s3->storage);
    return NULL;
}
