#ifndef LONGHAUL_DIRECTOR_API_API_FIELDS_H
#define LONGHAUL_DIRECTOR_API_API_FIELDS_H

/* The request's JSON: parsed with limits, read field by field with checks. Every failure is ERROR_USAGE (or
 * ERROR_FORMAT for text that is no JSON) and names the field. Pure. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct error;

/* One object of at most API_BODY_LIMIT bytes, no key twice, nested at most 16 deep. NULL on failure. */
json_t *api_fields_parse(const void *data, size_t len, struct error *err);

/* No other keys than these; the list ends with NULL. */
int api_fields_only(json_t *object, const char *const *names, struct error *err);

/* Texts are UTF-8 without control characters, 1 to max bytes, borrowed from the object. */
int api_fields_text(json_t *object, const char *name, size_t max, const char **text, struct error *err);
/* Same; NULL when absent or null. */
int api_fields_optional_text(json_t *object, const char *name, size_t max, const char **text, struct error *err);
/* false when absent. */
int api_fields_bool(json_t *object, const char *name, bool *value, struct error *err);
/* fallback when absent. */
int api_fields_number(json_t *object, const char *name, int64_t min, int64_t max, int64_t fallback, int64_t *value,
                      struct error *err);
/* Base64, appended to the buffer, at most its ceiling. */
int api_fields_bytes(json_t *object, const char *name, struct buffer *out, struct error *err);
/* An array of texts with at most max_count elements, or absent (NULL). The array is borrowed; each element was
 * checked like a text. */
int api_fields_texts(json_t *object, const char *name, size_t max_count, size_t max, json_t **array, struct error *err);
/* An object of at most 16 texts {"region":"eu"}, or absent (NULL): keys of 1 to 63 bytes a-z 0-9 . _ -, values up to
 * 63 bytes. */
int api_fields_labels(json_t *object, const char *name, json_t **labels, struct error *err);

/* What a text must be to name something of ours: 1 to max bytes of UTF-8 without control characters and '/'. */
int api_fields_check_name(const char *what, const char *text, size_t max, struct error *err);

#endif
