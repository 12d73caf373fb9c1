#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/graph/graph_json.h"
#include "transporter/graph/graph_url.h"
#include "transporter/restore/to_tenant_internal.h"

#include <stdio.h>
#include <string.h>

#define RAW_MAX ((uint64_t)2900 << 10) /* base64 of it is below the service's 4 MB for a request */

static uint8_t *
read_all(const struct to_tenant_content *content, struct error *err)
{
    size_t len;
    CLEANUP(memory_free_p) uint8_t *bytes = memory_array((size_t)content->len + 1, 1, RAW_MAX + 1, err);

    if (bytes == NULL)
        return NULL;
    for (uint64_t at = 0; at < content->len; at += len) {
        if (content->read(content->ctx, at, bytes + at, (size_t)(content->len - at), &len, err) != 0)
            return NULL;
        if (len == 0) {
            FAIL(err, ERROR_CORRUPT, 0, "stored message ends early");
            return NULL;
        }
    }
    return MOVE(bytes);
}

int
to_tenant_mail_raw(struct to_tenant *restore, const char *folder, const struct to_tenant_content *content,
                   struct to_tenant_report *report, struct error *err)
{
    static const char *const headers[] = { "Prefer: IdType=\"ImmutableId\"" };
    CLEANUP(graph_response_clear) struct graph_response response = { .status = 0 };

    if (content->len == 0 || content->len > RAW_MAX)
        return 0;
    CLEANUP(memory_free_p) uint8_t *bytes = read_all(content, err);
    if (bytes == NULL)
        return -1;
    CLEANUP(memory_free_p) char *text = memory_new(ENCODING_BASE64_LEN((size_t)content->len));
    CLEANUP(memory_free_p) char *url = graph_url("/users/%s/mailFolders/%s/messages", restore->user, folder);
    encoding_base64(bytes, (size_t)content->len, text);
    const struct graph_request request = {
        .method = "POST",
        .url = url,
        .service = GRAPH_EXCHANGE,
        .mailbox = restore->user,
        .headers = headers,
        .header_count = 1,
        .content_type = "text/plain",
        .body = text,
        .body_len = strlen(text),
        .cancel = restore->cancel,
    };
    struct to_tenant_report refusal = *report;
    CLEANUP(graph_json_unref) json_t *made = graph_client_json(restore->graph, &request, &response, err);
    if (made == NULL)
        return to_tenant_judge(&response, &refusal, err);
    char why[sizeof(report->detail)];
    snprintf(why, sizeof(why), "%s", report->detail);
    *report = (struct to_tenant_report){ .result = TO_TENANT_RESTORED };
    snprintf(report->detail, sizeof(report->detail), "%s", why);
    snprintf(report->new_id, sizeof(report->new_id), "%s", graph_json_text(made, "id"));
    to_tenant_lose(report, "as_draft");
    return 0;
}
