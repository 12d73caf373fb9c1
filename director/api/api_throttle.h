#ifndef LONGHAUL_DIRECTOR_API_API_THROTTLE_H
#define LONGHAUL_DIRECTOR_API_API_THROTTLE_H

/* What is said of a run or task that Microsoft 365 holds back. Pure. */

#include "director/director.h"

#include <jansson.h>

/* {"tasks","since","until","seconds"}, or null when nothing is held back. A new reference. */
json_t *api_throttle_json(const struct director_progress *progress, int64_t now_ms);
/* The same as a line for an operator; "" when nothing is held back. */
void api_throttle_remark(const struct director_progress *progress, int64_t now_ms, char out[STORE_TEXT_LEN]);

#endif
