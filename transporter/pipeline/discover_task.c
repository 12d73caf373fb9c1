#include "transporter/pipeline/discover_task.h"

#include "common/base/buffer.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "transporter/graph/graph_client.h"
#include "transporter/link/control_build.h"
#include "transporter/source/discovery.h"
#include "transporter/task/graph_pool.h"
#include "transporter/task/task.h"
#include "transporter/task/task_secrets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Objects in one message; names are long, and the message must stay small. */
#define BATCH 200

struct discover {
    struct task *task;
    struct task_result *result;
    struct task_object *batch;
    size_t count;
};

static int
send_batch(struct discover *discover, bool last, struct error *err)
{
    const struct task_order *order = discover->task->order;
    const struct task_services *services = discover->task->services;
    struct control_task_ref ref = { .fence = order->fence };
    memcpy(ref.task_id, order->task_id, sizeof(ref.task_id));
    CLEANUP(buffer_clear) struct buffer message = BUFFER_INIT(CONTROL_MESSAGE_LIMIT);
    if (control_build_discovered(&ref, discover->batch, discover->count, last, &message, err) != 0 ||
        services->send(services->send_ctx, message.data, message.len, err) != 0)
        return -1;
    discover->count = 0;
    return 0;
}

static int
on_found(void *ctx, const struct discovery_object *object, struct error *err)
{
    struct discover *discover = ctx;
    if (!object->usable) {
        task_result_add_gap(discover->result, object->reason, 1);
        return 0;
    }
    struct task_object *to = &discover->batch[discover->count];
    *to = (struct task_object){ .kind = object->kind == DISCOVERY_MAILBOX ? TASK_OBJECT_MAILBOX : TASK_OBJECT_DRIVE };
    if (strlen(object->external_id) >= sizeof(to->external_id))
        return FAIL(err, ERROR_LIMIT, 0, "the service names an object with an id of %zu bytes",
                    strlen(object->external_id));
    snprintf(to->external_id, sizeof(to->external_id), "%s", object->external_id);
    snprintf(to->name, sizeof(to->name), "%s", object->name);
    discover->count++;
    atomic_fetch_add(&discover->task->items_done, 1);
    return discover->count < BATCH ? 0 : send_batch(discover, false, err);
}

int
discover_task_run(struct task *task, struct task_result *result, struct error *err)
{
    const struct task_order *order = task->order;
    CLEANUP(secret_free_p)
    struct secret *credentials =
        task_secrets_find(task->services->identity, order->secrets, order->secret_count, "microsoft365", err);
    if (credentials == NULL)
        return -1;
    struct graph_client *graph =
        graph_pool_get(task->services->graphs, order->tenant_id, credentials, &task->hold, err);
    if (graph == NULL)
        return -1;
    task_phase(task, "discover");
    struct discover discover = { .task = task, .result = result };
    discover.batch = memory_new(BATCH * sizeof(*discover.batch));
    int failed = discovery_run(graph, on_found, &discover, &task->cancel.raised, err);
    if (failed == 0)
        failed = send_batch(&discover, true, err);
    free(discover.batch);
    graph_pool_put(task->services->graphs, graph);
    return failed;
}
