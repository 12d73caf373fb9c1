#ifndef LONGHAUL_COMMON_NET_REVOCATION_SET_H
#define LONGHAUL_COMMON_NET_REVOCATION_SET_H

/* The node ids whose certificates are refused, kept by the director and by every host. Any thread. */

#include <stdbool.h>
#include <stddef.h>

struct error;
struct revocation_set;
struct tls_peer;

#define REVOCATION_SET_MAX 100000

struct revocation_set *revocation_set_new(void);
void revocation_set_free(struct revocation_set *set);

bool revocation_set_contains(struct revocation_set *set, const char *node_id);
/* true when it is new. An id that is none is not taken. */
bool revocation_set_add(struct revocation_set *set, const char *node_id);

/* The whole set anew, as it comes from the director. on_new (may be NULL) is called for each id that was not in it
 * before, without a lock held: the place for rpc_server_drop_node(). ERROR_LIMIT, ERROR_FORMAT: nothing changes. */
int revocation_set_replace(struct revocation_set *set, const char *const *node_ids, size_t count,
                           void (*on_new)(void *ctx, const char *node_id), void *ctx, struct error *err);

/* A copy of all ids, freed by revocation_set_list_free(). */
char **revocation_set_list(struct revocation_set *set, size_t *count);
void revocation_set_list_free(char **ids, size_t count);

/* For rpc_server_options.admit with the set as admit_ctx: ERROR_DENIED for a revoked node. */
int revocation_set_admit(void *set, const struct tls_peer *peer, struct error *err);

#endif
