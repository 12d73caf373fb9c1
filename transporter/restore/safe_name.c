#include "transporter/restore/safe_name.h"

#include "common/base/encoding.h"
#include "common/crypto/digest.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

/* An extension longer than this is no extension but part of a sentence. */
#define EXTENSION_MAX 16

static bool
is_plain(utf8proc_int32_t c)
{
    utf8proc_category_t category = utf8proc_category(c);
    return category != UTF8PROC_CATEGORY_CC && category != UTF8PROC_CATEGORY_CS && c != '/';
}

/* Stricter, for names that we make ourselves: also without marks that hide, reorder or confuse. */
static bool
is_gentle(utf8proc_int32_t c)
{
    if (c < 0x80 && strchr("\"*:<>?\\|`$", (int)c) != NULL)
        return false;
    utf8proc_category_t category = utf8proc_category(c);
    return is_plain(c) && category != UTF8PROC_CATEGORY_CF && category != UTF8PROC_CATEGORY_CO &&
           category != UTF8PROC_CATEGORY_CN && category != UTF8PROC_CATEGORY_ZL && category != UTF8PROC_CATEGORY_ZP;
}

/* Copies as much of text as fits into max bytes, '_' for what `allowed` refuses. Returns the length. */
static size_t
copy_clean(const char *text, size_t len, size_t max, bool (*allowed)(utf8proc_int32_t), char *out)
{
    const utf8proc_uint8_t *from = (const utf8proc_uint8_t *)text;
    size_t at = 0;
    for (size_t i = 0; i < len;) {
        utf8proc_int32_t c;
        utf8proc_ssize_t n = utf8proc_iterate(from + i, (utf8proc_ssize_t)(len - i), &c);
        bool keep = n > 0 && allowed(c);
        size_t taken = n > 0 ? (size_t)n : 1;
        size_t room = keep ? taken : 1;
        if (at + room > max)
            break;
        if (keep)
            memcpy(out + at, text + i, taken);
        else
            out[at] = '_';
        at += room;
        i += taken;
    }
    out[at] = '\0';
    return at;
}

static size_t
extension_at(const char *name, size_t len)
{
    const char *dot = strrchr(name, '.');
    if (dot == NULL || dot == name || len - (size_t)(dot - name) > EXTENSION_MAX || dot[1] == '\0')
        return len;
    return (size_t)(dot - name);
}

void
safe_name_file(const char *name, char out[SAFE_NAME_MAX + 1])
{
    size_t len = strlen(name);
    size_t stem = extension_at(name, len);
    char extension[EXTENSION_MAX + 1];
    size_t extension_len = copy_clean(name + stem, len - stem, EXTENSION_MAX, is_plain, extension);
    size_t at = copy_clean(name, stem, SAFE_NAME_MAX - extension_len, is_plain, out);
    memcpy(out + at, extension, extension_len + 1);
    if (out[0] == '\0' || strcmp(out, ".") == 0)
        memcpy(out, "_", 2);
    else if (strcmp(out, "..") == 0)
        memcpy(out, "__", 3);
}

/* Runs of white space become one blank; none at the ends, nor a dot at the start. Returns the length. */
static size_t
squeeze(char *text)
{
    size_t at = 0;
    for (const char *p = text; *p != '\0'; p++) {
        bool blank = *p == ' ' || *p == '_';
        if (blank && (at == 0 || text[at - 1] == *p))
            continue;
        if (at == 0 && *p == '.')
            continue;
        text[at++] = *p;
    }
    while (at > 0 && (text[at - 1] == ' ' || text[at - 1] == '.' || text[at - 1] == '_'))
        at--;
    text[at] = '\0';
    return at;
}

void
safe_name_message(const char *subject, const void *key, size_t key_len, char out[SAFE_NAME_MAX + 1])
{
    uint8_t hash[DIGEST_LEN];
    digest_sha256(key, key_len, hash);
    char clean[SAFE_NAME_SUBJECT_MAX + 1];
    copy_clean(subject, strlen(subject), SAFE_NAME_SUBJECT_MAX, is_gentle, clean);
    char digits[9];
    encoding_hex(hash, 4, digits);
    snprintf(out, SAFE_NAME_MAX + 1, "%s-%s.eml", squeeze(clean) > 0 ? clean : "mail", digits);
}

void
safe_name_numbered(const char *name, unsigned number, char out[SAFE_NAME_MAX + 1])
{
    size_t len = strlen(name);
    size_t stem = extension_at(name, len);
    char tail[16 + EXTENSION_MAX];
    int tail_len = snprintf(tail, sizeof(tail), " (%u)%s", number, name + stem);
    size_t at = copy_clean(name, stem, SAFE_NAME_MAX - (size_t)tail_len, is_plain, out);
    memcpy(out + at, tail, (size_t)tail_len + 1);
}
