#include "tests/m365sim/mime_write.h"

#include "common/base/clock.h"
#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/m365sim/files.h"
#include "tests/m365sim/message.h"
#include "tests/m365sim/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES 57u /* become 76 characters of base64 */
#define WORD_BYTES 42u /* of text in one encoded word */

static const char *
text_of(const json_t *o, const char *name)
{
    const char *text = json_string_value(json_object_get(o, name));
    return text != NULL ? text : "";
}

static bool
is_plain(const char *text)
{
    for (const char *p = text; *p != '\0'; p++)
        if (*p < ' ' || *p > '~')
            return false;
    return strstr(text, "=?") == NULL;
}

/* Encoded words of whole characters, folded. */
static void
write_words(FILE *out, const char *text)
{
    char word[ENCODING_BASE64_LEN(WORD_BYTES + 4)];
    bool first = true;
    while (*text != '\0') {
        size_t n = strnlen(text, WORD_BYTES);
        while (((unsigned char)text[n] & 0xc0) == 0x80)
            n--;
        encoding_base64(text, n, word);
        fprintf(out, "%s=?utf-8?B?%s?=", first ? "" : "\r\n ", word);
        text += n;
        first = false;
    }
}

static void
write_text_header(FILE *out, const char *name, const char *text)
{
    fprintf(out, "%s: ", name);
    if (is_plain(text) && strlen(text) < 900)
        fputs(text, out);
    else
        write_words(out, text);
    fputs("\r\n", out);
}

static void
write_person(FILE *out, const json_t *recipient)
{
    const json_t *e = json_object_get(recipient, "emailAddress");
    const char *name = text_of(e, "name"), *address = text_of(e, "address");
    if (name[0] != '\0' && strcmp(name, address) != 0) {
        if (!is_plain(name)) {
            write_words(out, name);
        } else {
            fputc('"', out);
            for (const char *p = name; *p != '\0'; p++) {
                if (*p == '"' || *p == '\\')
                    fputc('\\', out);
                fputc(*p, out);
            }
            fputc('"', out);
        }
        fputc(' ', out);
    }
    fputc('<', out);
    for (const char *p = address; *p != '\0'; p++)
        if (*p != '\r' && *p != '\n')
            fputc(*p, out);
    fputc('>', out);
}

static void
write_people(FILE *out, const char *name, const json_t *document, const char *property)
{
    size_t i;
    const json_t *one, *list = json_object_get(document, property);
    if (json_is_object(list)) {
        fprintf(out, "%s: ", name);
        write_person(out, list);
        fputs("\r\n", out);
        return;
    }
    json_array_foreach (list, i, one) {
        fprintf(out, i == 0 ? "%s: " : ",\r\n ", name);
        write_person(out, one);
    }
    if (json_array_size(list) > 0)
        fputs("\r\n", out);
}

static void
write_date(FILE *out, int64_t wall_ms)
{
    char text[60];
    struct tm tm;
    time_t seconds = (time_t)(wall_ms / 1000);
    gmtime_r(&seconds, &tm);
    strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S +0000", &tm);
    fprintf(out, "Date: %s\r\n", text);
}

static void
write_own_headers(FILE *out, const json_t *document)
{
    size_t i;
    const json_t *one;
    json_array_foreach (json_object_get(document, "internetMessageHeaders"), i, one) {
        const char *name = text_of(one, "name");
        if (name[0] != '\0' &&
            strspn(name, "-_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") == strlen(name))
            write_text_header(out, name, text_of(one, "value"));
    }
}

static const char *
extended(const json_t *document, const char *id)
{
    size_t i;
    const json_t *one;
    json_array_foreach (json_object_get(document, "singleValueExtendedProperties"), i, one) {
        if (strcasecmp(text_of(one, "id"), id) == 0)
            return text_of(one, "value");
    }
    return "";
}

static void
write_headers(FILE *out, const struct message *m, const json_t *document)
{
    int64_t sent = m->mtime_ns / 1000000;
    clock_parse_ms(text_of(document, "sentDateTime"), &sent);
    write_people(out, "From", document, "from");
    if (!json_equal(json_object_get(document, "from"), json_object_get(document, "sender")))
        write_people(out, "Sender", document, "sender");
    write_people(out, "To", document, "toRecipients");
    write_people(out, "Cc", document, "ccRecipients");
    write_people(out, "Bcc", document, "bccRecipients");
    write_people(out, "Reply-To", document, "replyTo");
    write_text_header(out, "Subject", text_of(document, "subject"));
    write_date(out, sent);
    if (text_of(document, "internetMessageId")[0] != '\0')
        write_text_header(out, "Message-ID", text_of(document, "internetMessageId"));
    if (extended(document, "String 0x1042")[0] != '\0')
        write_text_header(out, "In-Reply-To", extended(document, "String 0x1042"));
    if (extended(document, "String 0x1039")[0] != '\0')
        write_text_header(out, "References", extended(document, "String 0x1039"));
    if (strcmp(text_of(document, "importance"), "high") == 0 || strcmp(text_of(document, "importance"), "low") == 0)
        write_text_header(out, "Importance", text_of(document, "importance"));
    write_own_headers(out, document);
    fputs("MIME-Version: 1.0\r\n", out);
}

