/* openapi.yaml and the route table name the same methods and paths. */

#include "common/base/error.h"
#include "common/base/memory.h"
#include "director/api/api_routes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>
#include <cmocka.h>

static yaml_node_t *
lookup(yaml_document_t *document, yaml_node_t *mapping, const char *name)
{
    for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start; pair < mapping->data.mapping.pairs.top; pair++)
        if (strcmp((const char *)yaml_document_get_node(document, pair->key)->data.scalar.value, name) == 0)
            return yaml_document_get_node(document, pair->value);
    return NULL;
}

static void
load(yaml_document_t *document)
{
    FILE *file = fopen(LONGHAUL_SOURCE_DIR "/director/api/openapi.yaml", "r");
    yaml_parser_t parser;
    assert_non_null(file);
    yaml_parser_initialize(&parser);
    yaml_parser_set_input_file(&parser, file);
    assert_int_equal(yaml_parser_load(&parser, document), 1);
    yaml_parser_delete(&parser);
    fclose(file);
}

static void
every_route_is_described_and_every_description_routed(void **state)
{
    (void)state;
    static const char *const methods[API_METHOD_COUNT] = {
        [API_GET] = "get", [API_POST] = "post", [API_PUT] = "put", [API_PATCH] = "patch", [API_DELETE] = "delete"
    };
    yaml_document_t document;
    size_t described = 0;
    load(&document);
    yaml_node_t *paths = lookup(&document, yaml_document_get_root_node(&document), "paths");
    assert_non_null(paths);
    for (size_t i = 0; i < api_route_count; i++) {
        yaml_node_t *path = lookup(&document, paths, api_routes[i].pattern);
        yaml_node_t *operation = path == NULL ? NULL : lookup(&document, path, methods[api_routes[i].method]);
        if (operation == NULL)
            fail_msg("%s %s is not described", methods[api_routes[i].method], api_routes[i].pattern);
        bool open = lookup(&document, operation, "security") != NULL;
        assert_int_equal(open, api_routes[i].access == API_PUBLIC);
    }
    for (yaml_node_pair_t *pair = paths->data.mapping.pairs.start; pair < paths->data.mapping.pairs.top; pair++)
        for (size_t m = 0; m < API_METHOD_COUNT; m++)
            described += lookup(&document, yaml_document_get_node(&document, pair->value), methods[m]) != NULL;
    assert_int_equal(described, api_route_count);
    yaml_document_delete(&document);
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_route_is_described_and_every_description_routed) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
