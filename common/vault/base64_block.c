#include "common/vault/base64_block.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static uint8_t values[256];

__attribute__((constructor)) static void
build_values(void)
{
    memset(values, BASE64_BLOCK_BAD, sizeof(values));
    for (int i = 0; i < 64; i++)
        values[(uint8_t)alphabet[i]] = (uint8_t)i;
}

uint8_t
base64_block_value(uint8_t c)
{
    return values[c];
}

void
base64_block_encode_plain(const uint8_t *data, size_t len, uint8_t *out)
{
    for (size_t i = 0; i < len; i += 3, out += 4) {
        out[0] = (uint8_t)alphabet[data[i] >> 2];
        out[1] = (uint8_t)alphabet[(data[i] & 3) << 4 | data[i + 1] >> 4];
        out[2] = (uint8_t)alphabet[(data[i + 1] & 15) << 2 | data[i + 2] >> 6];
        out[3] = (uint8_t)alphabet[data[i + 2] & 63];
    }
}

bool
base64_block_decode_plain(const uint8_t *text, size_t len, uint8_t *out)
{
    uint8_t all = 0;
    for (size_t i = 0; i < len; i += 4, out += 3) {
        uint8_t a = values[text[i]], b = values[text[i + 1]], c = values[text[i + 2]], d = values[text[i + 3]];
        all |= (uint8_t)(a | b | c | d);
        out[0] = (uint8_t)(a << 2 | b >> 4);
        out[1] = (uint8_t)(b << 4 | c >> 2);
        out[2] = (uint8_t)(c << 6 | d);
    }
    return (all & 0x80) == 0;
}

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

static bool has_avx2;

__attribute__((constructor)) static void
ask_processor(void)
{
    has_avx2 = __builtin_cpu_supports("avx2") != 0;
}

/* Adds to each byte what its range asks for, and says which bytes are in any range. */
AVX2 static inline __m256i
shift_range(__m256i c, char first, char last, char by, __m256i *known)
{
    __m256i in = _mm256_and_si256(_mm256_cmpgt_epi8(c, _mm256_set1_epi8((char)(first - 1))),
                                  _mm256_cmpgt_epi8(_mm256_set1_epi8((char)(last + 1)), c));
    *known = _mm256_or_si256(*known, in);
    return _mm256_and_si256(in, _mm256_set1_epi8(by));
}

/* Each lane's 16 characters become 12 bytes at the lane's start. */
AVX2 static inline bool
decode_32(__m256i c, __m256i *out)
{
    __m256i known = _mm256_setzero_si256(), by;
    by = shift_range(c, 'A', 'Z', -'A', &known);
    by = _mm256_or_si256(by, shift_range(c, 'a', 'z', 26 - 'a', &known));
    by = _mm256_or_si256(by, shift_range(c, '0', '9', 52 - '0', &known));
    by = _mm256_or_si256(by, shift_range(c, '+', '+', 62 - '+', &known));
    by = _mm256_or_si256(by, shift_range(c, '/', '/', 63 - '/', &known));
    __m256i v = _mm256_add_epi8(c, by);
    /* Pairs of 6 bits to 12, pairs of 12 to 24, each in its 32-bit place; then the bytes in their order. */
    v = _mm256_maddubs_epi16(v, _mm256_set1_epi32(0x01400140));
    v = _mm256_madd_epi16(v, _mm256_set1_epi32(0x00011000));
    const __m256i order = _mm256_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1, 2, 1, 0, 6, 5, 4, 10,
                                           9, 8, 14, 13, 12, -1, -1, -1, -1);
    *out = _mm256_shuffle_epi8(v, order);
    return _mm256_movemask_epi8(known) == -1;
}

AVX2 static bool
decode_avx2(const uint8_t *text, size_t len, uint8_t *out)
{
    bool good = true;
    /* Each store writes 4 bytes too many, which must be bytes that come later. */
    for (; len >= 40; text += 32, out += 24, len -= 32) {
        __m256i v;
        good &= decode_32(_mm256_loadu_si256((const __m256i_u *)text), &v);
        _mm_storeu_si128((__m128i_u *)out, _mm256_castsi256_si128(v));
        _mm_storeu_si128((__m128i_u *)(out + 12), _mm256_extracti128_si256(v, 1));
    }
    return base64_block_decode_plain(text, len, out) && good;
}

AVX2 static inline __m256i
above(__m256i v, char limit, char by)
{
    return _mm256_and_si256(_mm256_cmpgt_epi8(v, _mm256_set1_epi8(limit)), _mm256_set1_epi8(by));
}

AVX2 static void
encode_avx2(const uint8_t *data, size_t len, uint8_t *out)
{
    const __m256i order = _mm256_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10, 1, 0, 2, 1, 4, 3, 5, 4, 7,
                                           6, 8, 7, 10, 9, 11, 10);
    /* The second load reads 4 bytes beyond the 24. */
    for (; len >= 28; data += 24, out += 32, len -= 24) {
        __m256i v =
            _mm256_set_m128i(_mm_loadu_si128((const __m128i_u *)(data + 12)), _mm_loadu_si128((const __m128i_u *)data));
        v = _mm256_shuffle_epi8(v, order);
        /* 16-bit products move each 6 bits to the start of a byte: the first and third down, the others up. */
        __m256i down =
            _mm256_mulhi_epu16(_mm256_and_si256(v, _mm256_set1_epi32(0x0fc0fc00)), _mm256_set1_epi32(0x04000040));
        __m256i up =
            _mm256_mullo_epi16(_mm256_and_si256(v, _mm256_set1_epi32(0x003f03f0)), _mm256_set1_epi32(0x01000010));
        v = _mm256_or_si256(down, up);
        __m256i c = _mm256_add_epi8(v, _mm256_set1_epi8('A'));
        c = _mm256_add_epi8(c, above(v, 25, 'a' - 'Z' - 1));
        c = _mm256_add_epi8(c, above(v, 51, '0' - 'z' - 1));
        c = _mm256_add_epi8(c, above(v, 61, '+' - '9' - 1));
        c = _mm256_add_epi8(c, above(v, 62, '/' - '+' - 1));
        _mm256_storeu_si256((__m256i_u *)out, c);
    }
    base64_block_encode_plain(data, len, out);
}

void
base64_block_encode(const uint8_t *data, size_t len, uint8_t *out)
{
    if (has_avx2)
        encode_avx2(data, len, out);
    else
        base64_block_encode_plain(data, len, out);
}

bool
base64_block_decode(const uint8_t *text, size_t len, uint8_t *out)
{
    return has_avx2 ? decode_avx2(text, len, out) : base64_block_decode_plain(text, len, out);
}

#else

void
base64_block_encode(const uint8_t *data, size_t len, uint8_t *out)
{
    base64_block_encode_plain(data, len, out);
}

bool
base64_block_decode(const uint8_t *text, size_t len, uint8_t *out)
{
    return base64_block_decode_plain(text, len, out);
}

#endif
