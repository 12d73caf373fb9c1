#include "director/cli/cli_tenant_id.h"

#include "common/base/error.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#define DOMAIN_MAX 253
#define LABEL_MAX  63

static bool
is_guid(const char *text)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

    if (strlen(text) != strlen(form))
        return false;
    for (size_t i = 0; form[i] != '\0'; i++)
        if (form[i] == '-' ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
            return false;
    return true;
}

static bool
is_label(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)text[i]) && text[i] != '-')
            return false;
    return len > 0 && len <= LABEL_MAX && text[0] != '-' && text[len - 1] != '-';
}

/* Two labels or more, of which the last one is no number. */
static bool
is_domain(const char *text)
{
    size_t labels = 0;

    if (strlen(text) > DOMAIN_MAX)
        return false;
    for (;; text++) {
        size_t len = strcspn(text, ".");
        if (!is_label(text, len))
            return false;
        labels++;
        if (text[len] == '\0')
            return labels > 1 && isalpha((unsigned char)text[0]);
        text += len;
    }
}

int
cli_tenant_id_check(const char *text, struct error *err)
{
    if (is_guid(text) || is_domain(text))
        return 0;
    return FAIL(err, ERROR_USAGE, 0,
                "\"%.80s\" is no tenant id: that is a GUID such as 8d2b6a34-0000-4c0f-9a11-5d1b2c3d4e5f (Directory "
                "(tenant) ID in the Entra admin centre), or a domain name such as contoso.onmicrosoft.com",
                text);
}
