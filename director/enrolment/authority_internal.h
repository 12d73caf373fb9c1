#ifndef LONGHAUL_DIRECTOR_ENROLMENT_AUTHORITY_INTERNAL_H
#define LONGHAUL_DIRECTOR_ENROLMENT_AUTHORITY_INTERNAL_H

#include "common/crypto/certificate.h"

/* What lies in the authority's folder. */
struct authority_files {
    char *folder;
    struct key_pair *root_key, *grant_key, *node_key;
    char *root_pem, *node_pem;
};

/* Loads, or makes on first use. root.pem is written last: while it is missing, making goes on where it stopped. After a
 * failure clear what there is. */
int authority_files_open(struct authority_files *files, const char *folder, const struct clock *clock,
                         int64_t lifetime_ms, struct error *err);
void authority_files_clear(struct authority_files *files);

/* A new node.pem for the same key and node id, durable before it is in *files. */
int authority_files_renew(struct authority_files *files, const char *node_id, const struct clock *clock,
                          int64_t lifetime_ms, struct error *err);

#endif
