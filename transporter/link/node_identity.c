#include "transporter/link/node_identity.h"

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/certificate.h"
#include "common/crypto/private_file.h"
#include "common/crypto/sealing_key.h"
#include "common/net/tls_context.h"
#include "transporter/link/node_identity_internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct node_identity {
    const struct clock *clock;
    char *folder;
    struct key_pair *key;
    struct sealing_key *sealing_key;
    uint8_t key_sha256[32];
    struct tls_context *client, *server;
    struct node_identity_card *card; /* its certificates change under the lock; the rest never */
    struct certificate_info certificate;
    pthread_mutex_t lock;
};

static char *
folder_of(const char *state_dir)
{
    return memory_printf("%s/identity", state_dir);
}

static int
load_or_make_key(const char *folder, struct key_pair **key, struct error *err)
{
    CLEANUP(memory_free_p) char *path = memory_printf("%s/node.key", folder);
    struct error reason = ERROR_INIT;
    *key = key_pair_load(path, &reason);
    if (*key != NULL)
        return 0;
    if (reason.kind != ERROR_NOT_FOUND)
        return FAIL(err, reason.kind, reason.native, "%s", reason.text);
    *key = key_pair_new(err);
    return *key != NULL ? key_pair_save(*key, path, err) : -1;
}

static int
load_or_make_sealing_key(const char *folder, struct sealing_key **key, struct error *err)
{
    CLEANUP(memory_free_p) char *path = memory_printf("%s/sealing.key", folder);
    struct error reason = ERROR_INIT;
    *key = sealing_key_load(path, &reason);
    if (*key != NULL)
        return 0;
    if (reason.kind != ERROR_NOT_FOUND)
        return FAIL(err, reason.kind, reason.native, "%s", reason.text);
    *key = sealing_key_new(err);
    return *key != NULL ? sealing_key_save(*key, path, err) : -1;
}

int
node_identity_keys(const char *state_dir, struct key_pair **key, struct sealing_key **sealing_key, struct error *err)
{
    CLEANUP(memory_free_p) char *folder = folder_of(state_dir);
    CLEANUP(key_pair_free_p) struct key_pair *made = NULL;
    CLEANUP(sealing_key_free_p) struct sealing_key *made_sealing = NULL;
    if (private_file_folder(folder, err) != 0 || load_or_make_key(folder, &made, err) != 0 ||
        load_or_make_sealing_key(folder, &made_sealing, err) != 0)
        return -1;
    *key = MOVE(made);
    *sealing_key = MOVE(made_sealing);
    return 0;
}

int
node_identity_create(const char *state_dir, const struct node_identity_facts *facts, struct error *err)
{
    CLEANUP(memory_free_p) char *folder = folder_of(state_dir);
    CLEANUP(memory_free_p) char *path = memory_printf("%s/" NODE_IDENTITY_CARD_FILE, folder);
    CLEANUP(memory_free_p) char *text = node_identity_card_write(facts, err);
    return text != NULL ? private_file_create(path, text, strlen(text), err) : -1;
}

int
node_identity_recreate(const char *state_dir, const struct node_identity_facts *facts, struct error *err)
{
    CLEANUP(memory_free_p) char *path = memory_printf("%s/identity/" NODE_IDENTITY_CARD_FILE, state_dir);
    CLEANUP(memory_free_p) char *text = node_identity_card_write(facts, err);
    return text != NULL ? private_file_replace(path, text, strlen(text), err) : -1;
}

static int
load_card(struct node_identity *identity, struct error *err)
{
    CLEANUP(memory_free_p) char *path = memory_printf("%s/" NODE_IDENTITY_CARD_FILE, identity->folder);
    struct error reason = ERROR_INIT;
    CLEANUP(secret_free_p) struct secret *content = private_file_read(path, &reason);
    if (content == NULL && reason.kind == ERROR_NOT_FOUND)
        return FAIL(err, ERROR_NOT_FOUND, reason.native,
                    "this machine is not enrolled (no %s): run `longhaul transporter invite NAME` where the director's "
                    "command line is, and the command it prints here",
                    path);
    if (content == NULL)
        return FAIL(err, reason.kind, reason.native, "%s", reason.text);
    identity->card = node_identity_card_read(secret_text(content), secret_len(content), err);
    return identity->card != NULL ? 0 : error_wrap(err, "%s", path);
}

static int
load_keys(struct node_identity *identity, struct error *err)
{
    CLEANUP(memory_free_p) char *key_path = memory_printf("%s/node.key", identity->folder);
    CLEANUP(memory_free_p) char *sealing_path = memory_printf("%s/sealing.key", identity->folder);
    struct error reason = ERROR_INIT;
    identity->key = key_pair_load(key_path, &reason);
    identity->sealing_key = identity->key != NULL ? sealing_key_load(sealing_path, &reason) : NULL;
    if (identity->sealing_key == NULL)
        return FAIL(err, reason.kind == ERROR_NOT_FOUND ? ERROR_CONFIG : reason.kind, reason.native, "%s", reason.text);
    key_pair_spki_sha256(identity->key, identity->key_sha256);
    return 0;
}

