#include "tests/m365sim/request.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/m365sim/sim.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t
request_decode(char *text)
{
    char *out = text;
    for (const char *in = text; *in != '\0';) {
        int high = in[0] == '%' ? hex_value(in[1]) : -1;
        int low = high >= 0 ? hex_value(in[2]) : -1;
        if (low >= 0 && (high | low) != 0) {
            *out++ = (char)(high << 4 | low);
            in += 3;
        } else {
            *out++ = *in++;
        }
    }
    *out = '\0';
    return (size_t)(out - text);
}

void
request_encode(const char *text, char *out)
{
    static const char digits[] = "0123456789ABCDEF";
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        if (isalnum(*p) || strchr("-._~", *p) != NULL) {
            *out++ = (char)*p;
        } else {
            *out++ = '%';
            *out++ = digits[*p >> 4];
            *out++ = digits[*p & 15];
        }
    }
    *out = '\0';
}

static int
request_add_segment(struct request *r, const char *text, size_t len, struct error *err)
{
    if (r->segment_count == REQUEST_SEGMENTS)
        return FAIL(err, ERROR_FORMAT, 0, "the path has more than %d segments", REQUEST_SEGMENTS);
    char *raw = memory_printf("%.*s", (int)len, text);
    r->raw[r->segment_count] = raw;
    r->segments[r->segment_count] = memory_strdup(raw);
    request_decode(r->segments[r->segment_count]);
    r->segment_count++;
    return 0;
}

/* "users('a''b')" stands for "users/a'b". */
static int
request_add_keyed(struct request *r, const char *text, size_t len, struct error *err)
{
    const char *open = memmem(text, len, "('", 2);
    if (open == NULL)
        open = memmem(text, len, "(%27", 4);
    size_t quote = open != NULL && open[1] == '%' ? 3 : 1;
    if (open == NULL || open == text || len < (size_t)(open - text) + 2 * quote + 2 || text[len - 1] != ')')
        return request_add_segment(r, text, len, err);
    if (request_add_segment(r, text, (size_t)(open - text), err) != 0)
        return -1;
    const char *key = open + 1 + quote;
    if (request_add_segment(r, key, (size_t)(text + len - 1 - key) - quote, err) != 0)
        return -1;
    char *decoded = r->segments[r->segment_count - 1];
    for (char *p = decoded; (p = strstr(p, "''")) != NULL; p++)
        memmove(p, p + 1, strlen(p));
    return 0;
}

static int
request_cut_path(struct request *r, const char *path, size_t len, struct error *err)
{
    const char *end = path + len;
    if (len == 0 || *path != '/')
        return FAIL(err, ERROR_FORMAT, 0, "the path does not begin with '/'");
    for (const char *p = path + 1; p < end;) {
        const char *slash = memchr(p, '/', (size_t)(end - p));
        const char *stop = slash != NULL ? slash : end;
        if (stop > p && request_add_keyed(r, p, (size_t)(stop - p), err) != 0)
            return -1;
        p = stop + 1;
    }
    return 0;
}

static int
request_cut_query(struct request *r, const char *query, struct error *err)
{
    for (const char *p = query; *p != '\0';) {
        size_t len = strcspn(p, "&");
        char *name = memory_printf("%.*s", (int)len, p);
        p += len + (p[len] == '&');
        if (r->parameter_count == REQUEST_PARAMETERS || name[0] == '\0') {
            free(name);
            continue;
        }
        for (char *c = name; *c != '\0'; c++)
            if (*c == '+')
                *c = ' ';
        char *value = strchr(name, '=');
        if (value != NULL)
            *value++ = '\0';
        request_decode(name);
        if (value != NULL)
            request_decode(value);
        bool twice = request_parameter(r, name) != NULL;
        r->parameters[r->parameter_count++] = (struct request_pair){ name, value != NULL ? value : "" };
        if (twice)
            return FAIL(err, ERROR_FORMAT, 0, "the query parameter is there twice");
    }
    return 0;
}

