#include "transporter/graph/graph_pager.h"

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "transporter/graph/graph_error.h"
#include "transporter/graph/graph_json.h"
#include "transporter/graph/graph_url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS_MAX     6u
#define PAGE_ATTEMPTS   3u
#define SIZE_IF_UNKNOWN 100u

struct graph_pager {
    struct graph_pager_options options;
    char *url; /* of the next page; NULL after the last */
    char *delta_link;
    char *location;
    int status;
    char code[64], inner[64];
};

struct graph_pager *
graph_pager_new(const struct graph_pager_options *options)
{
    struct graph_pager *pager = MEMORY_NEW(struct graph_pager);

    pager->options = *options;
    pager->url = memory_strdup(options->url);
    pager->options.url = NULL;
    pager->delta_link = memory_strdup("");
    pager->location = memory_strdup("");
    return pager;
}

void
graph_pager_free(struct graph_pager *pager)
{
    if (pager == NULL)
        return;
    free(pager->url);
    free(pager->delta_link);
    free(pager->location);
    free(pager);
}

void
graph_pager_free_p(struct graph_pager **pager)
{
    graph_pager_free(*pager);
}

int
graph_pager_read(const json_t *json, struct graph_page *page, struct error *err)
{
    page->values = json_object_get(json, "value");
    page->next_link = graph_json_text(json, "@odata.nextLink");
    page->delta_link = graph_json_text(json, "@odata.deltaLink");
    if (!json_is_array(page->values))
        return FAIL(err, ERROR_FORMAT, 0, "a page without a value array");
    if ((page->next_link[0] != '\0' && !graph_url_is_https(page->next_link)) ||
        (page->delta_link[0] != '\0' && !graph_url_is_https(page->delta_link)))
        return FAIL(err, ERROR_FORMAT, 0, "a page with a link that is not https");
    return 0;
}

static json_t *
ask(struct graph_pager *pager, struct error *err)
{
    const struct graph_pager_options *o = &pager->options;
    const char *headers[HEADERS_MAX + 1];
    char size[64];
    size_t count = 0;
    CLEANUP(graph_response_clear) struct graph_response response = { .status = 0 };

    for (; count < o->header_count && count < HEADERS_MAX; count++)
        headers[count] = o->headers[count];
    if (o->page_size != 0) {
        snprintf(size, sizeof(size), "Prefer: odata.maxpagesize=%u", o->page_size);
        headers[count++] = size;
    }
    const struct graph_request request = {
        .url = pager->url,
        .service = o->service,
        .mailbox = o->mailbox,
        .headers = headers,
        .header_count = count,
        .cancel = o->cancel,
    };
    json_t *json = graph_client_json(o->client, &request, &response, err);
    const char *location = http_response_header(&response.http, "Location");
    pager->status = response.status;
    memcpy(pager->code, response.code, sizeof(pager->code));
    memcpy(pager->inner, response.inner, sizeof(pager->inner));
    free(pager->location);
    pager->location = memory_strdup(location != NULL ? location : "");
    return json;
}

/* Faults that a smaller page may get around. */
static bool
is_too_much(const struct graph_pager *pager, const struct error *failure)
{
    return failure->kind == ERROR_TIMEOUT || failure->kind == ERROR_FORMAT || failure->kind == ERROR_LIMIT ||
           pager->status == 504 || pager->status == 500 ||
           graph_error_has(pager->code, pager->inner, "ErrorContentConversionFailed");
}

static json_t *
ask_smaller_if_need_be(struct graph_pager *pager, struct error *err)
{
    for (unsigned faults = 0;;) {
        struct error failure = ERROR_INIT;
        json_t *json = ask(pager, &failure);
        if (json != NULL)
            return json;
        uint32_t size = pager->options.page_size != 0 ? pager->options.page_size : SIZE_IF_UNKNOWN;
        if (!is_too_much(pager, &failure) || (size == 1 && ++faults >= PAGE_ATTEMPTS)) {
            if (err != NULL && !error_is_set(err))
                *err = failure;
            return NULL;
        }
        pager->options.page_size = size > 1 ? size / 2 : 1;
        log_failure(LOG_DEBUG, "graph", &failure, "page fails, smaller one next size=%u", pager->options.page_size);
    }
}

int
graph_pager_next(struct graph_pager *pager, json_t **values, struct error *err)
{
    struct graph_page page;

    if (pager->url == NULL)
        return 0;
    CLEANUP(graph_json_unref) json_t *json = ask_smaller_if_need_be(pager, err);
    if (json == NULL || graph_pager_read(json, &page, err) != 0)
        return -1;
    if (strcmp(page.next_link, pager->url) == 0)
        return FAIL(err, ERROR_FORMAT, 200, "Microsoft Graph gave a page whose next link is itself");
    if (pager->options.delta && page.next_link[0] == '\0' && page.delta_link[0] == '\0')
        return FAIL(err, ERROR_UNAVAILABLE, 200,
                    "Microsoft Graph ended a list of changes without a link to go on from");
    free(pager->url);
    pager->url = page.next_link[0] != '\0' ? memory_strdup(page.next_link) : NULL;
    if (page.delta_link[0] != '\0') {
        free(pager->delta_link);
        pager->delta_link = memory_strdup(page.delta_link);
    }
    *values = json_incref(page.values);
    return 1;
}

const char *
graph_pager_delta_link(const struct graph_pager *pager)
{
    return pager->delta_link;
}

struct graph_pager_refusal
graph_pager_refusal(const struct graph_pager *pager)
{
    return (struct graph_pager_refusal){ pager->status, pager->code, pager->inner, pager->location };
}
