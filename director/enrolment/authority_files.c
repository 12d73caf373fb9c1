#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/identifier.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/private_file.h"
#include "director/enrolment/authority_internal.h"

#include <stdlib.h>
#include <string.h>

#define ROOT_LIFETIME_MS ((int64_t)20 * 365 * 24 * 3600 * 1000)

static char *
path_of(const struct authority_files *files, const char *name)
{
    return memory_printf("%s/%s", files->folder, name);
}

static int
load_key(const struct authority_files *files, const char *name, struct key_pair **key, struct error *err)
{
    CLEANUP(memory_free_p) char *path = path_of(files, name);
    *key = key_pair_load(path, err);
    return *key != NULL ? 0 : -1;
}

static int
load_or_make_key(const struct authority_files *files, const char *name, struct key_pair **key, struct error *err)
{
    CLEANUP(memory_free_p) char *path = path_of(files, name);
    struct error absent = ERROR_INIT;
    *key = key_pair_load(path, &absent);
    if (*key != NULL)
        return 0;
    if (absent.kind != ERROR_NOT_FOUND)
        return FAIL(err, absent.kind, absent.native, "%s", absent.text);
    *key = key_pair_new(err);
    return *key != NULL ? key_pair_save(*key, path, err) : -1;
}

/* NULL, with *absent set when that is why. */
static char *
load_text(const struct authority_files *files, const char *name, bool *absent, struct error *err)
{
    CLEANUP(memory_free_p) char *path = path_of(files, name);
    struct error reason = ERROR_INIT;
    CLEANUP(secret_free_p) struct secret *content = private_file_read(path, &reason);
    *absent = reason.kind == ERROR_NOT_FOUND;
    if (content != NULL)
        return memory_strdup(secret_text(content));
    FAIL(err, reason.kind, reason.native, "%s", reason.text);
    return NULL;
}

static char *
issue_own(const struct authority_files *files, const char *node_id, const struct clock *clock, int64_t lifetime_ms,
          struct error *err)
{
    CLEANUP(buffer_clear) struct buffer request = BUFFER_INIT(CERTIFICATE_REQUEST_MAX);
    if (certificate_request_new(files->node_key, &request, err) != 0)
        return NULL;
    struct certificate_issue issue = { .clock = clock,
                                       .authority_pem = files->root_pem,
                                       .authority_key = files->root_key,
                                       .request_der = request.data,
                                       .request_len = request.len,
                                       .node_id = node_id,
                                       .lifetime_ms = lifetime_ms };
    return certificate_issue(&issue, err);
}

int
authority_files_renew(struct authority_files *files, const char *node_id, const struct clock *clock,
                      int64_t lifetime_ms, struct error *err)
{
    CLEANUP(memory_free_p) char *path = path_of(files, "node.pem");
    char *pem = issue_own(files, node_id, clock, lifetime_ms, err);
    if (pem == NULL || private_file_replace(path, pem, strlen(pem), err) != 0) {
        free(pem);
        return -1;
    }
    free(files->node_pem);
    files->node_pem = pem;
    return 0;
}

static int
make(struct authority_files *files, const struct clock *clock, int64_t lifetime_ms, struct error *err)
{
    if (load_or_make_key(files, "root.key", &files->root_key, err) != 0 ||
        load_or_make_key(files, "grant.key", &files->grant_key, err) != 0 ||
        load_or_make_key(files, "node.key", &files->node_key, err) != 0)
        return -1;
    char node_id[IDENTIFIER_LEN];
    identifier_new(clock, "director", node_id);
    CLEANUP(memory_free_p) char *name = memory_printf("authority of %s", node_id);
    CLEANUP(memory_free_p) char *path = path_of(files, "root.pem");
    files->root_pem = certificate_issue_authority(clock, files->root_key, name, ROOT_LIFETIME_MS, err);
    if (files->root_pem == NULL || authority_files_renew(files, node_id, clock, lifetime_ms, err) != 0)
        return -1;
    return private_file_create(path, files->root_pem, strlen(files->root_pem), err);
}

static int
check_root(const struct authority_files *files, struct error *err)
{
    struct certificate_info info;
    uint8_t key[32];
    if (certificate_inspect(files->root_pem, &info, err) != 0)
        return error_wrap(err, "%s/root.pem", files->folder);
    key_pair_spki_sha256(files->root_key, key);
    if (memcmp(key, info.key_sha256, sizeof(key)) != 0)
        return FAIL(err, ERROR_CONFIG, 0, "%s: root.key and root.pem do not belong together", files->folder);
    return 0;
}

/* An expired certificate is fine here, it will be renewed: what counts is whose it is. */
static int
check_node(const struct authority_files *files, struct error *err)
{
    struct certificate_info info;
    struct error reason = ERROR_INIT;
    if (certificate_inspect(files->node_pem, &info, &reason) != 0 || *info.node_id == '\0' ||
        certificate_check_issued(files->node_pem, files->root_pem, files->node_key, NULL, info.not_before_ms,
                                 &reason) != 0)
        return FAIL(err, ERROR_CONFIG, 0, "%s: node.pem does not belong to node.key and root.pem: %s", files->folder,
                    error_is_set(&reason) ? reason.text : "it names no node");
    return 0;
}

static int
load(struct authority_files *files, struct error *err)
{
    bool absent = false;
    struct error reason = ERROR_INIT;
    if (load_key(files, "root.key", &files->root_key, &reason) != 0 ||
        load_key(files, "grant.key", &files->grant_key, &reason) != 0 ||
        load_key(files, "node.key", &files->node_key, &reason) != 0 ||
        (files->node_pem = load_text(files, "node.pem", &absent, &reason)) == NULL) {
        if (reason.kind == ERROR_NOT_FOUND)
            return FAIL(err, ERROR_CONFIG, reason.native, "%s is not complete, restore it from a backup: %s",
                        files->folder, reason.text);
        return FAIL(err, reason.kind, reason.native, "%s", reason.text);
    }
    return check_root(files, err) == 0 ? check_node(files, err) : -1;
}

int
authority_files_open(struct authority_files *files, const char *folder, const struct clock *clock, int64_t lifetime_ms,
                     struct error *err)
{
    bool absent = false;
    struct error reason = ERROR_INIT;
    files->folder = memory_strdup(folder);
    if (private_file_folder(folder, err) != 0)
        return -1;
    files->root_pem = load_text(files, "root.pem", &absent, &reason);
    if (files->root_pem != NULL)
        return load(files, err);
    if (!absent)
        return FAIL(err, reason.kind, reason.native, "%s", reason.text);
    return make(files, clock, lifetime_ms, err);
}

void
authority_files_clear(struct authority_files *files)
{
    key_pair_free(files->root_key);
    key_pair_free(files->grant_key);
    key_pair_free(files->node_key);
    free(files->root_pem);
    free(files->node_pem);
    free(files->folder);
    *files = (struct authority_files){ .folder = NULL };
}
