#ifndef LONGHAUL_COMMON_VAULT_CHUNKER_H
#define LONGHAUL_COMMON_VAULT_CHUNKER_H

/* Where content is cut: content-defined, by a normalised gear hash over a table that is secret to the vault, so that
 * the lengths in a pack's directory do not tell which public file it holds. Pure. */

#include <stddef.h>
#include <stdint.h>

/* Bytes. Part of the format: proto/FORMAT.md, "Splitting". */
#define CHUNKER_MIN     (16U << 10)
#define CHUNKER_AVERAGE (64U << 10)
#define CHUNKER_MAX     (256U << 10)

#define CHUNKER_TABLE 256

/* The length of the first chunk of data, which holds at least CHUNKER_MAX bytes or everything up to the content's
 * end. */
size_t chunker_cut(const uint64_t gear[CHUNKER_TABLE], const uint8_t *data, size_t len);

#endif