int
request_init(struct request *r, struct sim *sim, const char *method, const char *url, struct error *err)
{
    memset(r, 0, sizeof(*r));
    r->sim = sim;
    r->method = method;
    r->url = memory_strdup(url);
    body_init(&r->body, sim->temporary);
    size_t path_len = strcspn(url, "?");
    if (request_cut_path(r, url, path_len, err) != 0)
        return -1;
    return url[path_len] == '?' ? request_cut_query(r, url + path_len + 1, err) : 0;
}

void
request_clear(struct request *r)
{
    for (size_t i = 0; i < r->segment_count; i++) {
        free(r->segments[i]);
        free(r->raw[i]);
    }
    for (size_t i = 0; i < r->parameter_count; i++) {
        void *name = (void *)(uintptr_t)r->parameters[i].name;
        free(name);
    }
    free(r->url);
    body_clear(&r->body);
    memset(r, 0, sizeof(*r));
}

/* Microsoft's transfer hosts are others than graph.microsoft.com, and clients send their token to the latter only. */
void
request_set_base(struct request *r, const char *host)
{
    static const char name[] = "localhost:";
    bool loopback = strncmp(r->sim->options.listen, "127.0.0.1:", 10) == 0;
    bool swap = loopback && host != NULL && strncasecmp(host, name, sizeof(name) - 1) == 0;
    snprintf(r->base, sizeof(r->base), "https://%.250s", host != NULL ? host : "localhost");
    if (swap)
        snprintf(r->transfer_base, sizeof(r->transfer_base), "https://127.0.0.1:%.200s", host + sizeof(name) - 1);
    else
        snprintf(r->transfer_base, sizeof(r->transfer_base), "%s", r->base);
}

const char *
request_header(const struct request *r, const char *name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (strcasecmp(r->headers[i].name, name) == 0)
            return r->headers[i].value;
    return NULL;
}

const char *
request_parameter(const struct request *r, const char *name)
{
    const char *bare = name[0] == '$' ? name + 1 : name;
    for (size_t i = 0; i < r->parameter_count; i++) {
        const char *have = r->parameters[i].name;
        if (strcasecmp(have[0] == '$' ? have + 1 : have, bare) == 0)
            return r->parameters[i].value;
    }
    return NULL;
}

unsigned long
request_number(const struct request *r, const char *name, unsigned long fallback, unsigned long low, unsigned long high)
{
    const char *text = request_parameter(r, name);
    if (text == NULL || !isdigit((unsigned char)text[0]))
        return fallback;
    errno = 0;
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*end != '\0' || value < low)
        return fallback;
    return errno != 0 || value > high ? high : value;
}

/* One preference of a comma-separated list, at *cursor; false at the end. */
static bool
next_preference(const char **cursor, char *out, size_t size)
{
    const char *p = *cursor + strspn(*cursor, ", \t");
    size_t n = 0;
    bool quoted = false;
    if (*p == '\0')
        return false;
    for (; *p != '\0' && (quoted || *p != ','); p++) {
        if (*p == '"')
            quoted = !quoted;
        else if (n + 1 < size)
            out[n++] = *p;
    }
    while (n > 0 && isspace((unsigned char)out[n - 1]))
        n--;
    out[n] = '\0';
    *cursor = p;
    return true;
}

bool
request_prefers(const struct request *r, const char *preference, char *value, size_t value_size)
{
    char one[200];
    size_t len = strlen(preference);
    for (size_t i = 0; i < r->header_count; i++) {
        const char *cursor = r->headers[i].value;
        if (strcasecmp(r->headers[i].name, "Prefer") != 0)
            continue;
        while (next_preference(&cursor, one, sizeof(one))) {
            if (strncasecmp(one, preference, len) != 0 || (one[len] != '\0' && one[len] != '='))
                continue;
            if (value != NULL)
                snprintf(value, value_size, "%s", one[len] == '=' ? one + len + 1 : "");
            return true;
        }
    }
    return false;
}

json_t *
request_json(const struct request *r)
{
    struct body *body = (struct body *)(uintptr_t)&r->body;
    const uint8_t *bytes = body_bytes(body, NULL);
    json_t *value = bytes == NULL ? NULL : json_loadb((const char *)bytes, r->body.size, 0, NULL);
    if (value != NULL && !json_is_object(value)) {
        json_decref(value);
        value = NULL;
    }
    return value;
}
