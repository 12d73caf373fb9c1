#include "transporter/storage/azure/azure_date.h"

#include "common/base/clock.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* strftime() would write the day in the language of the environment. */
void
azure_date_format(int64_t ms, char out[AZURE_DATE_LEN])
{
    static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    time_t seconds = (time_t)((ms + 999) / 1000);
    struct tm at;

    gmtime_r(&seconds, &at);
    snprintf(out, AZURE_DATE_LEN, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[at.tm_wday], at.tm_mday,
             months[at.tm_mon], at.tm_year + 1900, at.tm_hour, at.tm_min, at.tm_sec);
}

int64_t
azure_date_parse(const char *text)
{
    int64_t ms;

    if (text == NULL || text[0] == '\0')
        return 0;
    if (clock_parse_ms(text, &ms) == 0)
        return ms > 0 ? ms : 0;
    time_t seconds = curl_getdate(text, NULL);
    return seconds > 0 ? (int64_t)seconds * 1000 : 0;
}
