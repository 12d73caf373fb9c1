#include "tests/m365sim/box_read.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *suffix;
    json_t *(*read)(const char *data, size_t len);
} readers[BOX_PART_COUNT] = {
    [BOX_CONTACTS] = { ".vcf", contact_read },
    [BOX_CALENDARS] = { ".ics", event_read },
};

bool
box_reads(enum box_part part, const char *name)
{
    const char *suffix = readers[part].suffix;
    size_t len = strlen(name);
    return suffix != NULL && len > strlen(suffix) && strcasecmp(name + len - strlen(suffix), suffix) == 0;
}

json_t *
box_read(enum box_part part, const char *name, const char *data, size_t len)
{
    return box_reads(part, name) ? readers[part].read(data, len) : json_object();
}
