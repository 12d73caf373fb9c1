#include "director/cli/cli_secret.h"

#include "common/base/memory.h"
#include "common/base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <utf8proc.h>

#define PROMPT_LIMIT 1024

/* Reads to the end into locked memory; *len is what came. */
static struct secret *
read_all(int fd, size_t *len, struct error *err)
{
    struct secret *room = secret_reserve(SECRET_MAX, err);

    *len = 0;
    while (room != NULL) {
        ssize_t n = read(fd, secret_bytes_mutable(room) + *len, SECRET_MAX - *len);
        if (n == 0)
            return room;
        if (n < 0 && errno == EINTR)
            continue;
        if (n > 0)
            *len += (size_t)n;
        if (n < 0 || *len == SECRET_MAX) {
            FAIL(err, n < 0 ? ERROR_IO : ERROR_LIMIT, errno, "a secret has at most %zu bytes", SECRET_MAX - 1);
            secret_free(room);
            room = NULL;
        }
    }
    return NULL;
}

struct secret *
cli_secret_from_file(const char *path, struct error *err)
{
    int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    size_t len;

    if (fd < 0) {
        FAIL(err, error_kind_from_errno(errno), errno, "cannot open %s: %s", path, strerror(errno));
        return NULL;
    }
    struct secret *room = read_all(fd, &len, err);
    close(fd);
    if (room == NULL) {
        error_wrap(err, "%s", path);
        return NULL;
    }
    const uint8_t *bytes = secret_bytes(room);
    while (len > 0 && (bytes[len - 1] == '\n' || bytes[len - 1] == '\r'))
        len--;
    struct secret *secret = NULL;
    if (len == 0)
        FAIL(err, ERROR_USAGE, 0, "%s is empty", path);
    else
        secret = secret_new(bytes, len, err);
    secret_free(room);
    return secret;
}

/* One line from the terminal into locked memory. */
static struct secret *
read_line(int tty, struct error *err)
{
    struct secret *room = secret_reserve(PROMPT_LIMIT, err), *secret = NULL;
    size_t len = 0;

    if (room == NULL)
        return NULL;
    while (len < PROMPT_LIMIT) {
        uint8_t *at = secret_bytes_mutable(room) + len;
        ssize_t n = read(tty, at, 1);
        if (n <= 0 || *at == '\n')
            break;
        len++;
    }
    if (len == 0 || len == PROMPT_LIMIT)
        FAIL(err, ERROR_USAGE, 0, "a secret typed in has 1 to %d bytes", PROMPT_LIMIT - 1);
    else
        secret = secret_new(secret_bytes(room), len, err);
    secret_free(room);
    return secret;
}

static struct secret *
prompt_once(int tty, const char *prompt, const char *again, struct error *err)
{
    struct termios before, silent;

    dprintf(tty, "%s%s: ", prompt, again);
    if (tcgetattr(tty, &before) != 0) {
        FAIL(err, ERROR_IO, errno, "the terminal cannot be set to hide what is typed");
        return NULL;
    }
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(tty, TCSAFLUSH, &silent);
    struct secret *secret = read_line(tty, err);
    tcsetattr(tty, TCSAFLUSH, &before);
    dprintf(tty, "\n");
    return secret;
}

static struct secret *
prompt_secret(const struct cli_secret_source *source, struct error *err)
{
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

    if (tty < 0) {
        FAIL(err, ERROR_USAGE, 0, "%s is missing: give --%s FILE ('-' is standard input) or set %s", source->prompt,
             source->option, source->variable);
        return NULL;
    }
    struct secret *secret = prompt_once(tty, source->prompt, "", err);
    if (secret != NULL && source->twice) {
        struct secret *again = prompt_once(tty, source->prompt, " again", err);
        if (again == NULL || !secret_equal(secret, again)) {
            FAIL(err, ERROR_USAGE, 0, "the two are not the same");
            secret_free(secret);
            secret = NULL;
        }
        secret_free(again);
    }
    close(tty);
    return secret;
}

struct secret *
cli_secret_read(struct cli *cli, const struct cli_secret_source *source, struct error *err)
{
    const char *path = cli_option(cli, source->option), *value = getenv(source->variable);

    if (path != NULL)
        return cli_secret_from_file(path, err);
    if (value != NULL && value[0] != '\0')
        return secret_new(value, strlen(value), err);
    return prompt_secret(source, err);
}

static size_t
put_text(uint8_t *out, const char *text, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    size_t at = 0;

    out[at++] = '"';
    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)text[i];
        if (c == '"' || c == '\\') {
            out[at++] = '\\';
            out[at++] = c;
        } else if (c < 0x20) {
            memcpy(out + at, "\\u00", 4);
            out[at + 4] = (uint8_t)digits[c >> 4];
            out[at + 5] = (uint8_t)digits[c & 15];
            at += 6;
        } else {
            out[at++] = c;
        }
    }
    out[at++] = '"';
    return at;
}

static bool
is_utf8(const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        utf8proc_int32_t point;
        utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text + i, (utf8proc_ssize_t)(len - i), &point);
        if (n <= 0)
            return false;
        i += (size_t)n;
    }
    return true;
}

struct secret *
cli_secret_object(const struct cli_secret_field *fields, size_t count, struct error *err)
{
    struct secret *room = secret_reserve(SECRET_MAX, err);
    size_t at = 0;

    if (room == NULL)
        return NULL;
    uint8_t *out = secret_bytes_mutable(room);
    out[at++] = '{';
    for (size_t i = 0; i < count; i++) {
        const char *text = fields[i].secret != NULL ? secret_text(fields[i].secret) : fields[i].text;
        size_t len = fields[i].secret != NULL ? secret_len(fields[i].secret) : text != NULL ? strlen(text) : 0;
        if (text == NULL)
            continue;
        bool fits = at + 6 * (len + strlen(fields[i].name)) + 8 < SECRET_MAX;
        if (!fits || !is_utf8(text, len)) {
            FAIL(err, fits ? ERROR_FORMAT : ERROR_LIMIT, 0, "%s is %s", fields[i].name,
                 fits ? "not UTF-8 text" : "too long");
            secret_free(room);
            return NULL;
        }
        if (at > 1)
            out[at++] = ',';
        at += put_text(out + at, fields[i].name, strlen(fields[i].name));
        out[at++] = ':';
        at += put_text(out + at, text, len);
    }
    out[at++] = '}';
    struct secret *object = secret_new(out, at, err);
    secret_free(room);
    return object;
}