/* Expired is fine: the director may still be asked what to do. What counts is that the files belong together. */
static int
check_together(struct node_identity *identity, struct error *err)
{
    const struct node_identity_facts *facts = &identity->card->facts;
    struct error reason = ERROR_INIT;
    if (certificate_inspect(facts->certificate_pem, &identity->certificate, &reason) == 0 &&
        certificate_check_issued(facts->certificate_pem, facts->authority_pem, identity->key, facts->node_id,
                                 identity->certificate.not_before_ms, &reason) == 0)
        return 0;
    return FAIL(err, ERROR_CONFIG, 0, "the files in %s do not belong together: %s", identity->folder, reason.text);
}

static struct tls_context *
make_tls(struct node_identity *identity, bool server, struct error *err)
{
    CLEANUP(secret_free_p) struct secret *key_pem = key_pair_to_pem(identity->key, err);
    struct tls_options options = { .server = server,
                                   .certificate_pem = identity->card->facts.certificate_pem,
                                   .key_pem = key_pem,
                                   .trust_pem = identity->card->facts.authority_pem };
    return key_pem != NULL ? tls_context_new(&options, err) : NULL;
}

struct node_identity *
node_identity_load(const char *state_dir, const struct clock *clock, struct error *err)
{
    struct node_identity *identity = MEMORY_NEW(struct node_identity);
    identity->clock = clock;
    identity->folder = folder_of(state_dir);
    pthread_mutex_init(&identity->lock, NULL);
    if (load_card(identity, err) == 0 && load_keys(identity, err) == 0 && check_together(identity, err) == 0 &&
        (identity->client = make_tls(identity, false, err)) != NULL &&
        (identity->server = make_tls(identity, true, err)) != NULL)
        return identity;
    node_identity_free(identity);
    return NULL;
}

void
node_identity_free(struct node_identity *identity)
{
    if (identity == NULL)
        return;
    tls_context_free(identity->client);
    tls_context_free(identity->server);
    key_pair_free(identity->key);
    sealing_key_free(identity->sealing_key);
    node_identity_card_free(identity->card);
    pthread_mutex_destroy(&identity->lock);
    free(identity->folder);
    free(identity);
}

const char *
node_identity_id(const struct node_identity *identity)
{
    return identity->card->facts.node_id;
}

const char *
node_identity_name(const struct node_identity *identity)
{
    return identity->card->facts.name;
}

const char *
node_identity_director_id(const struct node_identity *identity)
{
    return identity->card->facts.director_node_id;
}

const char *
node_identity_director_host(const struct node_identity *identity)
{
    return identity->card->facts.director_host;
}

uint16_t
node_identity_director_port(const struct node_identity *identity)
{
    return identity->card->facts.director_port;
}

const uint8_t *
node_identity_grant_key(const struct node_identity *identity)
{
    return identity->card->facts.grant_key;
}

const struct key_pair *
node_identity_key(const struct node_identity *identity)
{
    return identity->key;
}

const struct sealing_key *
node_identity_sealing_key(const struct node_identity *identity)
{
    return identity->sealing_key;
}

const uint8_t *
node_identity_key_sha256(const struct node_identity *identity)
{
    return identity->key_sha256;
}

struct tls_context *
node_identity_tls_client(struct node_identity *identity)
{
    return identity->client;
}

struct tls_context *
node_identity_tls_server(struct node_identity *identity)
{
    return identity->server;
}

void
node_identity_validity(struct node_identity *identity, int64_t *not_before_ms, int64_t *not_after_ms)
{
    pthread_mutex_lock(&identity->lock);
    *not_before_ms = identity->certificate.not_before_ms;
    *not_after_ms = identity->certificate.not_after_ms;
    pthread_mutex_unlock(&identity->lock);
}

static int
install(struct node_identity *identity, const char *certificate_pem, const struct certificate_info *info,
        struct error *err)
{
    CLEANUP(memory_free_p) char *path = memory_printf("%s/" NODE_IDENTITY_CARD_FILE, identity->folder);
    struct node_identity_facts facts = identity->card->facts;
    facts.certificate_pem = certificate_pem;
    CLEANUP(memory_free_p) char *text = node_identity_card_write(&facts, err);
    CLEANUP(secret_free_p) struct secret *key_pem = key_pair_to_pem(identity->key, err);
    if (text == NULL || key_pem == NULL || private_file_replace(path, text, strlen(text), err) != 0 ||
        tls_context_replace(identity->client, certificate_pem, key_pem, err) != 0 ||
        tls_context_replace(identity->server, certificate_pem, key_pem, err) != 0)
        return -1;
    identity->certificate = *info;
    return 0;
}

int
node_identity_renewed(struct node_identity *identity, const char *certificate_pem, const char *authority_pem,
                      struct error *err)
{
    const struct node_identity_facts *facts = &identity->card->facts;
    struct certificate_info info, authority, ours;
    if (certificate_inspect(certificate_pem, &info, err) != 0 ||
        certificate_inspect(authority_pem, &authority, err) != 0 ||
        certificate_inspect(facts->authority_pem, &ours, err) != 0)
        return -1;
    if (memcmp(authority.fingerprint, ours.fingerprint, sizeof(ours.fingerprint)) != 0)
        return FAIL(err, ERROR_DENIED, 0, "the director renews under another authority than the one enrolled with");
    if (certificate_check_issued(certificate_pem, facts->authority_pem, identity->key, facts->node_id,
                                 clock_wall_ms(identity->clock), err) != 0)
        return -1;
    pthread_mutex_lock(&identity->lock);
    int rc = install(identity, certificate_pem, &info, err);
    pthread_mutex_unlock(&identity->lock);
    return rc;
}
