#ifndef LONGHAUL_TESTS_M365SIM_CONTACTS_H
#define LONGHAUL_TESTS_M365SIM_CONTACTS_H

/* The handlers of contact folders and contacts. Arguments: user, then folder or contact. The default folder is
 * called "contacts" and stands in no list. */

struct reply;
struct request;

void contacts_folders_list(struct request *r, struct reply *reply); /* arguments[1] NULL: the top ones */
void contacts_folders_get(struct request *r, struct reply *reply);
void contacts_folders_delta(struct request *r, struct reply *reply);
void contacts_folders_create(struct request *r, struct reply *reply); /* arguments[1] NULL: at the top */
void contacts_folders_update(struct request *r, struct reply *reply);
void contacts_folders_delete(struct request *r, struct reply *reply);

/* arguments[1] NULL: of the default folder */
void contacts_list(struct request *r, struct reply *reply);
void contacts_delta(struct request *r, struct reply *reply);
void contacts_create(struct request *r, struct reply *reply);

void contacts_get(struct request *r, struct reply *reply);
void contacts_update(struct request *r, struct reply *reply);
void contacts_delete(struct request *r, struct reply *reply);
void contacts_photo(struct request *r, struct reply *reply);
void contacts_photo_value(struct request *r, struct reply *reply);
void contacts_photo_put(struct request *r, struct reply *reply);

#endif
