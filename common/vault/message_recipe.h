#ifndef LONGHAUL_COMMON_VAULT_MESSAGE_RECIPE_H
#define LONGHAUL_COMMON_VAULT_MESSAGE_RECIPE_H

/* What both ends know of a message's recipe. proto/FORMAT.md, "Message". */

#include <stddef.h>

#define RECIPE_VERSION 1

#define RECIPE_END        0
#define RECIPE_TEXT       1 /* varint length, bytes */
#define RECIPE_BASE64     2 /* decoded bytes here: varint line length, u8 CRLF, varint length, bytes */
#define RECIPE_BASE64_REF 3 /* decoded bytes elsewhere: varint line length, u8 CRLF, content reference */

#define RECIPE_TEXT_MAX   ((size_t)64 << 10)
#define RECIPE_INLINE_MAX ((size_t)1024)
#define RECIPE_DIGEST_LEN 16 /* of SHA-256 of the message */

#endif
