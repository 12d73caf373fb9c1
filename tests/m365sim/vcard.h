#ifndef LONGHAUL_TESTS_M365SIM_VCARD_H
#define LONGHAUL_TESTS_M365SIM_VCARD_H

/* A reader of vCards 2.1, 3.0 (RFC 2426) and 4.0 (RFC 6350) as address books write them. Nothing in here fails on
 * content. Texts handed out are valid UTF-8 without NUL and the caller's to free. */

#include <stdbool.h>
#include <stddef.h>

#define VCARD_PROPERTY_LIMIT 5000 /* per file; what comes behind is left out */

struct vcard_property {
    char name[32];    /* upper case, without group */
    char *parameters; /* ";TYPE=home;PREF", upper case */
    char *value;      /* decoded, with its backslashes; base64 as it came */
    unsigned card;    /* number of the card in the file, from 0 */
};

struct vcard_file {
    struct vcard_property *properties;
    size_t count;
    unsigned cards;
};

void vcard_parse(struct vcard_file *f, const char *data, size_t len);
void vcard_clear(struct vcard_file *f);

/* Whether TYPE (or, in 2.1, a bare word) says so; type in upper case. */
bool vcard_has_type(const struct vcard_property *p, const char *type);
/* Whether the value is base64 rather than text. */
bool vcard_is_base64(const struct vcard_property *p);
/* The whole value without escapes; "" when empty. */
char *vcard_text(const struct vcard_property *p);
/* The part between separators (';' of N and ADR, ',' of lists) by number; NULL behind the last. */
char *vcard_part(const struct vcard_property *p, char separator, size_t number);

#endif
