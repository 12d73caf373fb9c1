#ifndef LONGHAUL_TESTS_GOLDEN_CONTENT_H
#define LONGHAUL_TESTS_GOLDEN_CONTENT_H

/* What the golden vaults hold: shared by the program that made them and the test that reads them for ever. */

#include <stdio.h>
#include <stdlib.h>
#include "common/base/buffer.h"
#include "common/vault/catalog.h"
#include "common/vault/vault_writer.h"

#define GOLDEN_VAULT    "vault-golden"
#define GOLDEN_POINT    "point-golden"
#define GOLDEN_SCOPE    "object-golden"
#define GOLDEN_PASSWORD "a golden password"
#define GOLDEN_CURSOR   "{\"delta\":\"golden\"}"
#define GOLDEN_METADATA "{\"categories\":[\"Blue\"]}"
#define GOLDEN_TIME     1700000000000
#define GOLDEN_MAX      ((size_t)1 << 20)

struct golden_item {
    enum catalog_kind kind;
    const char *id, *parent, *name, *subject;
    void (*content)(struct buffer *out); /* NULL: none */
    unsigned since;                      /* version of the format */
};

static inline void
golden_append(struct buffer *out, const char *text)
{
    struct error *ignored = NULL;
    if (buffer_append_text(out, text, ignored) != 0)
        abort();
}

/* A message with an attachment of 57 bytes a line, which becomes a content of its own. */
static inline void
golden_message(struct buffer *out)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    golden_append(out,
                  "From: Ada <ada@contoso.example>\r\nSubject: golden\r\nMIME-Version: 1.0\r\n"
                  "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nHello.\r\n"
                  "--x\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n");
    for (unsigned line = 0; line < 40; line++) {
        char text[79];
        for (unsigned i = 0; i < 76; i++)
            text[i] = alphabet[(i * i + line * 7) % 64];
        memcpy(text + 76, "\r\n", 3);
        golden_append(out, text);
    }
    golden_append(out, "Z29sZA==\r\n--x--\r\n");
}

/* Quoted-printable, twice: as Outlook breaks lines, and without the last soft break it can do without. */
static inline void
golden_quoted(struct buffer *out)
{
    golden_append(out, "Subject: quoted\r\n\r\n");
    for (unsigned i = 0; i < 20; i++)
        golden_append(out, "Gr=C3=BC=C3=9Fe aus M=C3=BCnchen, und eine Zeile, die l=C3=A4nger als andere is=\r\n"
                           "t =3D weiter.=20\r\n");
    golden_append(out, "--x\n");
    for (unsigned i = 0; i < 20; i++)
        golden_append(out, "=e4 line of seventy-six characters and no more, so that no soft break is in i=\nt\n");
}

/* A part that becomes a content of its own. */
static inline void
golden_long_quoted(struct buffer *out)
{
    golden_append(out, "Subject: long\n\n");
    for (unsigned i = 0; i < 600; i++)
        golden_append(out, "<p style=3D\"margin: 0\">=C3=84hnliches</p>\n");
}

static inline void
golden_note(struct buffer *out)
{
    golden_append(out, "Subject: note\n\nA message without parts.\n");
}

/* Several equal chunks below a list. */
static inline void
golden_zeros(struct buffer *out)
{
    static const char zeros[1000];
    for (int i = 0; i < 600; i++)
        if (buffer_append(out, zeros, sizeof(zeros), NULL) != 0)
            abort();
}

static inline void
golden_text(struct buffer *out)
{
    char line[64];
    for (unsigned i = 0; i < 100; i++) {
        snprintf(line, sizeof(line), "line %u of a small file\n", i);
        golden_append(out, line);
    }
}

static inline void
golden_empty(struct buffer *out)
{
    (void)out;
}

/* In the order of their keys. */
static const struct golden_item golden_items[] = {
    { CATALOG_FOLDER, "inbox", NULL, "Inbox", NULL, NULL, 1 },
    { CATALOG_MESSAGE, "message-1", "inbox", NULL, "golden", golden_message, 1 },
    { CATALOG_MESSAGE, "message-2", "inbox", NULL, "note", golden_note, 1 },
    { CATALOG_MESSAGE, "message-3", "inbox", NULL, "quoted", golden_quoted, 2 },
    { CATALOG_MESSAGE, "message-4", "inbox", NULL, "long", golden_long_quoted, 2 },
    { CATALOG_FILE, "empty", NULL, "empty.txt", NULL, golden_empty, 1 },
    { CATALOG_FILE, "text", NULL, "text.txt", NULL, golden_text, 1 },
    { CATALOG_FILE, "zeros", NULL, "zeros.bin", NULL, golden_zeros, 1 },
};

/* Messages without content, so that the trees have several levels since version 3, which cuts them its own way. They
 * stand before the other messages. */
#define GOLDEN_FILLERS       1500
#define GOLDEN_FILLER_ID_LEN 12

static inline void
golden_filler_id(unsigned number, char id[GOLDEN_FILLER_ID_LEN + 1])
{
    snprintf(id, GOLDEN_FILLER_ID_LEN + 1, "filler-%05u", number);
}

static inline size_t
golden_fillers(unsigned version)
{
    return version >= 3 ? GOLDEN_FILLERS : 0;
}

/* The first item from at on that a vault of this version holds; beyond the last: none. */
static inline size_t
golden_next(size_t at, unsigned version)
{
    while (at < sizeof(golden_items) / sizeof(golden_items[0]) && golden_items[at].since > version)
        at++;
    return at;
}

static inline size_t
golden_count(unsigned version)
{
    size_t count = 0;
    for (size_t i = 0; i < sizeof(golden_items) / sizeof(golden_items[0]); i++)
        count += golden_items[i].since <= version;
    return count + golden_fillers(version);
}

#endif
