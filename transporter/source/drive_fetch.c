#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/crypto/quickxor.h"
#include "transporter/graph/graph_json.h"
#include "transporter/graph/graph_url.h"
#include "transporter/source/drive_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINK_AGE_MAX_MS (45u * 60 * 1000) /* links live about an hour */
#define FRUITLESS_MAX   6u                /* attempts in a row that brought no byte */

struct download {
    struct source *source;
    const struct drive *drive;
    const struct source_item *item;
    const struct source_sink *sink;
    char *link; /* pre-authenticated; NULL: to be asked for */
    struct quickxor hash;
    uint64_t bytes; /* in the sink since its last restart */
};

static int
restart(struct download *d, struct error *err)
{
    d->hash = (struct quickxor){ .length = 0 };
    d->bytes = 0;
    return d->sink->restart(d->sink->ctx, err);
}

/* A decimal number at the start of text; *rest is what follows it. */
static bool
leading_number(const char *text, uint64_t *number, const char **rest)
{
    char *end = NULL;

    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    *number = strtoull(text, &end, 10);
    *rest = end;
    return errno == 0;
}

/* "bytes 4096-8191/8192" */
static bool
range_begins_at(const char *range, uint64_t at)
{
    uint64_t from;

    return strncmp(range, "bytes ", 6) == 0 && leading_number(range + 6, &from, &range) && *range == '-' && from == at;
}

static int
on_graph_head(void *ctx, const struct http_response *response, struct error *err)
{
    struct download *d = ctx;
    const char *range = http_response_header(response, "Content-Range");

    if (d->bytes == 0)
        return 0;
    if (response->status == 206 && range != NULL && range_begins_at(range, d->bytes))
        return 0;
    if (response->status == 206)
        return FAIL(err, ERROR_NETWORK, 206, "the file server sent another range than asked for");
    return restart(d, err); /* it ignored the range: the whole file comes */
}

static int
on_graph_bytes(void *ctx, const void *data, size_t len, struct error *err)
{
    struct download *d = ctx;

    quickxor_update(&d->hash, data, len);
    d->bytes += len;
    return d->sink->write(d->sink->ctx, data, len, err);
}

/* A link from the listing when it is young, else a new one: /content answers with a redirect that is followed by
 * hand, without the token. */
static int
find_link(struct download *d, bool listed_allowed, struct graph_response *response, struct error *err)
{
    uint64_t now = clock_monotonic_ms(graph_client_clock(d->source->graph)), listed;
    const char *link = NULL;

    free(d->link);
    d->link = NULL;
    if (listed_allowed && leading_number(d->item->locator, &listed, &link) && *link == ' ' &&
        now - listed < LINK_AGE_MAX_MS && graph_url_is_https(link + 1)) {
        d->link = memory_strdup(link + 1);
        return 0;
    }
    CLEANUP(memory_free_p) char *url = graph_url("/drives/%s/items/%s/content", d->drive->drive_id, d->item->id);
    const struct graph_request request = { .url = url, .service = GRAPH_DRIVE, .cancel = d->source->cancel };
    if (graph_client_request(d->source->graph, &request, response, err) != 0)
        return -1;
    const char *location = http_response_header(&response->http, "Location");
    if (response->status != 302 || location == NULL || !graph_url_is_https(location)) {
        response->status = 502; /* an answer, but none that leads to the bytes */
        return FAIL(err, ERROR_UNAVAILABLE, 502, "Microsoft Graph gave no address for the content");
    }
    d->link = memory_strdup(location);
    return 0;
}

/* One GET from where the last one ended. */
static int
get_rest(struct download *d, struct graph_response *response, struct error *err)
{
    char range[64];
    const char *headers[] = { "Accept: */*", range };

    snprintf(range, sizeof(range), "Range: bytes=%" PRIu64 "-", d->bytes);
    const struct graph_request request = {
        .url = d->link,
        .service = GRAPH_DRIVE,
        .preauthenticated = true,
        .headers = headers,
        .header_count = d->bytes > 0 ? 2 : 1,
        .sink = on_graph_bytes,
        .head = on_graph_head,
        .sink_ctx = d,
        .cancel = d->source->cancel,
    };
    return graph_client_request(d->source->graph, &request, response, err);
}

static bool
is_link_worn(const struct graph_response *response)
{
    return response->status == 401 || response->status == 403 || response->status == 404 || response->status == 410;
}

