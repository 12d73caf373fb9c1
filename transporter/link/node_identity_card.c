#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/identifier.h"
#include "common/base/memory.h"
#include "transporter/link/node_identity_internal.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT 1

char *
node_identity_card_write(const struct node_identity_facts *facts, struct error *err)
{
    char grant_key[ENCODING_BASE64_LEN(KEY_POINT_LEN)];
    encoding_base64(facts->grant_key, KEY_POINT_LEN, grant_key);
    json_t *root = json_pack("{si ss ss s{ss ss si} ss ss ss}", "format", FORMAT, "node_id", facts->node_id, "name",
                             facts->name, "director", "node_id", facts->director_node_id, "host", facts->director_host,
                             "port", (int)facts->director_port, "grant_key", grant_key, "certificate_pem",
                             facts->certificate_pem, "authority_pem", facts->authority_pem);
    char *text = root != NULL ? json_dumps(root, JSON_INDENT(2)) : NULL;
    json_decref(root);
    if (text == NULL)
        FAIL(err, ERROR_FORMAT, 0, "the node's identity cannot be written: a text in it is not UTF-8");
    return text;
}

static int
read_fields(struct node_identity_card *card, struct error *err)
{
    struct node_identity_facts *f = &card->facts;
    const char *grant_key = NULL;
    int format = 0, port = 0;
    json_error_t why;
    if (json_unpack_ex(card->root, &why, 0, "{si}", "format", &format) == 0 && format != FORMAT)
        return FAIL(err, ERROR_CONFIG, 0, "written by a newer program (format %d)", format);
    if (json_unpack_ex(card->root, &why, 0, "{si ss ss s{ss ss si} ss ss ss}", "format", &format, "node_id",
                       &f->node_id, "name", &f->name, "director", "node_id", &f->director_node_id, "host",
                       &f->director_host, "port", &port, "grant_key", &grant_key, "certificate_pem",
                       &f->certificate_pem, "authority_pem", &f->authority_pem) != 0)
        return FAIL(err, ERROR_CONFIG, 0, "not a node's identity: %s", why.text);
    size_t len = sizeof(card->grant_key);
    if (encoding_unbase64(grant_key, strlen(grant_key), card->grant_key, &len, NULL) != 0 ||
        key_pair_check_point(card->grant_key, len, NULL) != 0)
        return FAIL(err, ERROR_CONFIG, 0, "its grant_key is no public key");
    if (!identifier_valid(f->node_id) || !identifier_valid(f->director_node_id) || port < 1 || port > 65535 ||
        *f->director_host == '\0')
        return FAIL(err, ERROR_CONFIG, 0, "an id or the director's address in it is malformed");
    f->director_port = (uint16_t)port;
    f->grant_key = card->grant_key;
    return 0;
}

struct node_identity_card *
node_identity_card_read(const char *text, size_t len, struct error *err)
{
    json_error_t why;
    struct node_identity_card *card = MEMORY_NEW(struct node_identity_card);
    card->root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
    if (card->root == NULL)
        FAIL(err, ERROR_CONFIG, 0, "not JSON: line %d: %s", why.line, why.text);
    else if (read_fields(card, err) == 0)
        return card;
    node_identity_card_free(card);
    return NULL;
}

void
node_identity_card_free(struct node_identity_card *card)
{
    if (card == NULL)
        return;
    json_decref(card->root);
    free(card);
}
