#include "common/vault/quoted_scan.h"

#include <string.h>

void
quoted_scan_begin(struct quoted_scan *scan, const struct quoted_scan_vtable *vtable, void *ctx)
{
    scan->vtable = vtable;
    scan->ctx = ctx;
    scan->raw_len = scan->piece_at = scan->held_len = 0;
    scan->skipping = scan->in_run = scan->long_run = false;
}

static const struct quoted_learned nothing_learned = {
    .strict_min = QUOTED_ROOM_MIN,
    .strict_max = QUOTED_ROOM_MAX,
    .loose_min = QUOTED_ROOM_MIN,
    .loose_max = QUOTED_ROOM_MAX,
};

static void
style_of(const struct quoted_learned *learned, struct quoted_style *style)
{
    style->crlf = learned->crlf;
    style->lower = learned->lower;
    style->loose = learned->loose_min <= learned->loose_max;
    style->room = style->loose ? learned->loose_min : learned->strict_min;
    memcpy(style->escaped, learned->escaped, sizeof(style->escaped));
}

static int
end_run(struct quoted_scan *scan, struct error *err)
{
    struct quoted_style style;
    if (!scan->in_run)
        return 0;
    scan->in_run = false;
    style_of(&scan->learned, &style);
    size_t len = scan->held_len;
    scan->held_len = 0;
    if (scan->long_run)
        return scan->vtable->long_data(scan->ctx, scan->held, len, err) == 0
                   ? scan->vtable->long_end(scan->ctx, &style, err)
                   : -1;
    if (scan->learned.saved >= QUOTED_SCAN_LEAST)
        return scan->vtable->part(scan->ctx, &style, scan->held, len, err);
    scan->back.style = style;
    scan->back.len = 0;
    return quoted_lines_encode(&scan->back, scan->held, len, scan->vtable->text, scan->ctx, err);
}

/* Digits of both cases do not go together. -1: not a digit. */
static int
digit(struct quoted_learned *learned, uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F') {
        learned->upper = true;
        return c - 'A' + 10;
    }
    if (c >= 'a' && c <= 'f') {
        learned->lower = true;
        return c - 'a' + 10;
    }
    return -1;
}

/* Whether the character may stand as it does, after what was learned. */
static bool
learn_character(struct quoted_learned *learned, uint8_t c, bool escaped, bool last)
{
    int bit = quoted_line_bit(c);
    if (bit < 0 || (last && (c == ' ' || c == '\t')))
        return escaped;
    uint8_t *set = escaped ? learned->escaped : learned->literal;
    const uint8_t *other = escaped ? learned->literal : learned->escaped;
    set[bit / 8] |= (uint8_t)(1U << (bit % 8));
    return (other[bit / 8] >> (bit % 8) & 1) == 0;
}

static void
at_least(uint8_t *bound, size_t value)
{
    if (value > *bound)
        *bound = value > UINT8_MAX ? UINT8_MAX : (uint8_t)value;
}

static void
at_most(uint8_t *bound, size_t value)
{
    if (value < *bound)
        *bound = (uint8_t)value;
}

/* A piece of `columns` characters is followed by a soft break, because the next character, `width` wide, had no room.
 * With loose ends the last character of a line had one more. */
static void
learn_soft_break(struct quoted_learned *learned, size_t columns, size_t width, bool next_is_last)
{
    size_t below = columns + width - 1;
    at_least(&learned->strict_min, columns);
    at_least(&learned->loose_min, columns);
    at_most(&learned->strict_max, below);
    at_most(&learned->loose_max, next_is_last ? below - 1 : below);
}

/* The last piece: nothing after its last character. All but that one fit as anywhere else. */
static void
learn_last_piece(struct quoted_learned *learned, size_t columns)
{
    at_least(&learned->strict_min, columns);
    at_least(&learned->loose_min, columns == 0 ? 0 : columns - 1);
}

/* A character at text[at] of a line of len: its width, or 0 when it is none. */
static size_t
take_character(struct quoted_learned *learned, const uint8_t *text, size_t at, size_t len, uint8_t *out)
{
    if (text[at] != '=') {
        *out = text[at];
        return 1;
    }
    if (len - at < 3)
        return 0;
    int high = digit(learned, text[at + 1]), low = digit(learned, text[at + 2]);
    if (high < 0 || low < 0)
        return 0;
    *out = (uint8_t)(high << 4 | low);
    return 3;
}

/* The line end at text[at], in the run's form: its length, or 0. */
static size_t
take_eol(const struct quoted_learned *learned, const uint8_t *text, size_t at, size_t len)
{
    if (learned->crlf)
        return len - at >= 2 && text[at] == '\r' && text[at + 1] == '\n' ? 2 : 0;
    return at < len && text[at] == '\n' ? 1 : 0;
}

/* Decodes a line that ends with a hard line end. False when no style, or not this one, writes it so. out receives the
 * line with its end. */
