#ifndef LONGHAUL_COMMON_VAULT_MIME_SCAN_H
#define LONGHAUL_COMMON_VAULT_MIME_SCAN_H

/* Finds base64 in a message as it streams by: runs of lines of one length that decode and encode again to the same
 * bytes, wherever they stand (nested parts, forwarded messages, broken headers make no difference). Pure; the memory
 * is the struct. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

#define MIME_SCAN_LINE 1024 /* the longest line that may be base64 */
#define MIME_SCAN_HOLD 512  /* shorter runs stay text */

/* The most that part_data() is given at a time. */
#define MIME_SCAN_LINES ((size_t)12 << 10)

struct mime_scan_vtable {
    int (*text)(void *ctx, const uint8_t *data, size_t len, struct error *err);
    /* Lines of line_len characters but for the last, which ends without a line end. */
    int (*part_begin)(void *ctx, size_t line_len, bool crlf, struct error *err);
    int (*part_data)(void *ctx, const uint8_t *data, size_t len, struct error *err);
    int (*part_end)(void *ctx, struct error *err);
};

/* The numbers are the bytes that the line end has. */
enum mime_scan_eol { MIME_EOL_NONE = 0, MIME_EOL_LF = 1, MIME_EOL_CRLF = 2 };

struct mime_scan {
    const struct mime_scan_vtable *vtable;
    void *ctx;
    uint8_t line[MIME_SCAN_LINE + 2]; /* one that is not complete */
    size_t line_len;
    bool long_line; /* passing on a line that is too long to be base64 */

    bool in_run, committed;
    size_t run_line;
    enum mime_scan_eol run_eol, pending_eol;
    uint8_t held[MIME_SCAN_HOLD + MIME_SCAN_LINE + 2]; /* a run that is too short so far */
    size_t held_len, held_lines;
    bool not_hex;
};

void mime_scan_begin(struct mime_scan *scan, const struct mime_scan_vtable *vtable, void *ctx);
int mime_scan_write(struct mime_scan *scan, const uint8_t *data, size_t len, struct error *err);
int mime_scan_end(struct mime_scan *scan, struct error *err);

#endif
