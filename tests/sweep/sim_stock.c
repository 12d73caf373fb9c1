#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/digest.h"
#include "common/crypto/key_slot.h"
#include "common/vault/content_list.h"
#include "common/vault/message_recipe.h"
#include "common/vault/varint.h"
#include "common/vault/vault_internal.h"
#include "tests/fakes/fake_backend.h"
#include "tests/sweep/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Files of one chunk, files of two with a list, and messages whose recipes take a chunk from elsewhere: with and
 * without the parts in the item. Contents share pieces, as an attachment and a file do. */

static void
name_piece(struct hmac *naming, struct sim_piece *piece)
{
    vault_name_chunk(naming, piece->bytes, piece->len, &piece->id);
}

static struct content_ref
ref_of(const struct sim_piece *piece)
{
    return (struct content_ref){ .form = CONTENT_CHUNK, .len = piece->len, .id = piece->id };
}

static void
make_list(struct hmac *naming, struct sim_stock *stock, size_t k)
{
    struct sim_content *content = &stock->contents[k];
    struct content_list_node *node = MEMORY_NEW(struct content_list_node);
    const struct sim_piece *first = &stock->pieces[k % SIM_PIECES], *second = &stock->pieces[(k + 3) % SIM_PIECES];
    uint8_t *bytes = memory_new(CONTENT_LIST_NODE_MAX);
    node->count = 2;
    node->entries[0] = (struct content_list_entry){ first->len, first->id };
    node->entries[1] = (struct content_list_entry){ second->len, second->id };
    stock->lists[k].len = content_list_encode(node, bytes);
    memcpy(stock->lists[k].bytes, bytes, stock->lists[k].len);
    name_piece(naming, &stock->lists[k]);
    content->ref =
        (struct content_ref){ .form = CONTENT_LIST, .len = first->len + second->len, .id = stock->lists[k].id };
    content->pieces[content->piece_count++] = &stock->lists[k];
    content->pieces[content->piece_count++] = first;
    content->pieces[content->piece_count++] = second;
    free(bytes);
    free(node);
}

static void
make_recipe(struct hmac *naming, struct sim_stock *stock, size_t k, bool parts)
{
    struct sim_content *content = &stock->contents[k];
    struct sim_piece *recipe = &stock->recipes[k];
    const struct sim_piece *piece = &stock->pieces[(k + 1) % SIM_PIECES];
    struct content_ref ref = ref_of(piece);
    CLEANUP(buffer_clear) struct buffer encoded = BUFFER_INIT(CONTENT_REF_MAX_ENCODED);
    if (content_encode(&ref, &encoded, NULL) != 0)
        abort();
    size_t n = 0;
    recipe->bytes[n++] = RECIPE_VERSION;
    recipe->bytes[n++] = RECIPE_TEXT;
    recipe->bytes[n++] = 2;
    recipe->bytes[n++] = (uint8_t)k;
    recipe->bytes[n++] = '\n';
    recipe->bytes[n++] = RECIPE_BASE64_REF;
    recipe->bytes[n++] = 76;
    recipe->bytes[n++] = 1;
    memcpy(recipe->bytes + n, encoded.data, encoded.len);
    n += encoded.len;
    recipe->bytes[n++] = RECIPE_END;
    recipe->bytes[n++] = 99;
    n += RECIPE_DIGEST_LEN;
    recipe->len = n;
    name_piece(naming, recipe);
    content->ref = (struct content_ref){ .form = CONTENT_CHUNK, .message = true, .len = 99, .id = recipe->id };
    content->pieces[content->piece_count++] = recipe;
    content->pieces[content->piece_count++] = piece;
    content->has_parts = parts;
    content_parts_begin(&content->parts);
    if (content_parts_add(&content->parts, &ref, NULL) != 0)
        abort();
}

void
sim_stock_init(struct sim_stock *stock, const char *state_dir)
{
    struct error err = ERROR_INIT;
    struct fake_backend *fake = fake_backend_new();
    struct vault_params params = { .password_cost = &key_slot_cost_least };
    CLEANUP(secret_free_p) struct secret *password = secret_new("simulated", 9, NULL);
    (void)state_dir;
    memset(stock, 0, sizeof(*stock));
    if (vault_create(fake_backend_of(fake), clock_system(), SIM_VAULT, password, &params, &err) != 0 ||
        (stock->vault = vault_open(fake_backend_of(fake), clock_system(), SIM_VAULT, password, &err)) == NULL)
        abort();
    fake_backend_free(fake);
    struct hmac *naming = vault_naming(stock->vault);
    for (size_t i = 0; i < SIM_PIECES; i++) {
        stock->pieces[i].len = 100 + 30 * i;
        memset(stock->pieces[i].bytes, (int)i + 1, stock->pieces[i].len);
        name_piece(naming, &stock->pieces[i]);
    }
    for (size_t k = 0; k < SIM_CONTENTS; k++) {
        struct sim_content *content = &stock->contents[k];
        if (k % 4 == 1) {
            make_list(naming, stock, k);
        } else if (k % 4 >= 2) {
            make_recipe(naming, stock, k, k % 4 == 3);
        } else {
            content->ref = ref_of(&stock->pieces[k % SIM_PIECES]);
            content->pieces[content->piece_count++] = &stock->pieces[k % SIM_PIECES];
        }
    }
    hmac_free(naming);
}

void
sim_stock_clear(struct sim_stock *stock)
{
    vault_close(stock->vault);
}
