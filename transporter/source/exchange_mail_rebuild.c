#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/graph/graph_json.h"
#include "transporter/graph/graph_pager.h"
#include "transporter/graph/graph_url.h"
#include "transporter/source/exchange_mail_internal.h"
#include "transporter/source/mime_compose.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

/* Cannot occur in base64, the only thing between two of them. */
#define BOUNDARY "=_longhaul_rebuilt"

static const char *const immutable[] = { "Prefer: IdType=\"ImmutableId\"" };

struct rebuild {
    struct source *source;
    const char *message_id;
    struct mime_compose compose;
    unsigned lost; /* attachments the service does not hand out */
};

static json_t *
ask_message(const struct rebuild *r, struct graph_response *response, struct error *err)
{
    CLEANUP(memory_free_p)
    char *url = graph_url("/users/%s/messages/%s?$select=subject,from,sender,toRecipients,ccRecipients,bccRecipients,"
                          "replyTo,sentDateTime,internetMessageId,internetMessageHeaders,body",
                          r->source->user, r->message_id);
    const struct graph_request request = {
        .url = url,
        .service = GRAPH_EXCHANGE,
        .mailbox = r->source->user,
        .headers = immutable,
        .header_count = 1,
        .cancel = r->source->cancel,
    };
    return graph_client_json(r->source->graph, &request, response, err);
}

static bool
has_header(const json_t *message, const char *name)
{
    size_t index;
    const json_t *header;

    json_array_foreach (json_object_get(message, "internetMessageHeaders"), index, header) {
        if (strcasecmp(graph_json_text(header, "name"), name) == 0)
            return true;
    }
    return false;
}

/* What came with the message, but for what describes the parts: those are made anew. */
static int
put_original_headers(struct rebuild *r, const json_t *message, struct error *err)
{
    size_t index;
    const json_t *header;

    json_array_foreach (json_object_get(message, "internetMessageHeaders"), index, header) {
        const char *name = graph_json_text(header, "name");
        bool sound = name[0] != '\0';
        for (const char *p = name; *p != '\0'; p++)
            sound &= *p > ' ' && *p < 0x7f && *p != ':';
        if (sound && strncasecmp(name, "Content-", 8) != 0 && strcasecmp(name, "MIME-Version") != 0 &&
            mime_compose_header_again(&r->compose, name, graph_json_text(header, "value"), err) != 0)
            return -1;
    }
    return 0;
}

/* "Name <address>" with the name in encoded words; free(). */
static char *
mailbox_text(const json_t *person)
{
    const json_t *email = graph_json_object(person, "emailAddress");
    const char *name = graph_json_text(email, "name");
    CLEANUP(memory_free_p) char *address = memory_strdup(graph_json_text(email, "address"));
    CLEANUP(memory_free_p) char *quotable = memory_strdup(name);

    for (char *p = address; *p != '\0'; p++)
        if (strchr("<>\r\n", *p) != NULL)
            *p = '_';
    for (char *p = quotable; *p != '\0'; p++)
        if (strchr("\"\\", *p) != NULL)
            *p = '\'';
    CLEANUP(memory_free_p) char *words = mime_compose_words(quotable);
    if (name[0] == '\0' || strcmp(name, address) == 0)
        return memory_printf("<%s>", address);
    return memory_printf(strncmp(words, "=?", 2) == 0 ? "%s <%s>" : "\"%s\" <%s>", words, address);
}

static int
put_people(struct rebuild *r, const json_t *message, const char *header, const char *property, struct error *err)
{
    const json_t *value = json_object_get(message, property), *person;
    char *line = NULL;
    size_t index;

    if (has_header(message, header))
        return 0;
    if (json_is_object(value))
        line = mailbox_text(value);
    json_array_foreach (value, index, person) {
        CLEANUP(memory_free_p) char *one = mailbox_text(person);
        char *longer = line == NULL ? memory_strdup(one) : memory_printf("%s,\r\n %s", line, one);
        free(line);
        line = longer;
    }
    int status = line != NULL ? mime_compose_header_as_is(&r->compose, header, line, err) : 0;
    free(line);
    return status;
}

