#ifndef LONGHAUL_TESTS_M365SIM_SETTINGS_H
#define LONGHAUL_TESTS_M365SIM_SETTINGS_H

/* Mailbox settings, categories and inbox rules: first from settings.json in the user's folder (keys
 * "mailboxSettings", "masterCategories", "messageRules"), from the state folder once the API changed them. */

struct reply;
struct request;

void settings_get(struct request *r, struct reply *reply);
void settings_update(struct request *r, struct reply *reply);

/* arguments: user, category */
void settings_categories_list(struct request *r, struct reply *reply);
void settings_categories_create(struct request *r, struct reply *reply);
void settings_category_get(struct request *r, struct reply *reply);
void settings_category_update(struct request *r, struct reply *reply);
void settings_category_delete(struct request *r, struct reply *reply);

/* arguments: user, folder (the inbox), rule */
void settings_rules_list(struct request *r, struct reply *reply);
void settings_rules_create(struct request *r, struct reply *reply);
void settings_rule_get(struct request *r, struct reply *reply);
void settings_rule_update(struct request *r, struct reply *reply);
void settings_rule_delete(struct request *r, struct reply *reply);

#endif
