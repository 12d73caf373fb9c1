#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "director/enrolment/authority.h"
#include "director/jobs/task_spec.h"
#include "director/link/control_send.h"
#include "director/store/store_repositories.h"
#include "director/store/store_secrets.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#define PROTOCOL           1
#define CLOCK_TOLERANCE_MS ((int64_t)5 * 60 * 1000)

int
session_hello_attach(struct session *session, const char *repository_id, struct error *err)
{
    struct store *store = session->service->options.store;
    struct store_repository row;
    CLEANUP(memory_free_p) uint8_t *sealed = NULL;
    struct error why = ERROR_INIT;
    size_t len = 0;

    if (store_repositories_find(store, repository_id, &row, err) != 0)
        return -1;
    if (store_secrets_get_slot(store, row.storage_secret, session->node_id, &sealed, &len, &why) == 0)
        return control_send_attach(session, row.id, row.storage_secret, sealed, len, err);
    if (why.kind != ERROR_NOT_FOUND)
        return FAIL(err, why.kind, why.native, "%s", why.text);
    row.state = STORE_REPOSITORY_FAILED;
    snprintf(row.error_kind, sizeof(row.error_kind), "%s", error_kind_name(ERROR_CONFIG));
    snprintf(row.error_text, sizeof(row.error_text), "its storage secret is not sealed to its host");
    return store_repositories_set_state(store, &row, err);
}

struct attaching {
    struct session *session;
    bool failed_only;
    char (*ids)[IDENTIFIER_LEN];
    size_t count;
};

static int
on_repository(void *ctx, const struct store_repository *row, struct error *err)
{
    struct attaching *a = ctx;

    (void)err;
    if (!a->failed_only || row->state == STORE_REPOSITORY_FAILED)
        memcpy(a->ids[a->count++], row->id, IDENTIFIER_LEN);
    return 0;
}

static int
attach_all(struct session *session, bool failed_only, struct error *err)
{
    struct attaching a = { .session = session, .failed_only = failed_only };
    struct store_page page = { NULL, STORE_PAGE_MAX };

    a.ids = memory_new(STORE_PAGE_MAX * sizeof(*a.ids));
    int result =
        store_repositories_list(session->service->options.store, session->node_id, page, on_repository, &a, err);
    for (size_t i = 0; result == 0 && i < a.count; i++)
        result = session_hello_attach(session, a.ids[i], err);
    free(a.ids);
    return result;
}

int
session_hello_attach_again(struct session *session, struct error *err)
{
    session->attach_ms = clock_monotonic_ms(store_clock(session->service->options.store));
    return attach_all(session, true, err);
}

static int
on_fence(void *ctx, const char *vault, const char *scope, uint64_t fence, struct error *err)
{
    return control_send_raise_fence(ctx, vault, scope, fence, err);
}

/* A copy holds two grants, and so does a heal from one. */
static int
renew_source(struct session *session, const struct store_task *task, struct error *err)
{
    struct control_service *service = session->service;
    struct vault_access access;
    struct error why = ERROR_INIT;

    struct task_spec spec = { .kind = task->kind };

    if ((task->kind != STORE_RUN_COPY && task->kind != STORE_RUN_HEAL) ||
        task_spec_decode(task->spec, &spec, NULL) != 0 || task_spec_source(&spec)[0] == '\0')
        return 0;
    if (vault_access_for_source(service->options.store, service->options.authority, task, session->peer.key_sha256,
                                &access, &why) == 0)
        return control_send_grant(session, task->id, &access, err);
    log_failure(LOG_WARN, "link", &why, "no fresh grant for the source of task=%s", task->id);
    return 0;
}

static int
on_held(void *ctx, const struct store_task *task, struct error *err)
{
    struct session *session = ctx;
    struct control_service *service = session->service;
    struct vault_access access;
    struct error why = ERROR_INIT;

    if (task->vault[0] == '\0')
        return 0;
    if (vault_access_for_task(service->options.store, service->options.authority, task, session->peer.key_sha256,
                              &access, &why) == 0)
        return control_send_grant(session, task->id, &access, err) != 0 ? -1 : renew_source(session, task, err);
    log_failure(LOG_WARN, "link", &why, "no fresh grant task=%s", task->id);
    return 0;
}

int
session_hello_renew_grants(struct session *session, struct error *err)
{
    struct store *store = session->service->options.store;

    session->grants_ms = clock_monotonic_ms(store_clock(store));
    return store_tasks_held(store, session->node_id, on_held, session, err);
}

static int
welcome(struct session *session, const struct session_hello *hello, struct error *err)
{
    const struct control_service_options *options = &session->service->options;
    struct control_welcome message = {
        .heartbeat_ms = options->heartbeat_ms,
        .lease_ms = options->lease_ms,
        .grant_key = authority_grant_key(options->authority),
        .running = hello->running,
        .running_count = hello->running_count,
    };
    return control_send_welcome(session, &message, err);
}

static void
check_clock(const struct session *session, int64_t clock_ms)
{
    int64_t off = clock_ms - clock_wall_ms(store_clock(session->service->options.store));

    if (off > CLOCK_TOLERANCE_MS || off < -CLOCK_TOLERANCE_MS)
        log_error("link", "the clocks of director and transporter differ: set them right transporter=%s seconds=%lld",
                  session->node_id, (long long)(off / 1000));
}

int
session_hello_receive(struct session *session, const struct session_hello *hello, struct error *err)
{
    struct control_service *service = session->service;
    struct store *store = service->options.store;

    if (hello->protocol < PROTOCOL)
        return FAIL(err, ERROR_UNSUPPORTED, 0, "the transporter speaks protocol %u, the director %d: update it",
                    hello->protocol, PROTOCOL);
    check_clock(session, hello->clock_ms);
    session->slots = hello->task_slots < LINK_SLOTS_MAX ? hello->task_slots : LINK_SLOTS_MAX;
    session->running = (unsigned)hello->running_count;
    if (store_transporters_set_hello(store, session->node_id, hello->advertise, hello->software_version, session->slots,
                                     err) != 0 ||
        scheduler_on_hello(service->scheduler, session->node_id, hello->running, hello->running_count, err) != 0)
        return -1;
    log_info("link", "transporter connected transporter=%s address=%s version=%s slots=%u running=%u tls=%s suite=%s",
             session->node_id, session->peer.address, hello->software_version, session->slots, session->running,
             session->peer.version, session->peer.suite);
    if (welcome(session, hello, err) != 0 || control_send_revocations(session, service->options.revoked, err) != 0 ||
        store_tasks_fences(store, session->node_id, on_fence, session, err) != 0 ||
        attach_all(session, false, err) != 0 || session_hello_renew_grants(session, err) != 0)
        return -1;
    service->options.on_change(service->options.on_change_ctx);
    return 0;
}
