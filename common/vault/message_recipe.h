#ifndef LONGHAUL_COMMON_VAULT_MESSAGE_RECIPE_H
#define LONGHAUL_COMMON_VAULT_MESSAGE_RECIPE_H

/* What both ends know of a message's recipe. proto/FORMAT.md, "Message". */

#include "common/vault/content.h"
#include "common/vault/quoted_line.h"

#include <stddef.h>
#include <stdint.h>

#define RECIPE_VERSION        2
#define RECIPE_VERSION_BASE64 1 /* without quoted-printable: in vaults of format version 1 */

#define RECIPE_END        0
#define RECIPE_TEXT       1 /* varint length, bytes */
#define RECIPE_BASE64     2 /* decoded bytes here: varint line length, u8 CRLF, varint length, bytes */
#define RECIPE_BASE64_REF 3 /* decoded bytes elsewhere: varint line length, u8 CRLF, content reference */
#define RECIPE_QUOTED     4 /* decoded lines here: style, varint length, bytes */
#define RECIPE_QUOTED_REF 5 /* decoded lines elsewhere: style, content reference */

/* Style: u8 flags, u8 room, the set of what stands escaped. */
#define RECIPE_STYLE_LEN   (2 + QUOTED_SET_LEN)
#define RECIPE_STYLE_CRLF  1
#define RECIPE_STYLE_LOWER 2
#define RECIPE_STYLE_LOOSE 4

#define RECIPE_TEXT_MAX   ((size_t)64 << 10)
#define RECIPE_INLINE_MAX ((size_t)1024)
#define RECIPE_QUOTED_MAX ((size_t)16 << 10)
#define RECIPE_DIGEST_LEN 16 /* of SHA-256 of the message */

/* The largest content that the recipe refers to, CONTENT_NONE when it refers to none or is not understood. A hint of
 * where most of the message lies: nothing is checked. */
void message_recipe_largest(const uint8_t *data, size_t len, struct content_ref *largest);

#endif
