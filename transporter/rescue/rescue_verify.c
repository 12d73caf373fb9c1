#include "transporter/rescue/rescue_internal.h"

#include "common/base/clock.h"
#include "common/vault/point.h"
#include "common/vault/vault_verify.h"
#include "transporter/pipeline/verify_words.h"
#include "transporter/restore/safe_name.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static int
on_damage(void *ctx, const struct vault_damage *damage, struct error *err)
{
    struct rescue *rescue = ctx;
    char name[SAFE_NAME_MAX + 1] = "";
    json_t *json = verify_words_json(rescue->vault, damage);
    const char *path = json_string_value(json_object_get(json, "path"));
    const char *key = json_string_value(json_object_get(json, "key"));
    const char *kind = json_string_value(json_object_get(json, "kind"));
    (void)err;
    if (rescue->options.json) {
        json_dumpf(json, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(json);
        return 0;
    }
    if (path != NULL)
        safe_name_file(path, name);
    printf("damaged %s", vault_damaged_name(damage->what));
    if (damage->item.len > 0)
        printf(" of %s %s (%s)", kind != NULL ? kind : "item", name, key);
    if (damage->scope[0] != '\0')
        printf(" of %s", damage->scope);
    printf("\n  %s\n  %s\n", damage->meaning, damage->advice);
    for (size_t i = 0; damage->point_count > 1 && i < damage->point_count; i++)
        printf("    %s\n", damage->points[i]);
    json_decref(json);
    return 0;
}

/* "5", "5%" or "0.5". */
static int
parse_sample(const char *text, uint32_t *ppm, struct error *err)
{
    char *end;
    double percent = strtod(text, &end);
    if (*end == '%')
        end++;
    if (end == text || *end != '\0' || !(percent >= 0.0001 && percent <= 100))
        return FAIL(err, ERROR_USAGE, 0, "--sample takes a percentage, such as 5 or 0.1");
    *ppm = (uint32_t)(percent * 10000 + 0.5);
    return 0;
}

static int
parse_seed(const struct rescue *rescue, uint32_t *seed, struct error *err)
{
    char *end;
    if (rescue->options.seed == NULL) {
        clock_random(rescue->clock, seed, sizeof(*seed));
        return 0;
    }
    errno = 0;
    unsigned long value = strtoul(rescue->options.seed, &end, 10);
    if (errno != 0 || *end != '\0' || end == rescue->options.seed || value > UINT32_MAX)
        return FAIL(err, ERROR_USAGE, 0, "--seed takes a number that an earlier verification has printed");
    *seed = (uint32_t)value;
    return 0;
}

/* A mistyped id must not look like lost data. */
static int
check_point(const struct rescue *rescue, struct error *err)
{
    struct point point;
    struct error why = ERROR_INIT;
    const char *id = rescue->options.point;
    if (id != NULL && point_read(rescue->vault, id, &point, &why) != 0 && why.kind == ERROR_NOT_FOUND)
        return FAIL(err, ERROR_NOT_FOUND, 0, "there is no recovery point %s: `vault list` shows them", id);
    return 0;
}

int
rescue_verify(struct rescue *rescue, struct error *err)
{
    struct vault_verify_options options = {
        .data = !rescue->options.structure, .ctx = rescue, .damage = on_damage, .quarantine = rescue->options.quarantine
    };
    const char *ids[1] = { rescue->options.point };
    struct vault_verify_result result = { .points = 0 };
    bool one = rescue->options.point != NULL, sample = rescue->options.sample != NULL;
    if (sample && (parse_sample(rescue->options.sample, &options.sample_ppm, err) != 0 ||
                   parse_seed(rescue, &options.sample_start, err) != 0))
        return -1;
    if (check_point(rescue, err) != 0 ||
        vault_verify(rescue->vault, one ? ids : NULL, one ? 1 : 0, &options, &result, err) != 0)
        return -1;
    if (rescue->options.json)
        printf("{\"points\":%" PRIu64 ",\"items\":%" PRIu64 ",\"chunks\":%" PRIu64 ",\"bytes\":%" PRIu64
               ",\"stored_read\":%" PRIu64 ",\"stored_needed\":%" PRIu64 ",\"damaged_items\":%" PRIu64
               ",\"damaged\":%" PRIu64 ",\"marked\":%" PRIu64 ",\"seed\":%" PRIu32 ",\"next_seed\":%" PRIu32 "}\n",
               result.points, result.items, result.chunks, result.bytes, result.stored_bytes, result.stored_total,
               result.damaged_items, result.damaged, result.marks, options.sample_start, result.sample_next);
    else
        printf("%" PRIu64 " points, %" PRIu64 " items, %" PRIu64 " chunks, %" PRIu64 " bytes read, %" PRIu64
               " damaged\n",
               result.points, result.items, result.chunks, result.bytes, result.damaged);
    if (sample && !rescue->options.json)
        printf("sample: %" PRIu64 " of %" PRIu64 " stored bytes, seed %" PRIu32 "; go on with --seed %" PRIu32 "\n",
               result.stored_bytes, result.stored_total, options.sample_start, result.sample_next);
    if (result.damaged > 0)
        return FAIL(err, ERROR_CORRUPT, 0, "%" PRIu64 " damaged items and %" PRIu64 " other places",
                    result.damaged_items, result.damaged - result.damaged_items);
    return 0;
}
