#ifndef LONGHAUL_TRANSPORTER_RESTORE_MAIL_INDEX_H
#define LONGHAUL_TRANSPORTER_RESTORE_MAIL_INDEX_H

/* Which messages a folder holds, by Message-ID or subject and sent time: 24 to 48 bytes a message. One thread at a
 * time. */

#include <jansson.h>
#include <stdbool.h>

struct error;
struct mail_index;

struct mail_index *mail_index_new(void);
void mail_index_free(struct mail_index *index);

/* message: JSON with internetMessageId, sentDateTime and subject. Without a Message-ID the subject stands in. */
int mail_index_add(struct mail_index *index, const json_t *message, struct error *err);
bool mail_index_has(const struct mail_index *index, const json_t *message);

#endif
