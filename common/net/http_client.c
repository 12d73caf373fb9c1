#include "common/net/http_client.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/net/http_client_internal.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IDLE_HANDLES 64

struct http_client {
    pthread_mutex_t lock;
    CURL *idle[IDLE_HANDLES];
    size_t idle_count;
    CURLSH *share; /* names and TLS sessions; connections stay with their handle */
    pthread_mutex_t share_locks[CURL_LOCK_DATA_LAST];
    X509_STORE *trust; /* one for all connections: the system's authorities and the extra ones */
    char *user_agent;
    long connect_timeout_ms, stall_timeout_s;
    bool http2_allowed;
};

static void
start_libcurl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void
on_share_lock(CURL *easy, curl_lock_data data, curl_lock_access access, void *ctx)
{
    (void)easy;
    (void)access;
    struct http_client *client = ctx;
    pthread_mutex_lock(&client->share_locks[data]);
}

static void
on_share_unlock(CURL *easy, curl_lock_data data, void *ctx)
{
    (void)easy;
    struct http_client *client = ctx;
    pthread_mutex_unlock(&client->share_locks[data]);
}

static CURLcode
on_curl_tls_context(CURL *easy, void *tls, void *ctx)
{
    (void)easy;
    struct http_client *client = ctx;
    SSL_CTX_set1_cert_store(tls, client->trust);
    return CURLE_OK;
}

static int
trust_text(X509_STORE *trust, const char *pem, struct error *err)
{
    BIO *in = BIO_new_mem_buf(pem, -1);
    size_t found = 0;

    for (X509 *one; in != NULL && (one = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL; X509_free(one))
        found += X509_STORE_add_cert(trust, one) == 1;
    ERR_clear_error(); /* the end of the text counts as an error there */
    BIO_free(in);
    return found > 0 ? 0 : FAIL(err, ERROR_CONFIG, 0, "the extra certificate authority is no PEM certificate");
}

static int
trust_file(X509_STORE *trust, const char *path, struct error *err)
{
    if (access(path, R_OK) != 0)
        return FAIL(err, ERROR_CONFIG, errno, "%s cannot be read: %s", path, strerror(errno));
    if (X509_STORE_load_file(trust, path) != 1)
        return FAIL(err, ERROR_CONFIG, 0, "%s holds no readable PEM certificates", path);
    return 0;
}

int
http_client_check_ca(const char *path, struct error *err)
{
    X509_STORE *store = X509_STORE_new();

    if (store == NULL)
        return FAIL(err, ERROR_INTERNAL, 0, "OpenSSL cannot start");
    int status = trust_file(store, path, err);
    X509_STORE_free(store);
    return status;
}

static int
load_trust(struct http_client *client, const char *extra_ca, const char *extra_ca_pem, struct error *err)
{
    client->trust = X509_STORE_new();
    if (client->trust == NULL || X509_STORE_set_default_paths(client->trust) != 1)
        return FAIL(err, ERROR_INTERNAL, 0, "OpenSSL cannot load the system's certificate authorities");
    if (extra_ca != NULL && trust_file(client->trust, extra_ca, err) != 0)
        return -1;
    return extra_ca_pem != NULL ? trust_text(client->trust, extra_ca_pem, err) : 0;
}

static int
make_share(struct http_client *client, struct error *err)
{
    client->share = curl_share_init();
    if (client->share == NULL)
        return FAIL(err, ERROR_INTERNAL, 0, "libcurl cannot start");
    curl_share_setopt(client->share, CURLSHOPT_LOCKFUNC, on_share_lock);
    curl_share_setopt(client->share, CURLSHOPT_UNLOCKFUNC, on_share_unlock);
    curl_share_setopt(client->share, CURLSHOPT_USERDATA, client);
    curl_share_setopt(client->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
    curl_share_setopt(client->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    return 0;
}

struct http_client *
http_client_new(const struct http_client_options *options, struct error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_libcurl);

    CLEANUP(http_client_free_p) struct http_client *client = MEMORY_NEW(struct http_client);
    pthread_mutex_init(&client->lock, NULL);
    for (size_t i = 0; i < CURL_LOCK_DATA_LAST; i++)
        pthread_mutex_init(&client->share_locks[i], NULL);
    client->user_agent =
        memory_strdup(options->user_agent != NULL ? options->user_agent : "longhaul/" LONGHAUL_VERSION);
    client->connect_timeout_ms = options->connect_timeout_ms != 0 ? (long)options->connect_timeout_ms : 15000;
    client->stall_timeout_s = options->stall_timeout_ms != 0 ? ((long)options->stall_timeout_ms + 999) / 1000 : 60;
    client->http2_allowed = options->http2_allowed;
    if (load_trust(client, options->extra_ca, options->extra_ca_pem, err) != 0 || make_share(client, err) != 0)
        return NULL;
    return MOVE(client);
}

void
http_client_free(struct http_client *client)
{
    if (client == NULL)
        return;
    for (size_t i = 0; i < client->idle_count; i++)
        curl_easy_cleanup(client->idle[i]);
    curl_share_cleanup(client->share);
    X509_STORE_free(client->trust);
    for (size_t i = 0; i < CURL_LOCK_DATA_LAST; i++)
        pthread_mutex_destroy(&client->share_locks[i]);
    pthread_mutex_destroy(&client->lock);
    free(client->user_agent);
    free(client);
}

void
http_client_free_p(struct http_client **client)
{
    http_client_free(*client);
}

static void
set_up(struct http_client *client, CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_SHARE, client->share);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_curl_tls_context);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, client);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                     client->http2_allowed ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, client->user_agent);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, client->connect_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, client->stall_timeout_s);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 128L << 10);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 128L << 10);
    curl_easy_setopt(easy, CURLOPT_MAXCONNECTS, 4L);
}

CURL *
http_client_take(struct http_client *client, struct error *err)
{
    CURL *easy = NULL;

    /* The last one put back comes first: its connection is the least likely to have been closed. */
    pthread_mutex_lock(&client->lock);
    if (client->idle_count > 0)
        easy = client->idle[--client->idle_count];
    pthread_mutex_unlock(&client->lock);
    if (easy == NULL)
        easy = curl_easy_init();
    if (easy == NULL) {
        FAIL(err, ERROR_INTERNAL, 0, "libcurl has no handle left");
        return NULL;
    }
    set_up(client, easy);
    return easy;
}

void
http_client_put(struct http_client *client, CURL *easy)
{
    curl_easy_reset(easy); /* keeps connections, forgets pointers into the finished request */

    pthread_mutex_lock(&client->lock);
    if (client->idle_count < IDLE_HANDLES) {
        client->idle[client->idle_count++] = easy;
        easy = NULL;
    }
    pthread_mutex_unlock(&client->lock);
    if (easy != NULL)
        curl_easy_cleanup(easy);
}
