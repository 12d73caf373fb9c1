#ifndef LONGHAUL_COMMON_VAULT_QUOTED_SCAN_H
#define LONGHAUL_COMMON_VAULT_QUOTED_SCAN_H

/* Finds quoted-printable in text as it streams by: runs of whole lines that decode, and that one style encodes again to
 * the same characters, wherever they stand. The style is learned from the lines: what stands escaped, how long lines
 * become. A line that does not fit ends the run and may begin the next. Pure; the memory is the struct. */

#include "common/vault/quoted_line.h"

#define QUOTED_SCAN_RAW   16384 /* a line with its soft breaks; longer ones stay text */
#define QUOTED_SCAN_HOLD  16384 /* decoded bytes of a run that are given at once */
#define QUOTED_SCAN_LEAST 128   /* a run that saves fewer bytes stays text */

struct quoted_scan_vtable {
    quoted_sink_fn *text;
    /* A whole run. */
    int (*part)(void *ctx, const struct quoted_style *style, const uint8_t *data, size_t len, struct error *err);
    /* A run longer than QUOTED_SCAN_HOLD: in pieces, and what its style was in the end. */
    quoted_sink_fn *long_data;
    int (*long_end)(void *ctx, const struct quoted_style *style, struct error *err);
};

/* What the lines so far allow. */
struct quoted_learned {
    uint8_t literal[QUOTED_SET_LEN], escaped[QUOTED_SET_LEN];
    bool eol_known, crlf, upper, lower;
    uint8_t strict_min, strict_max, loose_min, loose_max; /* of the room; empty: not in this way */
    uint64_t saved;
};

struct quoted_scan {
    const struct quoted_scan_vtable *vtable;
    void *ctx;
    uint8_t raw[QUOTED_SCAN_RAW];
    size_t raw_len, piece_at; /* the line, and where its last piece begins */
    bool skipping;            /* inside a line that is too long */
    bool in_run, long_run;
    struct quoted_learned learned;
    uint8_t held[QUOTED_SCAN_HOLD];
    size_t held_len;
    struct quoted_lines back; /* for runs that stay text */
};

void quoted_scan_begin(struct quoted_scan *scan, const struct quoted_scan_vtable *vtable, void *ctx);
int quoted_scan_write(struct quoted_scan *scan, const uint8_t *data, size_t len, struct error *err);
/* Gives out everything: something else follows, or nothing. */
int quoted_scan_flush(struct quoted_scan *scan, struct error *err);

#endif
