#include "tests/m365sim/make_cert.h"

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/m365sim/files.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define YEAR_SECONDS (365L * 24 * 3600)

static int
write_pem(const char *folder, const char *name, EVP_PKEY *key, X509 *certificate, struct error *err)
{
    CLEANUP(memory_free_p) char *path = memory_printf("%s/%s", folder, name);
    FILE *out = fopen(path, "we");
    if (out == NULL)
        return FAIL(err, ERROR_IO, errno, "%s: %s", path, strerror(errno));
    int good =
        key != NULL ? PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL) : PEM_write_X509(out, certificate);
    if (key != NULL)
        fchmod(fileno(out), 0600);
    if (fclose(out) != 0 || !good)
        return FAIL(err, ERROR_IO, errno, "%s: cannot be written", path);
    return 0;
}

static int
add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    int good = extension != NULL && X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return good;
}

/* issuer NULL: self-signed. */
static X509 *
certify(const struct clock *clock, const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
    X509 *x = X509_new();
    time_t now = (time_t)(clock_wall_ms(clock) / 1000);
    uint64_t serial = 0;
    clock_random(clock, &serial, sizeof(serial));
    X509_set_version(x, 2);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial >> 1);
    X509_time_adj_ex(X509_getm_notBefore(x), -1, 0, &now);
    X509_time_adj_ex(X509_getm_notAfter(x), 0, YEAR_SECONDS, &now);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(issuer != NULL ? issuer : x));
    int good = 1;
    if (issuer == NULL) {
        good = add_extension(x, x, NID_basic_constraints, "critical,CA:TRUE") &&
               add_extension(x, x, NID_key_usage, "critical,keyCertSign,digitalSignature");
    } else {
        good = add_extension(x, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
               add_extension(x, issuer, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1") &&
               add_extension(x, issuer, NID_ext_key_usage, "serverAuth");
    }
    if (!good || !X509_sign(x, issuer_key, EVP_sha256())) {
        X509_free(x);
        return NULL;
    }
    return x;
}

int
make_cert(const struct clock *clock, const char *folder, struct error *err)
{
    if (files_make_folder(folder, err) != 0)
        return -1;
    EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256"), *client_key = EVP_RSA_gen(2048);
    X509 *ca = certify(clock, "m365sim throwaway authority", ca_key, NULL, ca_key);
    X509 *server = ca == NULL ? NULL : certify(clock, "localhost", key, ca, ca_key);
    X509 *client = certify(clock, "m365sim client", client_key, NULL, client_key);
    int result = -1;
    if (server == NULL || client == NULL)
        FAIL(err, ERROR_INTERNAL, 0, "OpenSSL cannot make the certificates");
    else if (write_pem(folder, "ca.pem", NULL, ca, err) == 0 &&
             write_pem(folder, "server.pem", NULL, server, err) == 0 &&
             write_pem(folder, "server.key", key, NULL, err) == 0 &&
             write_pem(folder, "client.pem", NULL, client, err) == 0 &&
             write_pem(folder, "client.key", client_key, NULL, err) == 0)
        result = 0;
    X509_free(ca);
    X509_free(server);
    X509_free(client);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(key);
    EVP_PKEY_free(client_key);
    return result;
}
