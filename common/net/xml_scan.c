#include "common/net/xml_scan.h"

#include "common/base/buffer.h"
#include "common/base/error.h"

#include <expat.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#define SPACE " \t\r\n"

struct scan {
    XML_Parser parser;
    xml_scan_fn *visit;
    void *ctx;
    char path[XML_SCAN_PATH];
    size_t ends[XML_SCAN_DEPTH]; /* length of the path above each open element */
    size_t text_starts[XML_SCAN_DEPTH];
    size_t depth;
    struct buffer text; /* of all open elements, the innermost last */
    struct error err;
};

static void
stop(struct scan *scan)
{
    XML_StopParser(scan->parser, XML_FALSE);
}

static void XMLCALL
on_expat_start(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
    (void)attributes;
    struct scan *scan = ctx;
    const char *colon = strrchr(name, ':');
    const char *local = colon != NULL && colon[1] != '\0' ? colon + 1 : name;
    size_t at = strlen(scan->path), len = strlen(local);

    if (error_is_set(&scan->err))
        return;
    if (scan->depth == XML_SCAN_DEPTH || at + len + 2 > sizeof(scan->path)) {
        FAIL(&scan->err, ERROR_LIMIT, 0, "XML answer is nested too deeply");
        stop(scan);
        return;
    }
    scan->ends[scan->depth] = at;
    scan->text_starts[scan->depth++] = scan->text.len;
    if (at > 0)
        scan->path[at++] = '/';
    memcpy(scan->path + at, local, len + 1);
}

static void XMLCALL
on_expat_text(void *ctx, const XML_Char *text, int len)
{
    struct scan *scan = ctx;

    if (scan->depth == 0 || error_is_set(&scan->err))
        return;
    size_t held = scan->text.len - scan->text_starts[scan->depth - 1];
    if (held + (size_t)len > XML_SCAN_TEXT || buffer_append(&scan->text, text, (size_t)len, &scan->err) != 0) {
        FAIL(&scan->err, ERROR_LIMIT, 0, "XML answer has an element with too much text");
        stop(scan);
    }
}

static void XMLCALL
on_expat_end(void *ctx, const XML_Char *name)
{
    (void)name;
    struct scan *scan = ctx;

    if (error_is_set(&scan->err))
        return;
    size_t start = scan->text_starts[--scan->depth];
    while (scan->text.len > start && strchr(SPACE, scan->text.data[scan->text.len - 1]) != NULL)
        scan->text.len--;
    const char *text = buffer_text(&scan->text, &scan->err);
    if (text == NULL || scan->visit(scan->ctx, scan->path, text + start + strspn(text + start, SPACE), &scan->err) != 0)
        stop(scan);
    scan->text.len = start;
    scan->path[scan->ends[scan->depth]] = '\0';
}

static void XMLCALL
on_expat_doctype(void *ctx, const XML_Char *name, const XML_Char *sysid, const XML_Char *pubid, int internal)
{
    (void)name;
    (void)sysid;
    (void)pubid;
    (void)internal;
    struct scan *scan = ctx;
    FAIL(&scan->err, ERROR_FORMAT, 0, "XML answer with a DTD is refused");
    stop(scan);
}

int
xml_scan(const void *data, size_t len, xml_scan_fn *visit, void *ctx, struct error *err)
{
    struct scan scan = {
        .visit = visit, .ctx = ctx, .text = BUFFER_INIT(XML_SCAN_DEPTH * XML_SCAN_TEXT + 1), .err = ERROR_INIT
    };

    if (len > INT_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "XML answer is too large");
    scan.parser = XML_ParserCreate(NULL);
    if (scan.parser == NULL)
        return FAIL(err, ERROR_LIMIT, 0, "out of memory for an XML answer");
    XML_SetUserData(scan.parser, &scan);
    XML_SetElementHandler(scan.parser, on_expat_start, on_expat_end);
    XML_SetCharacterDataHandler(scan.parser, on_expat_text);
    XML_SetStartDoctypeDeclHandler(scan.parser, on_expat_doctype);
    bool whole = XML_Parse(scan.parser, data, (int)len, 1) == XML_STATUS_OK;
    int native = (int)XML_GetErrorCode(scan.parser);
    XML_ParserFree(scan.parser);
    buffer_clear(&scan.text);
    if (error_is_set(&scan.err)) {
        if (err != NULL && !error_is_set(err))
            *err = scan.err;
        return -1;
    }
    return whole ? 0 : FAIL(err, ERROR_FORMAT, native, "answer is not well-formed XML");
}
