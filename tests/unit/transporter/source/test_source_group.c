#include "common/base/error.h"
#include "tests/unit/transporter/source/source_fixture.h"
#include "transporter/source/source_group.h"

#include <string.h>

/* Two small parts made for these tests: what they give is set before each round. */
struct script {
    const char *ids[4];
    enum error_kind failure; /* after the ids; 0: none */
};

static struct script scripts[2];

struct scripted {
    struct source base;
    const struct script *script;
    enum catalog_kind kind;
    size_t at;
};

static int
scripted_advance(struct source *source, struct error *err)
{
    struct scripted *s = (struct scripted *)(void *)source;
    const char *id = s->at < ARRAY_LEN(s->script->ids) ? s->script->ids[s->at] : NULL;
    if (id == NULL)
        return s->script->failure == 0 ? 0 : FAIL(err, s->script->failure, 403, "refused");
    s->at++;
    return source_emit(source, &(struct source_item){ .event = SOURCE_UPSERT, .kind = s->kind, .id = id }, err) == 0
               ? 1
               : -1;
}

static int
scripted_fetch(struct source *source, const struct source_item *item, const struct source_sink *sink,
               struct source_outcome *outcome, struct error *err)
{
    (void)item;
    source_outcome_good(source, outcome, strlen(source->driver));
    return sink->write(sink->ctx, source->driver, strlen(source->driver), err);
}

static json_t *
scripted_cursor(struct source *source)
{
    const struct scripted *s = (struct scripted *)(void *)source;
    const json_t *before = json_object_get(source->previous, "rounds");
    return json_pack("{s:I,s:I}", "rounds", json_integer_value(before) + 1, "given", (json_int_t)s->at);
}

static void
scripted_clear(struct source *source)
{
    (void)source;
}

static struct source *
scripted_open(const char *name, size_t which, enum catalog_kind kind, const struct source_options *options,
              struct error *err)
{
    static const struct source_vtable vtable = { scripted_advance, scripted_fetch, scripted_cursor, scripted_clear,
                                                 .gone_without_code = false };
    struct source *source = source_new(sizeof(struct scripted), name, &vtable, options, err);
    if (source == NULL)
        return NULL;
    struct scripted *s = (struct scripted *)(void *)source;
    s->script = &scripts[which];
    s->kind = kind;
    return source;
}

static struct source *
open_letters(const struct source_options *options, struct error *err)
{
    return scripted_open("letters", 0, CATALOG_MESSAGE, options, err);
}

static struct source *
open_people(const struct source_options *options, struct error *err)
{
    return scripted_open("people", 1, CATALOG_CONTACT, options, err);
}

static const struct source_driver letters = { "letters", open_letters }, people = { "people", open_people };

static struct source *
open_both(const struct source_options *options, struct error *err)
{
    static const struct source_part parts[] = { { &letters, CATALOG_KIND_BIT(CATALOG_MESSAGE) },
                                                { &people, CATALOG_KIND_BIT(CATALOG_CONTACT) } };
    return source_group_open("both", parts, ARRAY_LEN(parts), options, err);
}

static const struct source_driver both = { "both", open_both };

static int
set_up(void **state)
{
    memset(scripts, 0, sizeof(scripts));
    return graph_fixture_set_up(state);
}

static void
parts_follow_each_other_in_one_round(void **state)
{
    struct source_round r;
    struct source_totals totals;
    scripts[0] = (struct script){ .ids = { "a", "b" } };
    scripts[1] = (struct script){ .ids = { "c" } };
    assert_string_equal(source_round_play(&r, *state, &both, NULL), "+ a in '' '' tag=\n+ b in '' '' tag=\n"
                                                                    "+ c in '' '' tag=\n");
    source_totals(r.source, &totals);
    assert_int_equal(totals.items, 3);
    assert_non_null(strstr(buffer_text(&r.cursor, NULL), "\"letters\":{\"driver\":\"letters\",\"given\":2"));
    assert_non_null(strstr(buffer_text(&r.cursor, NULL), "\"people\":{\"driver\":\"people\",\"given\":1"));
    source_round_clear(&r);
}