static bool
learn_line(struct quoted_learned *learned, const uint8_t *text, size_t len, uint8_t *out, size_t *out_len)
{
    bool crlf = len >= 2 && text[len - 2] == '\r';
    if (learned->eol_known && learned->crlf != crlf)
        return false;
    learned->eol_known = true;
    learned->crlf = crlf;
    size_t end = len - (crlf ? 2 : 1), n = 0, columns = 0, soft_columns = 0;
    bool after_soft = false;
    for (size_t at = 0; at < end;) {
        size_t eol = text[at] == '=' ? take_eol(learned, text, at + 1, end) : 0;
        if (eol > 0) {
            if (after_soft)
                return false;
            after_soft = true;
            soft_columns = columns;
            columns = 0;
            at += 1 + eol;
            learned->saved += 1 + eol;
            continue;
        }
        size_t width = take_character(learned, text, at, end, &out[n]);
        bool last = at + width == end;
        if (width == 0 || n == QUOTED_LINE_MAX || !learn_character(learned, out[n], width == 3, last))
            return false;
        if (after_soft && soft_columns == 0)
            return false;
        if (after_soft)
            learn_soft_break(learned, soft_columns, width, last);
        after_soft = false;
        columns += width;
        learned->saved += width - 1;
        at += width;
        n++;
    }
    learn_last_piece(learned, columns);
    /* A line end that stood escaped would be taken for one. */
    if (after_soft || memchr(out, '\n', n) != NULL || (crlf && n > 0 && out[n - 1] == '\r'))
        return false;
    memcpy(out + n, text + end, len - end);
    *out_len = n + len - end;
    return !(learned->upper && learned->lower) &&
           (learned->strict_min <= learned->strict_max || learned->loose_min <= learned->loose_max);
}

static int
hold(struct quoted_scan *scan, const uint8_t *data, size_t len, struct error *err)
{
    if (scan->held_len + len > sizeof(scan->held)) {
        scan->long_run = true;
        size_t held = scan->held_len;
        scan->held_len = 0;
        if (scan->vtable->long_data(scan->ctx, scan->held, held, err) != 0)
            return -1;
    }
    memcpy(scan->held + scan->held_len, data, len);
    scan->held_len += len;
    return 0;
}

/* A long run that saves little would only be torn out of its text. */
static bool
pays(const struct quoted_scan *scan, size_t more)
{
    return scan->long_run || scan->held_len + more <= sizeof(scan->held) ||
           scan->learned.saved >= sizeof(scan->held) / 64;
}

/* One line with its soft breaks, ended by a hard one. */
static int
on_line(struct quoted_scan *scan, struct error *err)
{
    uint8_t line[QUOTED_LINE_MAX + 2];
    const uint8_t *text = scan->raw;
    size_t len = scan->raw_len, n;
    scan->raw_len = scan->piece_at = 0;
    if (scan->in_run) {
        struct quoted_learned learned = scan->learned;
        if (learn_line(&learned, text, len, line, &n) && pays(scan, n)) {
            scan->learned = learned;
            return hold(scan, line, n, err);
        }
        if (end_run(scan, err) != 0)
            return -1;
    }
    struct quoted_learned learned = nothing_learned;
    if (memchr(text, '=', len) == NULL || !learn_line(&learned, text, len, line, &n))
        return scan->vtable->text(scan->ctx, text, len, err);
    scan->in_run = true;
    scan->long_run = false;
    scan->learned = learned;
    return hold(scan, line, n, err);
}

static bool
is_soft(const uint8_t *piece, size_t len)
{
    size_t eol = len >= 2 && piece[len - 2] == '\r' ? 2 : 1;
    return len > eol && piece[len - eol - 1] == '=';
}

/* The line so far is no line: it is text, as is what follows up to a line end. */
static int
give_up(struct quoted_scan *scan, const uint8_t *data, size_t len, bool ended, struct error *err)
{
    size_t raw = scan->raw_len;
    scan->raw_len = scan->piece_at = 0;
    scan->skipping = !ended;
    if (end_run(scan, err) != 0 || (raw > 0 && scan->vtable->text(scan->ctx, scan->raw, raw, err) != 0))
        return -1;
    return scan->vtable->text(scan->ctx, data, len, err);
}

int
quoted_scan_write(struct quoted_scan *scan, const uint8_t *data, size_t len, struct error *err)
{
    while (len > 0) {
        const uint8_t *newline = memchr(data, '\n', len);
        size_t n = newline == NULL ? len : (size_t)(newline - data) + 1;
        int failed = 0;
        if (scan->skipping || scan->raw_len + n > sizeof(scan->raw)) {
            failed = give_up(scan, data, n, newline != NULL, err);
        } else {
            memcpy(scan->raw + scan->raw_len, data, n);
            scan->raw_len += n;
            if (newline != NULL && is_soft(scan->raw + scan->piece_at, scan->raw_len - scan->piece_at))
                scan->piece_at = scan->raw_len;
            else if (newline != NULL)
                failed = on_line(scan, err);
        }
        if (failed != 0)
            return -1;
        data += n;
        len -= n;
    }
    return 0;
}

int
quoted_scan_flush(struct quoted_scan *scan, struct error *err)
{
    size_t raw = scan->raw_len;
    scan->raw_len = scan->piece_at = 0;
    scan->skipping = false;
    if (end_run(scan, err) != 0)
        return -1;
    return raw == 0 ? 0 : scan->vtable->text(scan->ctx, scan->raw, raw, err);
}
