#ifndef LONGHAUL_TRANSPORTER_SOURCE_EXCHANGE_MAIL_INTERNAL_H
#define LONGHAUL_TRANSPORTER_SOURCE_EXCHANGE_MAIL_INTERNAL_H

#include "transporter/graph/graph_pager.h"
#include "transporter/source/source_internal.h"
#include "transporter/source/source_spool.h"

#include <uthash.h>

#define EXCHANGE_MAIL_PAGE 200u

/* What a round asks for, percent-encoded. */
#define EXCHANGE_MAIL_FOLDER_SELECT                                                                                    \
    "$select=id,displayName,parentFolderId,childFolderCount,totalItemCount,unreadItemCount,isHidden"
#define EXCHANGE_MAIL_SELECT                                                                                           \
    "$select=id,changeKey,internetMessageId,subject,createdDateTime,lastModifiedDateTime,receivedDateTime,"            \
    "sentDateTime,parentFolderId,conversationId,isRead,isDraft,flag,categories,importance,inferenceClassification,"    \
    "hasAttachments,isReadReceiptRequested,isDeliveryReceiptRequested,from,sender,toRecipients,ccRecipients,"          \
    "bccRecipients,replyTo&$expand=singleValueExtendedProperties($filter=id%20eq%20'Long%200x0E08'%20or%20id%20eq%20"  \
    "'String%200x001A'%20or%20id%20eq%20'Integer%200x0E07')"

struct exchange_mail_folder {
    char *id;
    char *link; /* delta link; "" when the next round has to list it anew */
    bool seen;  /* in the listing of folders that is under way */
    UT_hash_handle hh;
};

enum exchange_mail_phase { MAIL_START, MAIL_FOLDERS, MAIL_MESSAGES, MAIL_DELETES };
enum exchange_mail_way {
    MAIL_BY_LINK,   /* changes since the cursor */
    MAIL_ANEW,      /* delta without a token: everything */
    MAIL_BY_LISTING /* the mailbox cannot keep delta state: plain listing */
};

struct exchange_mail {
    struct source base;
    enum exchange_mail_phase phase;
    enum exchange_mail_way way;
    struct graph_pager *pager; /* of folders, or of the current folder's messages; NULL between */
    char *root_id;
    char *folder_link;
    json_t *well_known;                   /* folder id → name */
    struct exchange_mail_folder *folders; /* in the order they were found */
    struct exchange_mail_folder *current; /* being read, or to be read next */
    struct source_spool *spool;
};

/* Each does one page: 1, 0 when its phase is over, -1. */
int exchange_mail_start(struct exchange_mail *mail, struct error *err);
int exchange_mail_folders(struct exchange_mail *mail, struct error *err);
int exchange_mail_messages(struct exchange_mail *mail, struct error *err);

int exchange_mail_fetch(struct source *source, const struct source_item *item, const struct source_sink *sink,
                        struct source_outcome *outcome, struct error *err);

/* Writes what the service gives of a message it cannot write as MIME: properties and attachments, as a MIME text with
 * the header X-Longhaul-Content. Stored with the reason "rebuilt", or "rebuilt_incomplete" without some attachments. */
int exchange_mail_rebuild(struct source *source, const struct source_item *item, const struct source_sink *sink,
                          struct source_outcome *outcome, struct error *err);

#define EXCHANGE_MAIL_TAG ((size_t)80)

struct exchange_mail_texts {
    char *metadata; /* the caller's, free() */
    char tag[EXCHANGE_MAIL_TAG];
};

/* A row of a message page as an item whose texts are borrowed from row and texts. false when the row lacks properties
 * and the message has to be asked for singly. The change tag of a message that was received or sent stays when only
 * read state, flag, categories or folder change; drafts have the service's. Pure. */
bool exchange_mail_item_read(const json_t *row, struct source_item *item, struct exchange_mail_texts *texts);

struct exchange_mail_folder *exchange_mail_folder_add(struct exchange_mail *mail, const char *id, const char *link);
void exchange_mail_folder_drop(struct exchange_mail *mail, const char *id);

#endif
