#ifndef LONGHAUL_COMMON_VAULT_CHUNKER_H
#define LONGHAUL_COMMON_VAULT_CHUNKER_H

/* Where content is cut: content-defined, by a normalised gear hash over a table that is secret to the vault, so that
 * the lengths in a pack's directory do not tell which public file it holds. Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes. A vault's own stand in its format object; the average is a power of two, the others a quarter and four times
 * of it. proto/FORMAT.md, "Splitting". */
struct chunker_sizes {
    uint32_t min, average, max;
};

#define CHUNKER_MAX   (256U << 10) /* of any vault */
#define CHUNKER_TABLE 256

extern const struct chunker_sizes chunker_sizes_new; /* of the vaults that this program creates */

bool chunker_sizes_valid(const struct chunker_sizes *sizes);

/* The length of the first chunk of data, which holds at least sizes->max bytes or everything up to the content's
 * end. */
size_t chunker_cut(const struct chunker_sizes *sizes, const uint64_t gear[CHUNKER_TABLE], const uint8_t *data,
                   size_t len);

#endif