/* All bytes into the sink. -1: response tells a refusal, or err a fault of the run. */
static int
get_all(struct download *d, bool listed_allowed, struct graph_response *response, struct error *err)
{
    for (unsigned fruitless = 0;;) {
        struct error failure = ERROR_INIT;
        uint64_t before = d->bytes;
        graph_response_clear(response);
        if (d->link == NULL && find_link(d, listed_allowed, response, err) != 0)
            return -1;
        graph_response_clear(response);
        if (get_rest(d, response, &failure) == 0)
            return 0;
        bool cut = failure.kind == ERROR_NETWORK || failure.kind == ERROR_TIMEOUT;
        bool past_end = response->status == 416 && d->bytes > 0;
        if (past_end)
            return 0; /* the announced length was honest, the size in the listing was not: sizes are compared later */
        fruitless = d->bytes != before ? 0 : fruitless + 1;
        if ((!cut && !is_link_worn(response)) || fruitless >= FRUITLESS_MAX) {
            if (err != NULL && !error_is_set(err))
                *err = failure;
            return -1;
        }
        free(d->link); /* a fresh link for the rest: the old one may be what ended the transfer */
        d->link = NULL;
        listed_allowed = false;
    }
}

/* Metadata as it is now: the file may have changed since it was listed. */
static json_t *
get_metadata(struct download *d, struct graph_response *response, struct error *err)
{
    CLEANUP(memory_free_p)
    char *url = graph_url("/drives/%s/items/%s?$select=id,size,file,cTag", d->drive->drive_id, d->item->id);
    const struct graph_request request = { .url = url, .service = GRAPH_DRIVE, .cancel = d->source->cancel };
    return graph_client_json(d->source->graph, &request, response, err);
}

/* "" when the bytes are what the JSON announces, else what differs. */
static const char *
compare(const struct download *d, const json_t *file, uint64_t size)
{
    char text[QUICKXOR_TEXT];
    const char *announced = graph_json_text(graph_json_object(file, "hashes"), "quickXorHash");

    quickxor_text(&d->hash, text);
    if (announced[0] != '\0')
        return strcmp(announced, text) == 0 && d->bytes == size ? "" : "hash_differs";
    return d->bytes == size ? "" : "size_differs";
}

static const char *
compare_with_listing(const struct download *d)
{
    CLEANUP(graph_json_unref) json_t *listed = json_loadb(d->item->metadata, d->item->metadata_len, 0, NULL);
    return compare(d, graph_json_object(listed, "file"), d->item->size);
}

/* The file behind `restricted` and `gone` looks the same on /content: only its metadata tells them apart. */
static int
judge_refusal(struct download *d, struct graph_response *response, struct source_outcome *outcome, struct error *err)
{
    int status = source_outcome_judge(d->source, response, outcome, err);

    if (status != 0 || outcome->result != SOURCE_GONE)
        return status;
    CLEANUP(graph_response_clear) struct graph_response probe = { .status = 0 };
    CLEANUP(graph_json_unref) json_t *there = get_metadata(d, &probe, err);
    if (there != NULL) {
        outcome->result = SOURCE_SKIPPED;
        snprintf(outcome->reason, sizeof(outcome->reason), "restricted");
        return 0;
    }
    /* Without an answer to the question nothing says that the file is gone. */
    return source_outcome_judge(d->source, &probe, outcome, err);
}

/* Some files honestly differ from their metadata: after a second try they are kept, with a note. */
static int
check(struct download *d, struct graph_response *response, struct source_outcome *outcome, struct error *err)
{
    const char *note = compare_with_listing(d);

    if (note[0] != '\0') {
        graph_response_clear(response);
        CLEANUP(graph_json_unref) json_t *now = get_metadata(d, response, err);
        if (now == NULL)
            return judge_refusal(d, response, outcome, err);
        const json_t *file = graph_json_object(now, "file");
        uint64_t size = (uint64_t)graph_json_int(now, "size");
        note = compare(d, file, size);
        if (note[0] != '\0') {
            if (restart(d, err) != 0)
                return -1;
            free(d->link);
            d->link = NULL;
            if (get_all(d, false, response, err) != 0)
                return judge_refusal(d, response, outcome, err);
            note = compare(d, file, size);
        }
    }
    source_outcome_good(d->source, outcome, d->bytes);
    snprintf(outcome->reason, sizeof(outcome->reason), "%s", note);
    return 0;
}

int
drive_fetch(struct source *source, const struct source_item *item, const struct source_sink *sink,
            struct source_outcome *outcome, struct error *err)
{
    const struct drive *drive = (const struct drive *)(const void *)source; /* base is the first member */
    struct download d = { .source = source, .drive = drive, .item = item, .sink = sink };
    CLEANUP(graph_response_clear) struct graph_response response = { .status = 0 };

    int status = get_all(&d, true, &response, err) == 0 ? check(&d, &response, outcome, err)
                                                        : judge_refusal(&d, &response, outcome, err);
    free(d.link);
    return status;
}
