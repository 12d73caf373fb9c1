/* Any bytes as an iCalendar file. */

#include "tests/m365sim/box_read.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_decref(event_read((const char *)data, size));
    return 0;
}
