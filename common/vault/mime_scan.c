#include "common/vault/mime_scan.h"

#include "common/vault/base64_line.h"

#include <string.h>

#define LEAST_LINE 4

void
mime_scan_begin(struct mime_scan *scan, const struct mime_scan_vtable *vtable, void *ctx)
{
    scan->vtable = vtable;
    scan->ctx = ctx;
    scan->line_len = scan->held_len = scan->held_lines = 0;
    scan->long_line = scan->in_run = scan->committed = false;
}

static int
put_text(struct mime_scan *scan, const uint8_t *data, size_t len, struct error *err)
{
    return len == 0 ? 0 : scan->vtable->text(scan->ctx, data, len, err);
}

static int
put_eol(struct mime_scan *scan, enum mime_scan_eol eol, struct error *err)
{
    if (eol == MIME_EOL_NONE)
        return 0;
    return eol == MIME_EOL_CRLF ? put_text(scan, (const uint8_t *)"\r\n", 2, err)
                                : put_text(scan, (const uint8_t *)"\n", 1, err);
}

static int
end_run(struct mime_scan *scan, struct error *err)
{
    if (!scan->in_run)
        return 0;
    scan->in_run = false;
    if (!scan->committed) {
        size_t len = scan->held_len;
        scan->held_len = 0;
        return put_text(scan, scan->held, len, err);
    }
    if (scan->vtable->part_end(scan->ctx, err) != 0)
        return -1;
    return put_eol(scan, scan->pending_eol, err);
}

/* The held lines decode, or they were not held. */
static int
commit(struct mime_scan *scan, struct error *err)
{
    uint8_t out[MIME_SCAN_LINE];
    bool padded;
    if (scan->vtable->part_begin(scan->ctx, scan->run_line, scan->run_eol == MIME_EOL_CRLF, err) != 0)
        return -1;
    size_t at = 0;
    for (size_t i = 0; i < scan->held_lines; i++) {
        bool last = i + 1 == scan->held_lines;
        size_t len = last ? scan->held_len - at - (size_t)scan->pending_eol : scan->run_line;
        size_t n = base64_line_decode(scan->held + at, len, out, &padded);
        if (scan->vtable->part_data(scan->ctx, out, n, err) != 0)
            return -1;
        at += len + (size_t)scan->run_eol;
    }
    scan->committed = true;
    scan->held_len = 0;
    return 0;
}

static bool
only_hex(const uint8_t *line, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t c = line[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
            return false;
    }
    return true;
}

static int
hold(struct mime_scan *scan, const uint8_t *line, size_t len, enum mime_scan_eol eol, struct error *err)
{
    memcpy(scan->held + scan->held_len, line, len);
    scan->held_len += len;
    if (eol == MIME_EOL_CRLF)
        scan->held[scan->held_len++] = '\r';
    if (eol != MIME_EOL_NONE)
        scan->held[scan->held_len++] = '\n';
    scan->held_lines++;
    scan->pending_eol = eol;
    scan->not_hex = scan->not_hex || !only_hex(line, len);
    if (scan->held_len < MIME_SCAN_HOLD)
        return 0;
    /* Digits of dumps would only get worse. */
    return scan->not_hex ? commit(scan, err) : end_run(scan, err);
}

/* The line continues the run: as a full line, or as its last one. */
static int
take_line(struct mime_scan *scan, const uint8_t *line, size_t len, enum mime_scan_eol eol, bool *taken,
          struct error *err)
{
    uint8_t out[MIME_SCAN_LINE];
    bool padded, fits = len > 0 && len <= scan->run_line && len % 4 == 0;
    size_t n = fits ? base64_line_decode(line, len, out, &padded) : 0;
    *taken = n > 0;
    if (!*taken)
        return 0;
    bool last = padded || len < scan->run_line || eol != scan->run_eol;
    if (!scan->committed) {
        if (hold(scan, line, len, eol, err) != 0)
            return -1;
    } else {
        /* The line end before this line is part of the run. */
        scan->pending_eol = eol;
        if (scan->vtable->part_data(scan->ctx, out, n, err) != 0)
            return -1;
    }
    return last ? end_run(scan, err) : 0;
}

