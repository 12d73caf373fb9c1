#ifndef LONGHAUL_DIRECTOR_API_API_HANDLERS_H
#define LONGHAUL_DIRECTOR_API_API_HANDLERS_H

/* One function for each line of the route table (api_routes.c), in api_<resource>.c. See openapi.yaml for what each
 * takes and answers. */

#include "director/api/api_call.h"

api_handler api_health_show, api_health_director;
api_handler api_tenants_list, api_tenants_add, api_tenants_show, api_tenants_delete, api_tenants_set_secret,
    api_tenants_discover;
api_handler api_objects_list, api_objects_show;
api_handler api_transporters_list, api_transporters_show, api_transporters_label, api_transporters_revoke;
api_handler api_invites_list, api_invites_add, api_invites_delete;
api_handler api_repositories_list, api_repositories_add, api_repositories_show, api_repositories_attach,
    api_repositories_delete;
api_handler api_vaults_list, api_vaults_add, api_vaults_show, api_vaults_delete, api_vaults_verify, api_vaults_sweep,
    api_vaults_undo, api_vaults_heal, api_vaults_placement;
api_handler api_secrets_list, api_secrets_add, api_secrets_show, api_secrets_put_slot, api_secrets_delete;
api_handler api_jobs_list, api_jobs_add, api_jobs_show, api_jobs_update, api_jobs_delete;
api_handler api_runs_list, api_runs_start, api_runs_show, api_runs_cancel, api_runs_tasks, api_runs_task;
api_handler api_points_list, api_points_show, api_points_verify;
api_handler api_restores_start;
api_handler api_query_start, api_query_look, api_query_drop;
api_handler api_events_list;
api_handler api_tokens_list, api_tokens_add, api_tokens_show_own, api_tokens_delete;

#endif
