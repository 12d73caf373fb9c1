#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/graph/graph_client_internal.h"
#include "transporter/graph/graph_json.h"
#include "transporter/graph/graph_retry.h"

#define PARSE_ATTEMPTS 3u

json_t *
graph_client_json(struct graph_client *client, const struct graph_request *request, struct graph_response *response,
                  struct error *err)
{
    struct graph_response own;
    struct graph_response *answer = response != NULL ? response : &own;
    json_t *json = NULL;

    for (unsigned attempt = 1; json == NULL; attempt++) {
        struct error failure = ERROR_INIT;
        if (graph_client_request(client, request, answer, err) != 0)
            break;
        json = graph_json_parse((char *)answer->http.body.data, answer->http.body.len, &failure);
        if (json != NULL)
            break;
        if (attempt == PARSE_ATTEMPTS) {
            FAIL(err, ERROR_FORMAT, answer->status, "Microsoft Graph: %s: is a proxy in the way, or graph_url wrong?",
                 failure.text);
            break;
        }
        uint32_t random;
        clock_random(client->options.clock, &random, sizeof(random));
        atomic_fetch_add(&client->retries, 1);
        client->options.wait_ms(client->options.wait_ctx, graph_retry_backoff_ms(attempt, random), request->cancel);
        graph_response_clear(answer);
    }
    if (response == NULL)
        graph_response_clear(&own);
    return json;
}
