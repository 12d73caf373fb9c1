#include "common/vault/group_codec.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/chunk.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

/* Of zstd. Of dense bytes: the fastest search, and literals stay as they are. Of file bytes, instead of the default
 * level: matches of five bytes found by one hash table take 65 % of the time, and 0.6 % more room. */
#define DENSE_LEVEL   (-1)
#define FILE_LEVEL    2
#define FILE_MATCH    5
#define DEFAULT_LEVEL 3

struct group_encoder {
    ZSTD_CCtx *zstd;
    int level;
    uint8_t *out;
    size_t capacity;
};

struct group_decoder {
    ZSTD_DCtx *zstd;
};

struct group_encoder *
group_encoder_new(int level)
{
    struct group_encoder *encoder = MEMORY_NEW(struct group_encoder);
    encoder->zstd = ZSTD_createCCtx();
    if (encoder->zstd == NULL)
        abort();
    encoder->level = level;
    ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_contentSizeFlag, 0);
    return encoder;
}

void
group_encoder_free(struct group_encoder *encoder)
{
    if (encoder == NULL)
        return;
    ZSTD_freeCCtx(encoder->zstd);
    free(encoder->out);
    free(encoder);
}

static void
set_effort(struct group_encoder *encoder, enum group_kind kind)
{
    int level = encoder->level, match = 0;
    if (kind == GROUP_DENSE) {
        level = DENSE_LEVEL;
    } else if (kind == GROUP_FILE && level == DEFAULT_LEVEL) {
        level = FILE_LEVEL;
        match = FILE_MATCH;
    }
    ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_minMatch, match);
}

const uint8_t *
group_encoder_run(struct group_encoder *encoder, const uint8_t *data, size_t len, enum group_kind kind, size_t *out_len,
                  struct error *err)
{
    size_t bound = 1 + ZSTD_compressBound(len);
    if (bound > encoder->capacity) {
        free(encoder->out);
        encoder->capacity = 0;
        encoder->out = memory_array(1, bound, GROUP_MAX_RAW * 2, err);
        if (encoder->out == NULL)
            return NULL;
        encoder->capacity = bound;
    }
    set_effort(encoder, kind);
    size_t n = ZSTD_compress2(encoder->zstd, encoder->out + 1, encoder->capacity - 1, data, len);
    if (ZSTD_isError(n)) {
        FAIL(err, ERROR_INTERNAL, 0, "zstd: %s", ZSTD_getErrorName(n));
        return NULL;
    }
    if (n < len - len / 256) {
        encoder->out[0] = GROUP_CODEC_ZSTD;
        *out_len = 1 + n;
        return encoder->out;
    }
    encoder->out[0] = GROUP_CODEC_RAW;
    memcpy(encoder->out + 1, data, len);
    *out_len = 1 + len;
    return encoder->out;
}

struct group_decoder *
group_decoder_new(void)
{
    struct group_decoder *decoder = MEMORY_NEW(struct group_decoder);
    decoder->zstd = ZSTD_createDCtx();
    if (decoder->zstd == NULL)
        abort();
    return decoder;
}

void
group_decoder_free(struct group_decoder *decoder)
{
    if (decoder == NULL)
        return;
    ZSTD_freeDCtx(decoder->zstd);
    free(decoder);
}

int
group_decoder_run(struct group_decoder *decoder, const uint8_t *data, size_t len, uint8_t *out, size_t raw,
                  struct error *err)
{
    if (len > 0 && data[0] == GROUP_CODEC_RAW && len - 1 == raw) {
        memcpy(out, data + 1, raw);
        return 0;
    }
    if (len == 0 || data[0] != GROUP_CODEC_ZSTD)
        return FAIL(err, ERROR_CORRUPT, 0, "a group of an unknown kind or of a wrong length");
    size_t n = ZSTD_decompressDCtx(decoder->zstd, out, raw, data + 1, len - 1);
    if (ZSTD_isError(n) || n != raw)
        return FAIL(err, ERROR_CORRUPT, 0, "a group does not uncompress: %s",
                    ZSTD_isError(n) ? ZSTD_getErrorName(n) : "wrong length");
    return 0;
}

/* Of a sample of evenly spread values, the squares of their counts add up to SAMPLE * (1 + (SAMPLE - 1) / 256.0) on the
 * average: 69,616. A fifth more is what values have that carry 7.8 bits. */
#define SAMPLE       4096
#define PIECES       4
#define MOST_SQUARES 83700

bool
group_codec_looks_dense(const uint8_t *data, size_t len)
{
    if (len < SAMPLE)
        return false;
    /* Four pieces from all over: a document's compressed body may follow a plain head. Each is counted for itself, so
     * that one count need not wait for another of the same value. */
    uint16_t counts[PIECES][256] = { 0 };
    size_t step = (len - SAMPLE / PIECES) / (PIECES - 1);
    for (size_t i = 0; i < SAMPLE / PIECES; i++) {
        for (size_t piece = 0; piece < PIECES; piece++)
            counts[piece][data[step * piece + i]]++;
    }
    uint32_t squares = 0;
    for (int i = 0; i < 256; i++) {
        uint32_t count = (uint32_t)counts[0][i] + counts[1][i] + counts[2][i] + counts[3][i];
        squares += count * count;
    }
    return squares < MOST_SQUARES;
}