static int
put_date(struct rebuild *r, const json_t *message, struct error *err)
{
    /* RFC 5322 section 3.3 names days and months in English, whatever the locale. */
    static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    int64_t sent_ms = graph_json_time(message, "sentDateTime");
    time_t sent = (time_t)(sent_ms / 1000);
    struct tm tm;

    if (has_header(message, "Date") || sent_ms <= 0 || gmtime_r(&sent, &tm) == NULL)
        return 0;
    CLEANUP(memory_free_p)
    char *text = memory_printf("%s, %02d %s %04d %02d:%02d:%02d +0000", days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
                               tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
    return mime_compose_header(&r->compose, "Date", text, err);
}

static int
put_headers(struct rebuild *r, const json_t *message, struct error *err)
{
    static const struct {
        const char *header, *property;
    } people[] = { { "From", "from" },       { "Sender", "sender" },     { "To", "toRecipients" },
                   { "Cc", "ccRecipients" }, { "Bcc", "bccRecipients" }, { "Reply-To", "replyTo" } };
    static const struct {
        const char *header, *property;
    } texts[] = { { "Subject", "subject" }, { "Message-ID", "internetMessageId" } };

    if (put_original_headers(r, message, err) != 0 || put_date(r, message, err) != 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(people); i++)
        if (put_people(r, message, people[i].header, people[i].property, err) != 0)
            return -1;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (!has_header(message, texts[i].header) &&
            mime_compose_header(&r->compose, texts[i].header, graph_json_text(message, texts[i].property), err) != 0)
            return -1;
    return mime_compose_line(&r->compose,
                             "MIME-Version: 1.0\r\nX-Longhaul-Content: rebuilt-from-properties\r\n"
                             "Content-Type: multipart/mixed; boundary=\"" BOUNDARY "\"\r\n",
                             err);
}

static int
put_body(struct rebuild *r, const json_t *message, struct error *err)
{
    const json_t *body = graph_json_object(message, "body");
    const char *content = graph_json_text(body, "content");
    bool html = strcasecmp(graph_json_text(body, "contentType"), "html") == 0;

    if (mime_compose_line(&r->compose, "--" BOUNDARY, err) != 0 ||
        mime_compose_line(&r->compose,
                          html ? "Content-Type: text/html; charset=utf-8" : "Content-Type: text/plain; charset=utf-8",
                          err) != 0 ||
        mime_compose_line(&r->compose, "Content-Transfer-Encoding: base64\r\n", err) != 0 ||
        mime_compose_base64(&r->compose, content, strlen(content), err) != 0)
        return -1;
    return mime_compose_base64_end(&r->compose, err);
}

static int
on_graph_bytes(void *ctx, const void *data, size_t len, struct error *err)
{
    if (fwrite(data, 1, len, ctx) == len)
        return 0;
    return FAIL(err, error_kind_from_errno(errno), errno, "temporary file: %s", strerror(errno));
}

static int
on_graph_restart(void *ctx, struct error *err)
{
    rewind(ctx);
    if (ftruncate(fileno(ctx), 0) == 0)
        return 0;
    return FAIL(err, error_kind_from_errno(errno), errno, "temporary file: %s", strerror(errno));
}

/* 1: in the file; 0: the service does not give it; -1. */
static int
fetch_attachment(struct rebuild *r, const char *id, FILE *file, struct error *err)
{
    CLEANUP(memory_free_p)
    char *url = graph_url("/users/%s/messages/%s/attachments/%s/$value", r->source->user, r->message_id, id);
    CLEANUP(graph_response_clear) struct graph_response response = { .status = 0 };
    const struct graph_request request = {
        .url = url,
        .service = GRAPH_EXCHANGE,
        .mailbox = r->source->user,
        .headers = immutable,
        .header_count = 1,
        .sink = on_graph_bytes,
        .sink_ctx = file,
        .sink_restart = on_graph_restart,
        .cancel = r->source->cancel,
    };
    if (graph_client_request(r->source->graph, &request, &response, err) == 0)
        return 1;
    struct source_outcome ignored;
    return source_outcome_judge(r->source, &response, &ignored, err);
}

static int
put_attachment(struct rebuild *r, const json_t *row, FILE *file, struct error *err)
{
    char block[16384];
    bool item = strstr(graph_json_text(row, "@odata.type"), "itemAttachment") != NULL;
    const struct mime_compose_file head = {
        .name = graph_json_text(row, "name"),
        .content_type = item ? "message/rfc822" : graph_json_text(row, "contentType"),
        .content_id = graph_json_text(row, "contentId"),
        .is_inline = graph_json_bool(row, "isInline"),
    };

    rewind(file);
    if (mime_compose_line(&r->compose, "--" BOUNDARY, err) != 0 || mime_compose_file(&r->compose, &head, err) != 0)
        return -1;
    for (size_t n; (n = fread(block, 1, sizeof(block), file)) > 0;)
        if (mime_compose_base64(&r->compose, block, n, err) != 0)
            return -1;
    if (ferror(file))
        return FAIL(err, ERROR_IO, errno, "temporary file: %s", strerror(errno));
    return mime_compose_base64_end(&r->compose, err);
}

static int
put_row(struct rebuild *r, const json_t *row, struct error *err)
{
    CLEANUP(memory_free_p) char *path = memory_printf("%s/rebuild-XXXXXX", r->source->scratch);
    int fd = mkostemp(path, O_CLOEXEC);
    FILE *file = fd >= 0 ? fdopen(fd, "w+b") : NULL;

    if (file == NULL) {
        FAIL(err, error_kind_from_errno(errno), errno, "temporary file: %s", strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    unlink(path);
    int status = fetch_attachment(r, graph_json_text(row, "id"), file, err);
    if (status == 0)
        r->lost++;
    else if (status > 0)
        status = put_attachment(r, row, file, err);
    fclose(file);
    return status;
}

static int
put_attachments(struct rebuild *r, struct error *err)
{
    CLEANUP(memory_free_p)
    char *url = graph_url("/users/%s/messages/%s/attachments?$select=id,name,contentType,isInline,"
                          "microsoft.graph.fileAttachment/contentId&$top=50",
                          r->source->user, r->message_id);
    CLEANUP(graph_pager_free_p)
    struct graph_pager *pager = graph_pager_new(&(struct graph_pager_options){
        .client = r->source->graph,
        .service = GRAPH_EXCHANGE,
        .mailbox = r->source->user,
        .url = url,
        .headers = immutable,
        .header_count = 1,
        .cancel = r->source->cancel,
    });

    for (;;) {
        CLEANUP(graph_json_unref) json_t *page = NULL;
        size_t index;
        const json_t *row;
        int status = graph_pager_next(pager, &page, err);
        if (status < 0 && graph_pager_refusal(pager).status >= 400 && graph_pager_refusal(pager).status != 401) {
            error_clear(err);
            r->lost++;
            return 0;
        }
        if (status <= 0)
            return status;
        json_array_foreach (page, index, row) {
            if (put_row(r, row, err) != 0)
                return -1;
        }
    }
}

int
exchange_mail_rebuild(struct source *source, const struct source_item *item, const struct source_sink *sink,
                      struct source_outcome *outcome, struct error *err)
{
    struct rebuild r = { .source = source, .message_id = item->id, .compose = { .sink = sink } };
    CLEANUP(graph_response_clear) struct graph_response response = { .status = 0 };
    CLEANUP(graph_json_unref) json_t *message = ask_message(&r, &response, err);

    if (message == NULL)
        return source_outcome_judge(source, &response, outcome, err);
    if (put_headers(&r, message, err) != 0 || put_body(&r, message, err) != 0 || put_attachments(&r, err) != 0 ||
        mime_compose_line(&r.compose, "--" BOUNDARY "--", err) != 0)
        return -1;
    source_outcome_good(source, outcome, r.compose.bytes);
    snprintf(outcome->reason, sizeof(outcome->reason), r.lost > 0 ? "rebuilt_incomplete" : "rebuilt");
    if (r.lost > 0)
        snprintf(outcome->detail, sizeof(outcome->detail), "%u attachments (or their list) refused", r.lost);
    return 0;
}
