#include "director/api/api_fields.h"
#include "director/api/api_handlers.h"
#include "director/api/api_json.h"
#include "director/director.h"
#include "director/store/store_events.h"
#include "director/store/store_repositories.h"
#include "director/store/store_secrets.h"
#include "director/store/store_transporters.h"

static json_t *
repository_json(const struct api_call *call, const struct store_repository *repository)
{
    return json_pack("{s:s, s:s, s:o, s:s, s:s, s:o, s:o, s:b, s:o, s:o, s:o}", "id", repository->id, "name",
                     repository->name, "host", api_json_transporter(call, repository->host), "secret",
                     repository->storage_secret, "state", store_repository_state_name(repository->state), "error",
                     api_json_error(repository->error_kind, repository->error_text), "free_bytes",
                     repository->free_bytes == 0 ? json_null() : json_integer((json_int_t)repository->free_bytes),
                     "locks", repository->locks, "probe",
                     repository->probe[0] == '\0' ? json_null() : json_string(repository->probe), "created",
                     api_json_time(repository->created_ms), "reported", api_json_time(repository->reported_ms));
}

static int
on_repository(void *ctx, const struct store_repository *repository, struct error *err)
{
    struct api_page *page = ctx;

    (void)err;
    return api_json_page_add(page, repository->id, repository_json(page->call, repository));
}

int
api_repositories_list(struct api_call *call, struct error *err)
{
    struct api_page page;

    if (api_json_page_begin(call, &page, err) != 0)
        return -1;
    return api_json_page_end(&page, store_repositories_list(call->store, NULL, page.page, on_repository, &page, err));
}

static int
check_storage_secret(const struct api_call *call, const char *id, const struct store_transporter *host,
                     struct error *err)
{
    struct store_secret secret;

    if (store_secrets_find(call->store, id, &secret, err) != 0)
        return -1;
    if (secret.purpose != STORE_SECRET_STORAGE)
        return FAIL(err, ERROR_USAGE, 0, "secret %s is not for storage", id);
    int sealed = store_secrets_has_slot(call->store, id, host->id, err);
    if (sealed == 0)
        return FAIL(err, ERROR_USAGE, 0, "secret %s is not sealed to the host %s", id, host->name);
    return sealed < 0 ? -1 : 0;
}

int
api_repositories_add(struct api_call *call, struct error *err)
{
    static const char *const fields[] = { "name", "host", "secret", NULL };
    struct store_repository repository = { .id = "" };
    struct store_transporter host;
    const char *name, *host_name, *secret;

    if (api_fields_only(call->body, fields, err) != 0 ||
        api_fields_text(call->body, "name", sizeof(repository.name) - 1, &name, err) != 0 ||
        api_fields_text(call->body, "host", STORE_NAME_LEN - 1, &host_name, err) != 0 ||
        api_fields_text(call->body, "secret", IDENTIFIER_LEN - 1, &secret, err) != 0 ||
        store_transporters_find(call->store, host_name, &host, err) != 0)
        return -1;
    if (host.revoked_ms != 0)
        return FAIL(err, ERROR_USAGE, 0, "transporter %s is revoked", host.name);
    if (check_storage_secret(call, secret, &host, err) != 0)
        return -1;
    snprintf(repository.name, sizeof(repository.name), "%s", name);
    snprintf(repository.host, sizeof(repository.host), "%s", host.id);
    snprintf(repository.storage_secret, sizeof(repository.storage_secret), "%s", secret);
    if (store_repositories_add(call->store, &repository, err) != 0 ||
        store_events_add(call->store, NULL, call->token_name, "repository.added", repository.id, err, "%s", name) !=
            0 ||
        director_repository_attach(call->director, repository.id, err) != 0)
        return -1;
    return api_call_created(call, repository_json(call, &repository));
}

int
api_repositories_show(struct api_call *call, struct error *err)
{
    struct store_repository repository;

    if (store_repositories_find(call->store, api_call_parameter(call, 0), &repository, err) != 0)
        return -1;
    return api_call_reply(call, repository_json(call, &repository));
}

int
api_repositories_attach(struct api_call *call, struct error *err)
{
    struct store_repository repository;

    if (store_repositories_find(call->store, api_call_parameter(call, 0), &repository, err) != 0 ||
        director_repository_attach(call->director, repository.id, err) != 0)
        return -1;
    call->status = 202;
    return api_call_reply(call, repository_json(call, &repository));
}

/* The row first: it is refused while vaults are in it, and then the host keeps serving. */
int
api_repositories_delete(struct api_call *call, struct error *err)
{
    struct store_repository repository;

    if (store_repositories_find(call->store, api_call_parameter(call, 0), &repository, err) != 0 ||
        store_begin(call->store, err) != 0)
        return -1;
    if (director_repository_detach(call->director, repository.id, err) != 0 ||
        store_repositories_delete(call->store, repository.id, err) != 0 ||
        store_events_add(call->store, NULL, call->token_name, "repository.deleted", repository.id, err, "%s",
                         repository.name) != 0) {
        store_rollback(call->store);
        return -1;
    }
    if (store_commit(call->store, err) != 0)
        return -1;
    return api_call_reply(call, json_object());
}
