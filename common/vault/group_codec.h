#ifndef LONGHAUL_COMMON_VAULT_GROUP_CODEC_H
#define LONGHAUL_COMMON_VAULT_GROUP_CODEC_H

/* A group's plaintext: a codec byte, then its chunks' bytes, as they are or as one zstd frame. One thread each. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct group_encoder;
struct group_decoder;

#define GROUP_CODEC_RAW  0
#define GROUP_CODEC_ZSTD 1

/* What a group's bytes are like, and so how much work they are worth: all of the level's; that of the default level's
 * cheaper search, which of file bytes finds 1 % less; hardly any. A level above the default is what somebody asked for,
 * and used for file bytes too. */
enum group_kind { GROUP_TEXT, GROUP_FILE, GROUP_DENSE };

/* level: of zstd. */
struct group_encoder *group_encoder_new(int level);
void group_encoder_free(struct group_encoder *encoder);
/* Bytes that are valid until the next run; kept as they are when compressing does not pay. */
const uint8_t *group_encoder_run(struct group_encoder *encoder, const uint8_t *data, size_t len, enum group_kind kind,
                                 size_t *out_len, struct error *err);

struct group_decoder *group_decoder_new(void);
void group_decoder_free(struct group_decoder *decoder);
/* out receives exactly raw bytes. ERROR_CORRUPT when the group is anything else. */
int group_decoder_run(struct group_decoder *decoder, const uint8_t *data, size_t len, uint8_t *out, size_t raw,
                      struct error *err);

/* Whether bytes look as if they would not get shorter: a sample's byte values are spread evenly. */
bool group_codec_looks_dense(const uint8_t *data, size_t len);

#endif
