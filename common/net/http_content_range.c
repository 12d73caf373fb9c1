#include "common/net/http_content_range.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int
number(const char **text, char stop, uint64_t *out)
{
    char *end;
    if (**text < '0' || **text > '9')
        return -1;
    errno = 0;
    *out = strtoull(*text, &end, 10);
    if (errno != 0 || *end != stop)
        return -1;
    *text = stop == '\0' ? end : end + 1;
    return 0;
}

int
http_content_range_parse(const char *text, uint64_t *first, uint64_t *last, uint64_t *total)
{
    if (text == NULL || strncmp(text, "bytes ", 6) != 0)
        return -1;
    text += 6;
    if (number(&text, '-', first) != 0 || number(&text, '/', last) != 0)
        return -1;
    if (strcmp(text, "*") == 0)
        *total = UINT64_MAX;
    else if (number(&text, '\0', total) != 0)
        return -1;
    return 0;
}
