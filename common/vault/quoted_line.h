#ifndef LONGHAUL_COMMON_VAULT_QUOTED_LINE_H
#define LONGHAUL_COMMON_VAULT_QUOTED_LINE_H

/* Quoted-printable (RFC 2045 §6.7) as one program writes it. A line here is what stands between two hard line ends;
 * soft breaks are inside. proto/FORMAT.md, "Message". Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

#define QUOTED_LINE_MAX 8192                       /* bytes of a decoded line, without its end */
#define QUOTED_LINE_OUT (QUOTED_LINE_MAX * 6 + 16) /* room for it encoded, with its end: each byte may stand alone */
#define QUOTED_ROOM_MIN 3
#define QUOTED_ROOM_MAX 250

#define QUOTED_SET_LEN 12

struct quoted_style {
    bool crlf;                       /* line ends, hard and soft */
    bool lower;                      /* digits a to f */
    bool loose;                      /* the last piece of a line may have one character more */
    uint8_t room;                    /* characters before the '=' of a soft break, at most */
    uint8_t escaped[QUOTED_SET_LEN]; /* bits of 0x20 to 0x7e, then of tab: stands escaped also where it need not */
};

/* The bit of a character in `escaped`, or -1 for one that always stands escaped. */
int quoted_line_bit(uint8_t c);

/* One line, without its end; writes at most QUOTED_LINE_OUT characters and returns how many. len: at most
 * QUOTED_LINE_MAX. */
size_t quoted_line_encode(const struct quoted_style *style, const uint8_t *line, size_t len, uint8_t *out);

/* Encoder of a part, which ends with a line end. */
struct quoted_lines {
    struct quoted_style style;
    uint8_t line[QUOTED_LINE_MAX + 2];
    size_t len;
};

typedef int quoted_sink_fn(void *ctx, const uint8_t *data, size_t len, struct error *err);

/* ERROR_FORMAT: a line is too long. */
int quoted_lines_encode(struct quoted_lines *lines, const uint8_t *data, size_t len, quoted_sink_fn *sink, void *ctx,
                        struct error *err);

#endif
