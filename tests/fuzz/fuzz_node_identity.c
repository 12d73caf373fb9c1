/* identity.json: what is read is written again and reads the same. */
#include "common/base/error.h"
#include "transporter/link/node_identity_internal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct node_identity_card *card = node_identity_card_read((const char *)data, len, NULL);
    if (card == NULL)
        return 0;
    char *text = node_identity_card_write(&card->facts, NULL);
    struct node_identity_card *again = text != NULL ? node_identity_card_read(text, strlen(text), NULL) : NULL;
    if (again == NULL || strcmp(again->facts.node_id, card->facts.node_id) != 0 ||
        again->facts.director_port != card->facts.director_port ||
        memcmp(again->grant_key, card->grant_key, sizeof(card->grant_key)) != 0)
        abort();
    node_identity_card_free(again);
    node_identity_card_free(card);
    free(text);
    return 0;
}