static void
contents_come_from_the_part_that_has_the_kind(void **state)
{
    struct source_round r;
    struct source_outcome outcome;
    struct graph_fixture *f = *state;
    scripts[0] = (struct script){ .ids = { "a" } };
    (void)source_round_play(&r, f, &both, NULL);
    const struct source_sink sink = { &r, source_round_write, source_round_restart };
    const struct source_item letter = { .kind = CATALOG_MESSAGE, .id = "a" }, person = { .kind = CATALOG_CONTACT };
    assert_int_equal(source_fetch(r.source, &letter, &sink, &outcome, &f->err), 0);
    assert_int_equal(source_fetch(r.source, &person, &sink, &outcome, &f->err), 0);
    assert_string_equal(buffer_text(&r.content, NULL), "letterspeople");
    source_round_clear(&r);
}

static void
a_refused_part_is_told_and_keeps_its_cursor(void **state)
{
    struct source_round first, second;
    scripts[0] = (struct script){ .ids = { "a" } };
    scripts[1] = (struct script){ .ids = { "c" } };
    (void)source_round_play(&first, *state, &both, NULL);
    scripts[0] = (struct script){ .ids = { "b" } };
    scripts[1] = (struct script){ .failure = ERROR_DENIED };
    assert_string_equal(source_round_play(&second, *state, &both, buffer_text(&first.cursor, NULL)),
                        "+ b in '' '' tag=\n! people denied\n");
    const char *cursor = buffer_text(&second.cursor, NULL);
    assert_non_null(strstr(cursor, "\"letters\":{\"driver\":\"letters\",\"given\":1,\"rounds\":2"));
    assert_non_null(strstr(cursor, "\"people\":{\"driver\":\"people\",\"given\":1,\"rounds\":1"));
    source_round_clear(&first);
    source_round_clear(&second);
}

static void
a_part_that_breaks_off_voids_the_round(void **state)
{
    struct source_round r;
    struct graph_fixture *f = *state;
    scripts[0] = (struct script){ .ids = { "a" }, .failure = ERROR_DENIED };
    (void)source_round_play(&r, f, &both, NULL);
    assert_int_equal(r.status, -1);
    assert_int_equal(f->err.kind, ERROR_DENIED);
    source_round_clear(&r);
    scripts[0] = (struct script){ .failure = ERROR_NETWORK };
    error_clear(&f->err);
    (void)source_round_play(&r, f, &both, NULL);
    assert_int_equal(f->err.kind, ERROR_NETWORK);
    source_round_clear(&r);
}

static void
all_parts_refused_fail_with_the_first_reason(void **state)
{
    struct source_round r;
    struct graph_fixture *f = *state;
    scripts[0] = (struct script){ .failure = ERROR_NOT_FOUND };
    scripts[1] = (struct script){ .failure = ERROR_DENIED };
    (void)source_round_play(&r, f, &both, NULL);
    assert_int_equal(r.status, -1);
    assert_int_equal(f->err.kind, ERROR_NOT_FOUND);
    source_round_clear(&r);
}

static void
an_older_cursor_of_the_first_part_goes_on(void **state)
{
    struct source_round r;
    scripts[0] = (struct script){ .ids = { "a" } };
    (void)source_round_play(&r, *state, &both, "{\"v\":1,\"driver\":\"letters\",\"rounds\":4}");
    assert_int_equal(r.status, 0);
    assert_non_null(strstr(buffer_text(&r.cursor, NULL), "\"given\":1,\"rounds\":5"));
    source_round_clear(&r);
}

int
main(void)
{
#define GROUP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, graph_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        GROUP_TEST(parts_follow_each_other_in_one_round),
        GROUP_TEST(contents_come_from_the_part_that_has_the_kind),
        GROUP_TEST(a_refused_part_is_told_and_keeps_its_cursor),
        GROUP_TEST(a_part_that_breaks_off_voids_the_round),
        GROUP_TEST(all_parts_refused_fail_with_the_first_reason),
        GROUP_TEST(an_older_cursor_of_the_first_part_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
