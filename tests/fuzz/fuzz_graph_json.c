#include "transporter/graph/graph_error.h"
#include "transporter/graph/graph_json.h"
#include "transporter/graph/graph_pager.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Any bytes: a value or none; and what is written again parses to an equal value. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char code[64], inner[64];
    struct graph_page page;

    char *text = malloc(size + 1);
    memcpy(text, data, size);
    json_t *json = graph_json_parse(text, size, NULL);
    free(text);
    if (json == NULL)
        return 0;
    graph_error_codes(json, code, inner, sizeof(code));
    graph_error_judge(500, code, inner, false);
    graph_pager_read(json, &page, NULL);
    size_t len;
    char *again = graph_json_dump(json, &len);
    json_t *same = graph_json_parse(again, len, NULL);
    if (same == NULL || !json_equal(json, same))
        abort();
    json_decref(same);
    free(again);
    json_decref(json);
    return 0;
}
