#ifndef LONGHAUL_TRANSPORTER_QUERY_QUERY_SERVICE_H
#define LONGHAUL_TRANSPORTER_QUERY_QUERY_SERVICE_H

/* Answers to what operators ask about a vault's content: threads that open the sealed question, look into the vault,
 * and seal the answer to the asker. The director relays both and can read neither. See README.md here. Any thread. */

struct control_query;
struct error;
struct query_service;
struct task_services;

#define QUERY_SERVICE_WAITING_MAX 32

struct query_service_options {
    const struct task_services *services; /* borrowed for life */
    unsigned threads;
};

struct query_service *query_service_new(const struct query_service_options *options, struct error *err);
/* Cancels what is under way. */
void query_service_free(struct query_service *service);
/* Takes the query. The answer, or why there is none, goes to services->send. */
void query_service_submit(struct query_service *service, struct control_query *query);

#endif
