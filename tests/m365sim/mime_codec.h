#ifndef LONGHAUL_TESTS_M365SIM_MIME_CODEC_H
#define LONGHAUL_TESTS_M365SIM_MIME_CODEC_H

#include <stdbool.h>
#include <stddef.h>

/* Forgiving decoders: what is not part of the encoding is skipped. out may be in and holds len bytes; the
 * number written is returned. word: the Q encoding of headers, where '_' is a space. */
size_t mime_codec_base64(const char *in, size_t len, char *out);
size_t mime_codec_quoted(const char *in, size_t len, char *out, bool word);

#endif
