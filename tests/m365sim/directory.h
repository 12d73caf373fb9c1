#ifndef LONGHAUL_TESTS_M365SIM_DIRECTORY_H
#define LONGHAUL_TESTS_M365SIM_DIRECTORY_H

/* Handlers of users, sites and the organisation. */

struct reply;
struct request;

void directory_organization(struct request *r, struct reply *reply);
void directory_users(struct request *r, struct reply *reply);
void directory_users_delta(struct request *r, struct reply *reply);
void directory_user(struct request *r, struct reply *reply);
void directory_sites(struct request *r, struct reply *reply);
void directory_site(struct request *r, struct reply *reply);

#endif
