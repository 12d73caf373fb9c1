#ifndef LONGHAUL_TESTS_M365SIM_TENANT_FLAGS_H
#define LONGHAUL_TESTS_M365SIM_TENANT_FLAGS_H

/* The flags column of tenant.tsv, eight bytes per message. */

struct error;
struct tenant_flags;

/* A folder without tenant.tsv is fine. */
struct tenant_flags *tenant_flags_open(const char *folder, struct error *err);
void tenant_flags_free(struct tenant_flags *flags);
/* tree_flag bits; those of a read message when the path is not listed. Any thread. */
unsigned tenant_flags_find(const struct tenant_flags *flags, const char *path);

#endif
