#ifndef LONGHAUL_COMMON_VAULT_MESSAGE_RECIPE_H
#define LONGHAUL_COMMON_VAULT_MESSAGE_RECIPE_H

/* What both ends know of a message's recipe. proto/FORMAT.md, "Message". */

#include "common/vault/content.h"

#include <stddef.h>
#include <stdint.h>

#define RECIPE_VERSION 1

#define RECIPE_END        0
#define RECIPE_TEXT       1 /* varint length, bytes */
#define RECIPE_BASE64     2 /* decoded bytes here: varint line length, u8 CRLF, varint length, bytes */
#define RECIPE_BASE64_REF 3 /* decoded bytes elsewhere: varint line length, u8 CRLF, content reference */

#define RECIPE_TEXT_MAX   ((size_t)64 << 10)
#define RECIPE_INLINE_MAX ((size_t)1024)
#define RECIPE_DIGEST_LEN 16 /* of SHA-256 of the message */

/* The largest content that the recipe refers to, CONTENT_NONE when it refers to none or is not understood. A hint of
 * where most of the message lies: nothing is checked. */
void message_recipe_largest(const uint8_t *data, size_t len, struct content_ref *largest);

#endif
