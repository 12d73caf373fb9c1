#ifndef LONGHAUL_TESTS_GOLDEN_CONTENT_H
#define LONGHAUL_TESTS_GOLDEN_CONTENT_H

/* What the golden vaults hold: shared by the program that made them and the test that reads them for ever. */

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
    { CATALOG_FOLDER, "inbox", NULL, "Inbox", NULL, NULL },
    { CATALOG_MESSAGE, "message-1", "inbox", NULL, "golden", golden_message },
    { CATALOG_MESSAGE, "message-2", "inbox", NULL, "note", golden_note },
    { CATALOG_FILE, "empty", NULL, "empty.txt", NULL, golden_empty },
    { CATALOG_FILE, "text", NULL, "text.txt", NULL, golden_text },
    { CATALOG_FILE, "zeros", NULL, "zeros.bin", NULL, golden_zeros },
};

#endif
