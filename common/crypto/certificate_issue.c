#include "common/base/clock.h"
#include "common/base/identifier.h"
#include "common/base/memory.h"
#include "common/crypto/certificate.h"
#include "common/crypto/certificate_internal.h"
#include "common/crypto/crypto_internal.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SERIAL_LEN        16
#define LEAF_BACKDATE_MS  ((int64_t)5 * 60 * 1000)
#define ROOT_BACKDATE_MS  ((int64_t)60 * 60 * 1000)
#define HOST_NAME_LEN_MAX 253
#define HOST_NAME_MAX     64

static int
set_serial(X509 *x509, const struct clock *clock)
{
    uint8_t random[SERIAL_LEN];
    clock_random(clock, random, sizeof(random));
    BIGNUM *number = BN_bin2bn(random, sizeof(random), NULL);
    int ok = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) != NULL;
    BN_free(number);
    return ok;
}

static int
set_times(X509 *x509, int64_t not_before_ms, int64_t not_after_ms)
{
    return ASN1_TIME_set(X509_getm_notBefore(x509), (time_t)(not_before_ms / 1000)) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(x509), (time_t)(not_after_ms / 1000)) != NULL;
}

static int
set_name(X509_NAME *name, const char *common_name)
{
    return X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const uint8_t *)"Longhaul", -1, -1, 0) == 1 &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)common_name, -1, -1, 0) == 1;
}

/* value is written here, never taken from outside: this syntax can be injected into. */
static int
add_extension(X509 *x509, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, x509, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    int ok = extension != NULL && X509_add_ext(x509, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return ok;
}

static int
add_general_name(GENERAL_NAMES *names, int type, ASN1_STRING *value)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    if (name == NULL || value == NULL) {
        GENERAL_NAME_free(name);
        ASN1_STRING_free(value);
        return 0;
    }
    GENERAL_NAME_set0_value(name, type, value);
    if (sk_GENERAL_NAME_push(names, name) > 0)
        return 1;
    GENERAL_NAME_free(name);
    return 0;
}

static ASN1_STRING *
ia5(const char *text)
{
    ASN1_STRING *string = ASN1_IA5STRING_new();
    if (string != NULL && ASN1_STRING_set(string, text, -1) != 1) {
        ASN1_STRING_free(string);
        return NULL;
    }
    return string;
}

static int
add_host_name(GENERAL_NAMES *names, const char *host)
{
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(host);
    if (address != NULL)
        return add_general_name(names, GEN_IPADD, address);
    ERR_clear_error();
    return add_general_name(names, GEN_DNS, ia5(host));
}

static int
host_name_valid(const char *host)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:*";
    size_t len = strnlen(host, HOST_NAME_LEN_MAX + 1);
    return len >= 1 && len <= HOST_NAME_LEN_MAX && strspn(host, allowed) == len;
}

static int
add_alternative_names(X509 *x509, const struct certificate_issue *issue)
{
    char uri[sizeof(CERTIFICATE_NODE_URI_PREFIX) + IDENTIFIER_LEN] = CERTIFICATE_NODE_URI_PREFIX;
    memcpy(uri + sizeof(CERTIFICATE_NODE_URI_PREFIX) - 1, issue->node_id, strlen(issue->node_id) + 1);
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    int ok = names != NULL && add_general_name(names, GEN_URI, ia5(uri));
    for (size_t i = 0; ok && i < issue->host_name_count; i++)
        ok = add_host_name(names, issue->host_names[i]);
    ok = ok && X509_add1_ext_i2d(x509, NID_subject_alt_name, names, 0, 0) == 1;
    GENERAL_NAMES_free(names);
    return ok;
}

static char *
to_pem(X509 *x509, struct error *err)
{
    char *pem = NULL, *data = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    if (bio != NULL && PEM_write_bio_X509(bio, x509) == 1) {
        long len = BIO_get_mem_data(bio, &data);
        pem = memory_new((size_t)len + 1);
        memcpy(pem, data, (size_t)len);
    } else {
        crypto_internal_fail(err, ERROR_INTERNAL, "cannot write a certificate");
    }
    BIO_free(bio);
    return pem;
}

