#ifndef LONGHAUL_TRANSPORTER_TRANSPORTER_H
#define LONGHAUL_TRANSPORTER_TRANSPORTER_H

/* The daemon, put together: link to the director, tasks, queries, and the vaults held for others.
 *
 * A tour in the way of the data: link/ (orders come in) > task/ (threads, what every task needs) > graph/ (Microsoft's
 * API) > source/ (mail, drive) > pipeline/ (backup) > host/ (vaults served to others) > storage/ (drivers); and back:
 * restore/, query/ (what operators ask), rescue/ (a vault without anything else). */

struct clock;
struct error;
struct transporter;
struct transporter_config;

/* Of the process, once, before anything else: no core dumps, no SIGPIPE, JSON memory that is zeroed when freed. */
void transporter_prepare_process(void);

/* Opens everything; nothing is served or asked yet. config and clock are borrowed for life. NULL: ERROR_NOT_FOUND when
 * not enrolled, with what to do. */
struct transporter *transporter_new(const struct transporter_config *config, const struct clock *clock,
                                    struct error *err);
/* Serves until SIGTERM or SIGINT; a second one ends the process at once. */
int transporter_run(struct transporter *transporter, struct error *err);
void transporter_free(struct transporter *transporter);

#endif
