#ifndef LONGHAUL_TRANSPORTER_PIPELINE_VERIFY_WORDS_H
#define LONGHAUL_TRANSPORTER_PIPELINE_VERIFY_WORDS_H

/* What a verification found, for the operator who may see names: in the report that stays with the transporter and is
 * read through a sealed query, and on the terminal of a break-glass tool. */

#include <jansson.h>

struct vault;
struct vault_damage;

/* One line of a report; a new reference. The item's name is looked up in the newest of its points that tells it. */
json_t *verify_words_json(struct vault *vault, const struct vault_damage *damage);

#endif
