#ifndef LONGHAUL_TESTS_M365SIM_BOX_READ_H
#define LONGHAUL_TESTS_M365SIM_BOX_READ_H

/* Files of contacts, calendars and tasks as documents of entities. Nothing in here fails on content: what cannot
 * be understood is left out. */

#include "tests/m365sim/box.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Whether the part reads files of that name. */
bool box_reads(enum box_part part, const char *name);
/* An object of entities by a name each that stays the same from one version of the file to the next. */
json_t *box_read(enum box_part part, const char *name, const char *data, size_t len);

/* vCards 2.1, 3.0 and 4.0. PHOTO becomes "_photo" (base64) and "_photoType". */
json_t *contact_read(const char *data, size_t len);
/* iCalendar. Documents of events as Graph shows them, times in UTC; "_series" names the master of an exception,
 * "_cancelled" holds the local dates without an occurrence, "_files" the inline attachments. */
json_t *event_read(const char *data, size_t len);

#endif
