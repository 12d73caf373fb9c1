#ifndef LONGHAUL_TRANSPORTER_RESTORE_TO_TENANT_INTERNAL_H
#define LONGHAUL_TRANSPORTER_RESTORE_TO_TENANT_INTERNAL_H

#include "transporter/graph/graph_client.h"
#include "transporter/restore/to_tenant.h"

#include <jansson.h>
#include <pthread.h>
#include <uthash.h>

struct mail_index;
struct restore_mime;

/* A folder of the point and what it became in the tenant. */
struct to_tenant_place {
    char *id;                 /* in the point */
    char *target;             /* in the tenant */
    bool fresh;               /* made by this restore: nothing in it can be in the way */
    struct mail_index *index; /* of what was there; NULL until needed */
    json_t *contacts;         /* likewise: id, displayName, emailAddresses of each */
    UT_hash_handle hh;
};

struct to_tenant {
    struct graph_client *graph;
    char *user, *scratch;
    enum catalog_kind content;
    enum to_tenant_conflict conflict;
    const atomic_bool *cancel;
    char *drive_id; /* "" for a mailbox */
    bool below_top; /* everything goes under a folder of its own */
    char *top_name; /* of that folder */
    char
        *contact_top; /* where contact folders without a known parent go; "": beside the main one; NULL: not made yet */
    struct to_tenant_place top; /* where things without a known parent go */
    pthread_mutex_t lock;       /* of places */
    pthread_mutex_t index_lock; /* held while a folder's index is made */
    struct to_tenant_place *places;
};

/* A request below /users/{user} or /drives/{drive}, JSON in (NULL: none) and out. */
json_t *to_tenant_ask(const struct to_tenant *restore, const char *method, const char *url, const json_t *body,
                      struct graph_response *response, struct error *err);

/* Each row of a collection of the mailbox, page by page. found: 0 to go on, 1 to stop without an error, -1. */
typedef int to_tenant_row_fn(void *ctx, const json_t *row, struct error *err);
int to_tenant_rows(const struct to_tenant *restore, const char *url, to_tenant_row_fn *found, void *ctx,
                   struct error *err);
/* The folder of that display name, without regard to case, in a collection; *target stays NULL when there is none. */
int to_tenant_find_folder(const struct to_tenant *restore, const char *url, const char *name, char **target,
                          struct error *err);

/* DELETE; an item that is gone already is fine. */
int to_tenant_delete(const struct to_tenant *restore, const char *url, struct error *err);

/* What a refusal means: 0 and a report of failure, or -1 when it concerns the whole restore. */
int to_tenant_judge(const struct graph_response *response, struct to_tenant_report *report, struct error *err);
void to_tenant_fail(struct to_tenant_report *report, enum to_tenant_result result, const char *reason,
                    const char *detail);
/* Adds a code to report->losses, once. */
void to_tenant_lose(struct to_tenant_report *report, const char *code);

/* Where an item whose parent is parent_id goes; never NULL. */
struct to_tenant_place *to_tenant_place(struct to_tenant *restore, const char *parent_id);
void to_tenant_place_add(struct to_tenant *restore, const char *id, const char *target, bool fresh);

/* Finds or makes the folder below parent (an id in the tenant); *target is the caller's, free(). 0 with *target NULL
 * when the service refuses: report says why. */
int to_tenant_mail_folder(struct to_tenant *restore, const char *parent, const struct source_item *folder,
                          char **target, bool *fresh, struct to_tenant_report *report, struct error *err);
/* parent is found by the folder's own parent_id. */
int to_tenant_contact_folder(struct to_tenant *restore, const struct source_item *folder, char **target, bool *fresh,
                             struct to_tenant_report *report, struct error *err);
int to_tenant_drive_folder(struct to_tenant *restore, const char *parent, const struct source_item *folder,
                           char **target, bool *fresh, struct to_tenant_report *report, struct error *err);

/* Adds the attachments of a message just made; what is refused is a loss. */
int to_tenant_attachments(struct to_tenant *restore, const char *message_id, struct restore_mime *mime,
                          struct to_tenant_report *report, struct error *err);

/* When the service refuses a message in every form: its MIME text, which it takes as a draft of now. report holds the
 * refusal; it becomes a success with the loss "as_draft", or stays when this is refused too or too large. */
int to_tenant_mail_raw(struct to_tenant *restore, const char *folder, const struct to_tenant_content *content,
                       struct to_tenant_report *report, struct error *err);
int to_tenant_mail(struct to_tenant *restore, const struct source_item *item, const struct to_tenant_content *content,
                   struct to_tenant_report *report, struct error *err);
int to_tenant_contact(struct to_tenant *restore, const struct source_item *item,
                      const struct to_tenant_content *content, struct to_tenant_report *report, struct error *err);
int to_tenant_drive(struct to_tenant *restore, const struct source_item *item, const struct to_tenant_content *content,
                    struct to_tenant_report *report, struct error *err);

/* Bytes to an upload session, in fragments that are a multiple of 320 KiB. */
struct to_tenant_upload {
    const struct to_tenant *restore;
    enum graph_service service;
    const char *mailbox;
    const char *session_url; /* POST there, relative */
    const json_t *session_body;
    uint64_t fragment;
    const struct to_tenant_content *content;
};
/* 0 and *item (the service's description, a new reference; an empty object for attachments) when complete; 0 with
 * *item NULL when refused, with the report; -1. */
int to_tenant_upload(const struct to_tenant_upload *upload, json_t **item, struct to_tenant_report *report,
                     struct error *err);

#endif
