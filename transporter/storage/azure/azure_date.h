#ifndef LONGHAUL_TRANSPORTER_STORAGE_AZURE_AZURE_DATE_H
#define LONGHAUL_TRANSPORTER_STORAGE_AZURE_AZURE_DATE_H

/* Dates as HTTP writes them: "Fri, 26 Jun 2015 23:39:12 GMT" (RFC 9110, IMF-fixdate). Pure; any thread. */

#include <stdint.h>

#define AZURE_DATE_LEN    30
#define AZURE_DATE_MAX_MS INT64_C(253402300799000) /* the end of the year 9999 */

/* Parts of a second count as a whole one: what is locked until then is not free before. ms is 0 to AZURE_DATE_MAX_MS.
 */
void azure_date_format(int64_t ms, char out[AZURE_DATE_LEN]);
/* Also takes ISO 8601 with Z, which some answers have. 0 when text is NULL or no date. */
int64_t azure_date_parse(const char *text);

#endif
