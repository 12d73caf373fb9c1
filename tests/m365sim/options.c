#include "tests/m365sim/options.h"

#include "common/base/error.h"

#include <getopt.h>
#include <stddef.h>
#include <string.h>

static const char help[] = "m365sim: serves a folder as a Microsoft 365 tenant\n"
                           "\n"
                           "  m365sim --tenant DIR --cert server.pem --key server.key [options]\n"
                           "  m365sim --make-cert DIR     writes ca.pem, server.pem and server.key for localhost\n"
                           "\n"
                           "  --tenant DIR          users/<upn>/{mail,drive}, sites/<name>/drive, tenant.tsv\n"
                           "  --listen HOST:PORT    default 127.0.0.1:0 (any free port)\n"
                           "  --cert FILE --key FILE  PEM\n"
                           "  --state DIR           keeps what is made through the API over restarts\n"
                           "  --client-id ID        default 00000000-0000-4000-8000-00000000c11e\n"
                           "  --client-secret S     accepted secret\n"
                           "  --client-cert FILE    PEM certificate whose assertions are accepted\n"
                           "  --tenant-id ID        default 00000000-0000-4000-8000-0000000074a7\n"
                           "  --limits FILE|off     Microsoft's throttling limits (see limits.json); default off\n"
                           "  --ready-file FILE     receives the port number once requests are taken\n";

const char *
options_help(void)
{
    return help;
}

static const struct option long_options[] = {
    { "tenant", required_argument, NULL, 't' },
    { "listen", required_argument, NULL, 'l' },
    { "cert", required_argument, NULL, 'c' },
    { "key", required_argument, NULL, 'k' },
    { "state", required_argument, NULL, 's' },
    { "client-id", required_argument, NULL, 'i' },
    { "client-secret", required_argument, NULL, 'p' },
    { "client-cert", required_argument, NULL, 'a' },
    { "tenant-id", required_argument, NULL, 'd' },
    { "limits", required_argument, NULL, 'm' },
    { "ready-file", required_argument, NULL, 'r' },
    { "make-cert", required_argument, NULL, 'g' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

static const char **
option_slot(struct options *o, int c)
{
    const struct {
        int c;
        const char **slot;
    } slots[] = {
        { 't', &o->tenant }, { 'l', &o->listen },     { 'c', &o->certificate },        { 'k', &o->key },
        { 's', &o->state },  { 'i', &o->client_id },  { 'p', &o->client_secret },      { 'd', &o->tenant_id },
        { 'm', &o->limits }, { 'r', &o->ready_file }, { 'a', &o->client_certificate }, { 'g', &o->make_cert },
    };
    for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++)
        if (slots[i].c == c)
            return slots[i].slot;
    return NULL;
}

int
options_parse(struct options *o, int argc, char **argv, struct error *err)
{
    memset(o, 0, sizeof(*o));
    o->listen = "127.0.0.1:0";
    o->client_id = "00000000-0000-4000-8000-00000000c11e";
    o->tenant_id = "00000000-0000-4000-8000-0000000074a7";
    optind = 1;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
        const char **slot = option_slot(o, c);
        if (c == 'h')
            o->help = true;
        else if (slot != NULL)
            *slot = optarg;
        else
            return FAIL(err, ERROR_USAGE, 0, "unknown option or missing value: %s", argv[optind - 1]);
    }
    if (optind < argc)
        return FAIL(err, ERROR_USAGE, 0, "unexpected argument %s", argv[optind]);
    if (o->help || o->make_cert != NULL)
        return 0;
    if (o->tenant == NULL || o->certificate == NULL || o->key == NULL)
        return FAIL(err, ERROR_USAGE, 0, "--tenant, --cert and --key are needed (--make-cert makes the last two)");
    if (o->client_secret == NULL && o->client_certificate == NULL)
        o->client_secret = "sim-secret";
    return 0;
}