static int
start_run(struct mime_scan *scan, const uint8_t *line, size_t len, enum mime_scan_eol eol, bool *taken,
          struct error *err)
{
    uint8_t out[MIME_SCAN_LINE];
    bool padded;
    *taken = false;
    if (len < LEAST_LINE || len % 4 != 0 || len > MIME_SCAN_LINE || eol == MIME_EOL_NONE ||
        base64_line_decode(line, len, out, &padded) == 0)
        return 0;
    *taken = true;
    scan->in_run = true;
    scan->committed = scan->not_hex = false;
    scan->run_line = len;
    scan->run_eol = eol;
    scan->held_len = scan->held_lines = 0;
    if (hold(scan, line, len, eol, err) != 0)
        return -1;
    return padded ? end_run(scan, err) : 0;
}

static int
on_line(struct mime_scan *scan, const uint8_t *line, size_t len, enum mime_scan_eol eol, struct error *err)
{
    bool taken = false;
    if (scan->in_run) {
        if (take_line(scan, line, len, eol, &taken, err) != 0)
            return -1;
        if (taken)
            return 0;
        if (end_run(scan, err) != 0)
            return -1;
    }
    if (start_run(scan, line, len, eol, &taken, err) != 0)
        return -1;
    if (taken)
        return 0;
    return put_text(scan, line, len, err) != 0 ? -1 : put_eol(scan, eol, err);
}

static int
whole_line(struct mime_scan *scan, const uint8_t *line, size_t len, struct error *err)
{
    /* len counts the '\n' */
    bool crlf = len >= 2 && line[len - 2] == '\r';
    return on_line(scan, line, len - (crlf ? 2 : 1), crlf ? MIME_EOL_CRLF : MIME_EOL_LF, err);
}

/* Bytes that do not end a line yet. */
static int
keep_partial(struct mime_scan *scan, const uint8_t *data, size_t len, struct error *err)
{
    if (!scan->long_line && scan->line_len + len <= sizeof(scan->line)) {
        memcpy(scan->line + scan->line_len, data, len);
        scan->line_len += len;
        return 0;
    }
    if (!scan->long_line && (end_run(scan, err) != 0 || put_text(scan, scan->line, scan->line_len, err) != 0))
        return -1;
    scan->long_line = true;
    scan->line_len = 0;
    return put_text(scan, data, len, err);
}

/* Full lines of a part that is under way, many at a time. *taken: bytes of them. */
static int
take_lines(struct mime_scan *scan, const uint8_t *data, size_t len, size_t *taken, struct error *err)
{
    uint8_t out[MIME_SCAN_LINES];
    size_t stride = scan->run_line + (size_t)scan->run_eol, at = 0, n = 0;
    bool padded, crlf = scan->run_eol == MIME_EOL_CRLF;
    while (len - at >= stride && n + MIME_SCAN_LINE <= sizeof(out)) {
        const uint8_t *line = data + at, *eol = line + scan->run_line;
        bool ended = crlf ? eol[0] == '\r' && eol[1] == '\n' : eol[0] == '\n';
        size_t decoded = ended && eol[-1] != '=' ? base64_line_decode(line, scan->run_line, out + n, &padded) : 0;
        if (decoded == 0)
            break;
        n += decoded;
        at += stride;
    }
    *taken = at;
    return n == 0 ? 0 : scan->vtable->part_data(scan->ctx, out, n, err);
}

int
mime_scan_write(struct mime_scan *scan, const uint8_t *data, size_t len, struct error *err)
{
    while (len > 0) {
        /* A run goes on with a line of its own line end: what ended the line before is known to be the same. */
        if (scan->in_run && scan->committed && scan->line_len == 0 && scan->pending_eol == scan->run_eol) {
            size_t taken;
            if (take_lines(scan, data, len, &taken, err) != 0)
                return -1;
            data += taken;
            len -= taken;
            if (taken > 0)
                continue;
        }
        const uint8_t *newline = memchr(data, '\n', len);
        size_t n = newline == NULL ? len : (size_t)(newline - data) + 1;
        int failed;
        if (newline == NULL || scan->long_line || scan->line_len > 0) {
            failed = keep_partial(scan, data, n, err);
            if (failed == 0 && newline != NULL && !scan->long_line) {
                size_t whole = scan->line_len;
                scan->line_len = 0;
                failed = whole_line(scan, scan->line, whole, err);
            }
            if (newline != NULL)
                scan->long_line = false;
        } else {
            failed = whole_line(scan, data, n, err);
        }
        if (failed != 0)
            return -1;
        data += n;
        len -= n;
    }
    return 0;
}

int
mime_scan_end(struct mime_scan *scan, struct error *err)
{
    if (scan->line_len > 0 && on_line(scan, scan->line, scan->line_len, MIME_EOL_NONE, err) != 0)
        return -1;
    return end_run(scan, err);
}
