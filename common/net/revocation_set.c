#include "common/net/revocation_set.h"

#include "common/base/error.h"
#include "common/base/identifier.h"
#include "common/base/memory.h"
#include "common/net/tls_context.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct revocation_set {
    pthread_mutex_t lock;
    char (*ids)[IDENTIFIER_LEN]; /* sorted */
    size_t count, capacity;
};

static int
compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static bool
contains(char (*ids)[IDENTIFIER_LEN], size_t count, const char *node_id)
{
    return count > 0 && bsearch(node_id, ids, count, IDENTIFIER_LEN, compare) != NULL;
}

struct revocation_set *
revocation_set_new(void)
{
    struct revocation_set *set = MEMORY_NEW(struct revocation_set);
    pthread_mutex_init(&set->lock, NULL);
    return set;
}

void
revocation_set_free(struct revocation_set *set)
{
    if (set == NULL)
        return;
    pthread_mutex_destroy(&set->lock);
    free(set->ids);
    free(set);
}

bool
revocation_set_contains(struct revocation_set *set, const char *node_id)
{
    pthread_mutex_lock(&set->lock);
    bool found = contains(set->ids, set->count, node_id);
    pthread_mutex_unlock(&set->lock);
    return found;
}

static void
insert(struct revocation_set *set, const char *node_id)
{
    if (set->count == set->capacity) {
        size_t capacity = set->capacity == 0 ? 16 : 2 * set->capacity;
        char(*grown)[IDENTIFIER_LEN] = memory_new(capacity * IDENTIFIER_LEN);
        if (set->count > 0)
            memcpy(grown, set->ids, set->count * IDENTIFIER_LEN);
        free(set->ids);
        set->ids = grown;
        set->capacity = capacity;
    }
    size_t at = set->count;
    while (at > 0 && strcmp(set->ids[at - 1], node_id) > 0)
        at--;
    memmove(set->ids + at + 1, set->ids + at, (set->count - at) * IDENTIFIER_LEN);
    memcpy(set->ids[at], node_id, strlen(node_id) + 1);
    set->count++;
}

bool
revocation_set_add(struct revocation_set *set, const char *node_id)
{
    if (!identifier_valid(node_id))
        return false;
    pthread_mutex_lock(&set->lock);
    bool is_new = set->count < REVOCATION_SET_MAX && !contains(set->ids, set->count, node_id);
    if (is_new)
        insert(set, node_id);
    pthread_mutex_unlock(&set->lock);
    return is_new;
}

int
revocation_set_replace(struct revocation_set *set, const char *const *node_ids, size_t count,
                       void (*on_new)(void *ctx, const char *node_id), void *ctx, struct error *err)
{
    char(*fresh)[IDENTIFIER_LEN] =
        memory_array(count, IDENTIFIER_LEN, (size_t)REVOCATION_SET_MAX * IDENTIFIER_LEN, err);
    if (fresh == NULL)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (!identifier_valid(node_ids[i])) {
            free(fresh);
            return FAIL(err, ERROR_FORMAT, 0, "the list of revoked nodes holds something that is no node id");
        }
        memcpy(fresh[i], node_ids[i], strlen(node_ids[i]) + 1);
    }
    if (count > 0)
        qsort(fresh, count, IDENTIFIER_LEN, compare);
    pthread_mutex_lock(&set->lock);
    char(*old)[IDENTIFIER_LEN] = set->ids;
    size_t old_count = set->count;
    set->ids = fresh;
    set->count = set->capacity = count;
    pthread_mutex_unlock(&set->lock);
    for (size_t i = 0; on_new != NULL && i < count; i++) {
        if (!contains(old, old_count, node_ids[i]))
            on_new(ctx, node_ids[i]);
    }
    free(old);
    return 0;
}

char **
revocation_set_list(struct revocation_set *set, size_t *count)
{
    pthread_mutex_lock(&set->lock);
    char **ids = memory_new((set->count + 1) * sizeof(*ids));
    for (size_t i = 0; i < set->count; i++)
        ids[i] = memory_strdup(set->ids[i]);
    *count = set->count;
    pthread_mutex_unlock(&set->lock);
    return ids;
}

void
revocation_set_list_free(char **ids, size_t count)
{
    for (size_t i = 0; ids != NULL && i < count; i++)
        free(ids[i]);
    free(ids);
}

int
revocation_set_admit(void *set, const struct tls_peer *peer, struct error *err)
{
    if (*peer->node_id == '\0' || !revocation_set_contains(set, peer->node_id))
        return 0;
    return FAIL(err, ERROR_DENIED, 0, "node %s is revoked", peer->node_id);
}
