#ifndef LONGHAUL_TESTS_M365SIM_MAIL_H
#define LONGHAUL_TESTS_M365SIM_MAIL_H

/* The handlers of mail folders and messages. Arguments: user, then folder or message. */

#include <jansson.h>
#include <stdint.h>

struct mailbox;
struct reply;
struct request;
struct select;

void mail_folders_list(struct request *r, struct reply *reply); /* arguments[1] NULL: of the root */
void mail_folders_get(struct request *r, struct reply *reply);
void mail_folders_delta(struct request *r, struct reply *reply);
void mail_folders_create(struct request *r, struct reply *reply);
void mail_folders_update(struct request *r, struct reply *reply);
void mail_folders_move(struct request *r, struct reply *reply);
void mail_folders_delete(struct request *r, struct reply *reply);

/* arguments: user, folder */
void mail_messages_list(struct request *r, struct reply *reply);
void mail_messages_delta(struct request *r, struct reply *reply);
void mail_messages_create(struct request *r, struct reply *reply);
/* arguments: user */
void mail_messages_list_all(struct request *r, struct reply *reply);
void mail_messages_create_draft(struct request *r, struct reply *reply);
/* arguments: user, message */
void mail_message_get(struct request *r, struct reply *reply);
void mail_message_value(struct request *r, struct reply *reply);
void mail_message_update(struct request *r, struct reply *reply);
void mail_message_delete(struct request *r, struct reply *reply);
void mail_message_purge(struct request *r, struct reply *reply);
void mail_message_move(struct request *r, struct reply *reply);

/* Shared among them; the mailbox is locked. */
json_t *mail_folder_json(struct mailbox *m, uint32_t index, const struct select *select);
void mail_sync_gone(struct request *r, struct reply *reply, const char *path);
/* Ends the mailbox and answers with the message as JSON. */
void mail_reply_message(struct mailbox *m, uint32_t index, unsigned status);

#endif