char *
certificate_issue_authority(const struct clock *clock, const struct key_pair *key, const char *common_name,
                            int64_t lifetime_ms, struct error *err)
{
    int64_t now = clock_wall_ms(clock);
    EVP_PKEY *pkey = key_pair_openssl(key);
    X509 *x509 = X509_new();
    char *pem = NULL;
    if (x509 != NULL && X509_set_version(x509, X509_VERSION_3) == 1 && set_serial(x509, clock) &&
        set_times(x509, now - ROOT_BACKDATE_MS, now + lifetime_ms) &&
        set_name(X509_get_subject_name(x509), common_name) &&
        X509_set_issuer_name(x509, X509_get_subject_name(x509)) == 1 && X509_set_pubkey(x509, pkey) == 1 &&
        add_extension(x509, x509, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
        add_extension(x509, x509, NID_key_usage, "critical,keyCertSign,cRLSign") &&
        add_extension(x509, x509, NID_subject_key_identifier, "hash") &&
        X509_sign(x509, pkey, crypto_internal_sha256()) > 0)
        pem = to_pem(x509, err);
    else
        crypto_internal_fail(err, ERROR_INTERNAL, "cannot make the authority's certificate");
    X509_free(x509);
    return pem;
}

static int
check_issue(const struct certificate_issue *issue, struct error *err)
{
    if (!identifier_valid(issue->node_id))
        return FAIL(err, ERROR_USAGE, 0, "a certificate for something that is no node id");
    if (issue->host_name_count > HOST_NAME_MAX)
        return FAIL(err, ERROR_USAGE, 0, "%zu host names for one certificate, %d at the most", issue->host_name_count,
                    HOST_NAME_MAX);
    for (size_t i = 0; i < issue->host_name_count; i++) {
        if (!host_name_valid(issue->host_names[i]))
            return FAIL(err, ERROR_USAGE, 0, "\"%.64s\" is no host name or address", issue->host_names[i]);
    }
    return 0;
}

static char *
issue_leaf(const struct certificate_issue *issue, X509 *root, int64_t root_ends_ms, EVP_PKEY *subject,
           struct error *err)
{
    int64_t now = clock_wall_ms(issue->clock), ends = now + issue->lifetime_ms;
    if (ends > root_ends_ms)
        ends = root_ends_ms;
    if (ends <= now) {
        FAIL(err, ERROR_CONFIG, 0, "the director's authority certificate is over: no certificate can be issued");
        return NULL;
    }
    X509 *x509 = X509_new();
    char *pem = NULL;
    if (x509 != NULL && X509_set_version(x509, X509_VERSION_3) == 1 && set_serial(x509, issue->clock) &&
        set_times(x509, now - LEAF_BACKDATE_MS, ends) && set_name(X509_get_subject_name(x509), issue->node_id) &&
        X509_set_issuer_name(x509, X509_get_subject_name(root)) == 1 && X509_set_pubkey(x509, subject) == 1 &&
        add_extension(x509, root, NID_basic_constraints, "critical,CA:FALSE") &&
        add_extension(x509, root, NID_key_usage, "critical,digitalSignature") &&
        add_extension(x509, root, NID_ext_key_usage, "serverAuth,clientAuth") &&
        add_extension(x509, root, NID_subject_key_identifier, "hash") &&
        add_extension(x509, root, NID_authority_key_identifier, "keyid:always") && add_alternative_names(x509, issue) &&
        X509_sign(x509, key_pair_openssl(issue->authority_key), crypto_internal_sha256()) > 0)
        pem = to_pem(x509, err);
    else
        crypto_internal_fail(err, ERROR_INTERNAL, "cannot issue a certificate");
    X509_free(x509);
    return pem;
}

char *
certificate_issue(const struct certificate_issue *issue, struct error *err)
{
    uint8_t key_sha256[32];
    struct certificate_info root_info;
    if (check_issue(issue, err) != 0 ||
        certificate_request_check(issue->request_der, issue->request_len, key_sha256, err) != 0 ||
        certificate_inspect(issue->authority_pem, &root_info, err) != 0)
        return NULL;
    char *pem = NULL;
    X509 *root = certificate_internal_parse(issue->authority_pem, err);
    X509_REQ *request = certificate_request_parse(issue->request_der, issue->request_len, err);
    if (root != NULL && request != NULL)
        pem = issue_leaf(issue, root, root_info.not_after_ms, X509_REQ_get0_pubkey(request), err);
    X509_REQ_free(request);
    X509_free(root);
    return pem;
}
