#include "tests/sample/sample_mail.h"

#include "common/base/encoding.h"

#include <string.h>
#include <time.h>

static const char *const words[] = { "quarter", "report",  "please",  "review", "the",      "attached", "draft",
                                     "budget",  "meeting", "we",      "agreed", "on",       "delivery", "of",
                                     "pumps",   "to",      "harbour", "site",   "before",   "Friday",   "and",
                                     "invoice", "number",  "is",      "open",   "customer", "asks",     "for",
                                     "a",       "second",  "offer",   "with",   "terms",    "unchanged" };

/* splitmix64: the same tenant on every machine. */
uint32_t
sample_random_next(struct sample_random *random, uint32_t below)
{
    uint64_t z = (random->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ (z >> 31)) % below);
}

void
sample_text(struct sample_random *random, size_t len, FILE *out)
{
    size_t column = 0;
    for (size_t written = 0; written < len;) {
        const char *word = words[sample_random_next(random, sizeof(words) / sizeof(words[0]))];
        size_t n = strlen(word) + 1;
        if (column + n > 70) {
            fputs("\r\n", out);
            column = 0;
            written += 2;
        }
        fprintf(out, "%s ", word);
        column += n;
        written += n;
    }
    fputs("\r\n", out);
}

static void
write_base64(const uint8_t *data, size_t len, FILE *out)
{
    for (size_t at = 0; at < len; at += 57) {
        char line[ENCODING_BASE64_LEN(57)];
        encoding_base64(data + at, len - at < 57 ? len - at : 57, line);
        fprintf(out, "%s\r\n", line);
    }
}

static void
write_headers(const struct sample_message *m, FILE *out)
{
    char date[64];
    time_t sent = (time_t)m->sent;
    struct tm tm;
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", gmtime_r(&sent, &tm));
    fprintf(out, "Received: from mx1.example by mailbox.contoso.example with ESMTPS; %s\r\n", date);
    fprintf(out, "From: %s <%s>\r\nTo: %s <%s>\r\n", m->from->name, m->from->address, m->to->name, m->to->address);
    fprintf(out, "Subject: %s\r\nDate: %s\r\n", m->subject, date);
    fprintf(out, "Message-ID: <sample-%d@contoso.example>\r\nMIME-Version: 1.0\r\n", m->number);
}

static void
write_html(struct sample_random *random, const char *boundary, FILE *out)
{
    fprintf(out,
            "--%s\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
            boundary);
    fputs("<html><body><p style=3D\"color:#333\">Gr=C3=BC=C3=9Fe,</p><p>", out);
    sample_text(random, 300, out);
    fputs("</p></body></html>\r\n", out);
}

void
sample_mail_write(struct sample_random *random, const struct sample_message *m, FILE *out)
{
    write_headers(m, out);
    if (m->attachment == NULL && m->number % 3 != 0) {
        fputs("Content-Type: text/plain; charset=utf-8\r\n\r\n", out);
        sample_text(random, 200 + sample_random_next(random, 3000), out);
        return;
    }
    const char *boundary = "=_sample_boundary_42";
    const char *kind = m->attachment != NULL ? "mixed" : "alternative";
    fprintf(out, "Content-Type: multipart/%s; boundary=\"%s\"\r\n\r\n", kind, boundary);
    fprintf(out, "--%s\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n", boundary);
    sample_text(random, 400 + sample_random_next(random, 1500), out);
    if (m->attachment != NULL) {
        fprintf(out, "\r\n--%s\r\nContent-Type: application/octet-stream\r\n", boundary);
        fprintf(out, "Content-Disposition: attachment; filename=\"%s\"\r\nContent-Transfer-Encoding: base64\r\n\r\n",
                m->attachment_name);
        write_base64(m->attachment, m->attachment_len, out);
    } else {
        fputs("\r\n", out);
        write_html(random, boundary, out);
    }
    fprintf(out, "--%s--\r\n", boundary);
}
