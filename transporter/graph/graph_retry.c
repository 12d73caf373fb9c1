#include "transporter/graph/graph_retry.h"

#include "common/net/http_client.h"

#include <curl/curl.h>
#include <string.h>

#define BACKOFF_FIRST_MS 1000u
#define BACKOFF_MAX_MS   (5u * 60 * 1000)

/* Digits, perhaps a fraction that is dropped, nothing else but trailing space. */
static bool
read_number(const char *text, uint64_t *value)
{
    uint64_t v = 0;
    size_t i = 0;

    if (text == NULL || text[0] < '0' || text[0] > '9')
        return false;
    for (; text[i] >= '0' && text[i] <= '9'; i++)
        if (v < UINT32_MAX)
            v = v * 10 + (uint64_t)(text[i] - '0');
    if (text[i] == '.')
        for (i++; text[i] >= '0' && text[i] <= '9'; i++)
            ;
    if (text[i + strspn(text + i, " ")] != '\0')
        return false;
    *value = v < UINT32_MAX ? v : UINT32_MAX;
    return true;
}

static uint32_t
seconds_to_ms(uint64_t seconds)
{
    return seconds > GRAPH_RETRY_HINT_MAX_MS / 1000 ? GRAPH_RETRY_HINT_MAX_MS : (uint32_t)seconds * 1000;
}

struct graph_hint
graph_retry_hint(const struct http_response *response, int64_t now_ms)
{
    struct graph_hint hint = { .retry_after_seen = false };
    const char *after = http_response_header(response, "Retry-After");
    uint64_t n, limit, remaining, reset;

    if (read_number(after, &n)) {
        hint.retry_after_seen = true;
        hint.retry_after_ms = seconds_to_ms(n);
    } else if (after != NULL) {
        time_t at = curl_getdate(after, NULL);
        if (at != (time_t)-1) {
            int64_t ms = (int64_t)at * 1000 - now_ms;
            hint.retry_after_seen = true;
            hint.retry_after_ms = ms <= 0 ? 0 : seconds_to_ms((uint64_t)ms / 1000 + 1);
        }
    }
    if (read_number(http_response_header(response, "RateLimit-Limit"), &limit) &&
        read_number(http_response_header(response, "RateLimit-Remaining"), &remaining) &&
        read_number(http_response_header(response, "RateLimit-Reset"), &reset)) {
        hint.limit_seen = true;
        hint.limit = (uint32_t)limit;
        hint.remaining = (uint32_t)remaining;
        hint.reset_ms = seconds_to_ms(reset);
        if (remaining == 0 && hint.reset_ms > hint.retry_after_ms)
            hint.retry_after_ms = hint.reset_ms;
    }
    return hint;
}

uint32_t
graph_retry_pace_ms(const struct graph_hint *hint)
{
    if (!hint->limit_seen || (uint64_t)hint->remaining * 5 > hint->limit)
        return 0;
    return hint->reset_ms / (hint->remaining + 1u);
}

uint32_t
graph_retry_backoff_ms(unsigned attempt, uint32_t random)
{
    uint32_t whole = BACKOFF_FIRST_MS;

    for (unsigned i = 1; i < attempt && whole < BACKOFF_MAX_MS; i++)
        whole *= 2;
    if (whole > BACKOFF_MAX_MS)
        whole = BACKOFF_MAX_MS;
    return whole / 2 + random % (whole / 2 + 1);
}
