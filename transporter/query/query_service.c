#include "transporter/query/query_service.h"

#include "common/base/bounded_queue.h"
#include "common/base/buffer.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/sealed_secret.h"
#include "transporter/link/control_build.h"
#include "transporter/link/order_parse.h"
#include "transporter/link/node_identity.h"
#include "transporter/query/query_answer.h"
#include "transporter/task/task.h"
#include "transporter/task/task_secrets.h"
#include "transporter/task/vault_access.h"
#include "transporter/transporter_config.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define REPLY_CEILING ((size_t)3 << 20)
/* People wait for this answer: better soon an error than late. */
#define PATIENCE_MS 15000

struct query_service {
    struct query_service_options options;
    struct bounded_queue *waiting; /* of struct control_query */
    struct cancel cancel;
    atomic_uint count; /* waiting and under way */
    unsigned thread_count;
    pthread_t threads[];
};

static int
query_grant(void *ctx, struct buffer *out, struct error *err)
{
    const struct control_query *query = ctx;
    return buffer_append(out, query->vault.grant, query->vault.grant_len, err);
}

static json_t *
answer_from_vault(struct query_service *service, struct control_query *query, const struct query_request *request,
                  struct error *err)
{
    const struct vault_access_options options = {
        .services = service->options.services,
        .cancel = &service->cancel,
        .where = &query->vault,
        .secrets = query->secrets,
        .secret_count = query->secret_count,
        .grant = query_grant,
        .grant_ctx = query,
        .patience_ms = PATIENCE_MS,
    };
    if (query->vault.vault_id[0] == '\0') {
        FAIL(err, ERROR_FORMAT, 0, "the query names no vault");
        return NULL;
    }
    CLEANUP(vault_access_close_p) struct vault_access *access = vault_access_open(&options, err);
    if (access == NULL)
        return NULL;
    return request->op == QUERY_LOCKS ? query_answer_locks(request, vault_access_remote(access), err)
                                      : query_answer_vault(request, vault_access_vault(access), err);
}

static json_t *
answer(struct query_service *service, struct control_query *query, struct error *err)
{
    struct query_request request;
    const struct task_services *services = service->options.services;
    CLEANUP(secret_free_p) struct secret *text = task_secrets_unseal(services->identity, &query->request, err);
    if (text == NULL || query_request_parse((const char *)secret_bytes(text), secret_len(text), &request, err) != 0)
        return NULL;
    if (request.op == QUERY_REPORT)
        return query_answer_report(&request, services->config->state_dir, err);
    return answer_from_vault(service, query, &request, err);
}

/* Appends the sealed answer to out. */
static int
seal(const struct control_query *query, const json_t *json, struct buffer *out, struct error *err)
{
    char context[SEALED_SECRET_CONTEXT_MAX];
    if (sealed_secret_context("query-reply", query->query_id, context, err) != 0)
        return -1;
    char *text = json_dumps(json, JSON_COMPACT);
    if (text == NULL)
        return FAIL(err, ERROR_INTERNAL, 0, "the answer cannot be written as JSON");
    size_t len = strlen(text);
    int result = len + SEALED_SECRET_OVERHEAD <= REPLY_CEILING
                     ? sealed_secret_seal(query->reply_key, context, text, len, out, err)
                     : FAIL(err, ERROR_LIMIT, 0, "the answer has %zu bytes: ask for fewer items", len);
    secret_zero(text, len);
    free(text);
    return result;
}

static void
reply(struct query_service *service, const char *query_id, const struct buffer *sealed, const struct error *failure)
{
    const struct task_services *services = service->options.services;
    struct error err = ERROR_INIT;
    CLEANUP(buffer_clear) struct buffer message = BUFFER_INIT(CONTROL_MESSAGE_LIMIT);
    if (control_build_query_reply(query_id, sealed != NULL ? sealed->data : NULL, sealed != NULL ? sealed->len : 0,
                                  failure, &message, &err) != 0 ||
        services->send(services->send_ctx, message.data, message.len, &err) != 0)
        log_failure(LOG_WARN, "query", &err, "answer is lost query=%s", query_id);
}

static void
serve(struct query_service *service, struct control_query *query)
{
    struct error err = ERROR_INIT;
    CLEANUP(buffer_clear) struct buffer sealed = BUFFER_INIT(REPLY_CEILING);
    json_t *json = answer(service, query, &err);
    if (json != NULL && seal(query, json, &sealed, &err) == 0)
        reply(service, query->query_id, &sealed, NULL);
    else
        reply(service, query->query_id, NULL, &err);
    json_decref(json);
}

static void *
run_queries(void *ctx)
{
    struct query_service *service = ctx;
    for (struct control_query *query; (query = bounded_queue_pop(service->waiting)) != NULL;) {
        serve(service, query);
        order_parse_query_free(query);
        atomic_fetch_sub(&service->count, 1);
    }
    return NULL;
}

struct query_service *
query_service_new(const struct query_service_options *options, struct error *err)
{
    struct query_service *service = memory_new(sizeof(*service) + options->threads * sizeof(service->threads[0]));
    service->options = *options;
    if (cancel_init(&service->cancel, err) != 0) {
        free(service);
        return NULL;
    }
    service->waiting = bounded_queue_new(QUERY_SERVICE_WAITING_MAX, SIZE_MAX);
    for (unsigned i = 0; i < options->threads; i++) {
        int failed = pthread_create(&service->threads[i], NULL, run_queries, service);
        if (failed != 0) {
            FAIL(err, ERROR_LIMIT, failed, "cannot start a thread for queries: %s", strerror(failed));
            query_service_free(service);
            return NULL;
        }
        service->thread_count++;
    }
    return service;
}

static void
drop_query(void *query)
{
    order_parse_query_free(query);
}

void
query_service_free(struct query_service *service)
{
    if (service == NULL)
        return;
    cancel_raise(&service->cancel, ERROR_CANCELLED, "the transporter stops");
    bounded_queue_abort(service->waiting);
    for (unsigned i = 0; i < service->thread_count; i++)
        pthread_join(service->threads[i], NULL);
    bounded_queue_free(service->waiting, drop_query);
    cancel_clear(&service->cancel);
    free(service);
}

/* The director link's thread must not wait: a question too many is refused. */
void
query_service_submit(struct query_service *service, struct control_query *query)
{
    struct error err = ERROR_INIT;
    if (atomic_fetch_add(&service->count, 1) >= QUERY_SERVICE_WAITING_MAX)
        FAIL(&err, ERROR_UNAVAILABLE, 0, "too many questions at a time: ask again");
    else if (bounded_queue_push(service->waiting, query, 1))
        return;
    else
        FAIL(&err, ERROR_UNAVAILABLE, 0, "the transporter stops");
    atomic_fetch_sub(&service->count, 1);
    reply(service, query->query_id, NULL, &err);
    order_parse_query_free(query);
}