static void
write_base64(FILE *out, const uint8_t *data, size_t len)
{
    char line[ENCODING_BASE64_LEN(LINE_BYTES)];
    for (size_t i = 0; i < len; i += LINE_BYTES) {
        encoding_base64(data + i, len - i < LINE_BYTES ? len - i : LINE_BYTES, line);
        fprintf(out, "%s\r\n", line);
    }
}

static void
write_body(FILE *out, const json_t *document)
{
    const json_t *body = json_object_get(document, "body");
    const char *content = text_of(body, "content");
    bool html = strcasecmp(text_of(body, "contentType"), "html") == 0;
    fprintf(out, "Content-Type: text/%s; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n",
            html ? "html" : "plain");
    write_base64(out, (const uint8_t *)content, strlen(content));
}

static void
write_file_name(FILE *out, const char *name)
{
    fputs("; filename*=utf-8''", out);
    for (const unsigned char *p = (const unsigned char *)name; *p != '\0'; p++) {
        if ((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || *p == '.' || *p == '-')
            fputc(*p, out);
        else
            fprintf(out, "%%%02X", *p);
    }
}

static int
write_attachment(FILE *out, const struct message *m, const json_t *a, struct error *err)
{
    uint8_t block[LINE_BYTES * 1000];
    char suffix[32];
    snprintf(suffix, sizeof(suffix), "a%d", (int)json_integer_value(json_object_get(a, "_number")));
    CLEANUP(memory_free_p) char *path = tree_state_path(m->tree, m->key, suffix);
    FILE *in = fopen(path, "re");
    if (in == NULL)
        return FAIL(err, ERROR_IO, errno, "an attachment file is gone");
    const char *type = text_of(a, "contentType"), *id = text_of(a, "contentId");
    bool item = strcmp(type, "message/rfc822") == 0;
    fprintf(out, "Content-Type: %s\r\nContent-Disposition: %s",
            is_plain(type) && type[0] != '\0' ? type : "application/octet-stream",
            json_is_true(json_object_get(a, "isInline")) ? "inline" : "attachment");
    write_file_name(out, text_of(a, "name"));
    fputs("\r\n", out);
    if (id[0] != '\0' && is_plain(id))
        fprintf(out, "Content-ID: <%s>\r\n", id);
    fprintf(out, "Content-Transfer-Encoding: %s\r\n\r\n", item ? "8bit" : "base64");
    for (size_t n; (n = fread(block, 1, sizeof(block), in)) > 0;) {
        if (item)
            fwrite(block, 1, n, out);
        else
            write_base64(out, block, n);
    }
    fclose(in);
    return 0;
}

static int
write_message(FILE *out, const struct message *m, const json_t *document, struct error *err)
{
    size_t i;
    const json_t *one, *list = json_object_get(document, "_attachments");
    write_headers(out, m, document);
    if (json_array_size(list) == 0) {
        write_body(out, document);
        return 0;
    }
    char boundary[40];
    snprintf(boundary, sizeof(boundary), "=_m365sim_%016llx", (unsigned long long)m->key);
    fprintf(out, "Content-Type: multipart/mixed; boundary=\"%s\"\r\n\r\n--%s\r\n", boundary, boundary);
    write_body(out, document);
    json_array_foreach (list, i, one) {
        fprintf(out, "\r\n--%s\r\n", boundary);
        if (write_attachment(out, m, one, err) != 0)
            return -1;
    }
    fprintf(out, "\r\n--%s--\r\n", boundary);
    return 0;
}

int
mime_write(const struct message *m, const json_t *document, const char *temporary, struct error *err)
{
    int fd = files_temporary(temporary, err);
    int other = fd < 0 ? -1 : dup(fd);
    FILE *out = other < 0 ? NULL : fdopen(other, "w");
    if (out == NULL) {
        if (other >= 0)
            close(other);
        if (fd >= 0)
            close(fd);
        return FAIL(err, ERROR_IO, errno, "a temporary file cannot be made");
    }
    int result = write_message(out, m, document, err);
    if (fclose(out) != 0 && result == 0)
        result = FAIL(err, ERROR_IO, errno, "write a temporary file: %s", strerror(errno));
    if (result == 0)
        return fd;
    close(fd);
    return -1;
}
