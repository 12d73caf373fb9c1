#ifndef LONGHAUL_TESTS_M365SIM_SETTINGS_INTERNAL_H
#define LONGHAUL_TESTS_M365SIM_SETTINGS_INTERNAL_H

#include "tests/m365sim/mailbox.h"

#include <jansson.h>

/* All settings of the mailbox, complete; the caller releases them. The mailbox is locked. */
json_t *settings_load(struct mailbox *m);
/* false and the 500 in reply. */
bool settings_store(struct mailbox *m, const json_t *document);
/* The id of a rule or a category. */
json_t *settings_new_id(bool rule, uint64_t number);

#endif
